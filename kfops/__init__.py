"""kfops: from a notebook to a versioned, reproducible model on Kubeflow Pipelines.

Everything is imported when it is first used, so that ``import kfops`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

from kfops.errors import KfopsError

if TYPE_CHECKING:
    from kfops import config as config
    from kfops.compiler import compile as compile  # noqa: A004
    from kfops.connection import connect as connect
    from kfops.images import build_pipeline as build
    from kfops.model import materialize as materialize
    from kfops.model import materialize_model as materialize_model
    from kfops.pipelines import upload as upload
    from kfops.runs import run as run
    from kfops.runs import wait as wait
    from kfops.switching import use as use
    from kfops.tagger import versioned_image as versioned_image

    __version__: str

__all__ = [
    "KfopsError",
    "__version__",
    "build",
    "compile",
    "config",
    "connect",
    "materialize",
    "materialize_model",
    "run",
    "upload",
    "use",
    "versioned_image",
    "wait",
]

#: Where the lazy names are defined, and under which name.
_homes = {
    "build": ("kfops.images", "build_pipeline"),
    "compile": ("kfops.compiler", "compile"),
    "connect": ("kfops.connection", "connect"),
    "materialize": ("kfops.model", "materialize"),
    "materialize_model": ("kfops.model", "materialize_model"),
    "run": ("kfops.runs", "run"),
    "upload": ("kfops.pipelines", "upload"),
    "use": ("kfops.switching", "use"),
    "versioned_image": ("kfops.tagger", "versioned_image"),
    "wait": ("kfops.runs", "wait"),
}


def __getattr__(name: str) -> Any:
    if name in _homes:
        module, attribute = _homes[name]
        value = getattr(importlib.import_module(module), attribute)
    elif name == "config":
        value = importlib.import_module("kfops.config")
    elif name == "__version__":
        from kfops.installed import version_of

        # A checkout that is on the path without being installed has no version.
        value = version_of("kfops-lab") or "0+unknown"
    else:
        raise AttributeError(f"module 'kfops' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
