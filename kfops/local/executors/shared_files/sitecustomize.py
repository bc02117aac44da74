"""Loaded by the Python of a step that has no file system view of its own, before anything else.

kfp keeps a v2 component's artifacts below ``/minio``, ``/gcs`` and ``/s3``. Where a step cannot have such folders for
itself, kfp is told to use those in the step's folder, which KFOPS_STEP_ROOT names. Nothing is imported for that: the
prefixes are set when, and only if, the step imports kfp itself.

Every start of Python pays for what is imported here: the abstract classes of a finder and a loader alone would take
longer than Python's start without them.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Optional, Sequence

_MODULE = "kfp.dsl.io_types"
_PREFIXES = {
    "_GCS_LOCAL_MOUNT_PREFIX": "/gcs/",
    "_MINIO_LOCAL_MOUNT_PREFIX": "/minio/",
    "_S3_LOCAL_MOUNT_PREFIX": "/s3/",
}


class _Loader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[ModuleType]:
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        for name, prefix in _PREFIXES.items():
            setattr(module, name, os.environ["KFOPS_STEP_ROOT"] + prefix)


class _Finder:
    def find_spec(
        self, name: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if name != _MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


def _run_the_hidden_one(own: str) -> None:
    """Run the sitecustomize of the environment, which this one stands in front of."""
    path = [folder for folder in sys.path if os.path.abspath(folder) != own]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(sys.modules[__name__])


if "KFOPS_STEP_ROOT" in os.environ:
    sys.meta_path.insert(0, _Finder())
_run_the_hidden_one(os.path.dirname(os.path.abspath(__file__)))
