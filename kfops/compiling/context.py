"""What versioned_image() and materialize_model() must know while a pipeline compiles."""

from __future__ import annotations

import contextlib
import contextvars
from dataclasses import dataclass
from typing import Any, Iterable, Iterator


@dataclass(frozen=True)
class Compiling:
    """The configuration in force, and the images that the source itself defines."""

    config: Any = None
    images: frozenset[str] = frozenset()


_current: contextvars.ContextVar[Compiling | None] = contextvars.ContextVar("kfops_compiling", default=None)


def images() -> frozenset[str]:
    """Return the names that the ``%%kfops image`` cells of the source define."""
    current = _current.get()
    return current.images if current else frozenset()


def config() -> Any:
    """Return the configuration given to ``compile``, else the one found from the working folder."""
    current = _current.get()
    if current and current.config is not None:
        return current.config
    from kfops import config as configuration

    return configuration.load()


@contextlib.contextmanager
def compiling(config: Any, images: Iterable[str] = ()) -> Iterator[None]:
    """Make ``config`` and ``images`` known to the code that runs inside."""
    token = _current.set(Compiling(config, frozenset(images)))
    try:
        yield
    finally:
        _current.reset(token)
