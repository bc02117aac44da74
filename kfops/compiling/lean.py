"""For the length of a compile: kfp and the kubernetes client without the work that changes nothing about the result.

tests/unit/test_compile_equality.py holds the workflows against those of kfp's own compiler.
"""

from __future__ import annotations

import contextlib
import gc
from typing import Any, Iterator, List, Tuple

from kfops.compiling.replacements import REPLACEMENTS

_replaced: List[Tuple[Any, str, Any, Any]] = []


@contextlib.contextmanager
def lean() -> Iterator[None]:
    """Compile with less work inside; one thread at a time. Everything is put back at the end, however that comes."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with lean_kfp():
            yield
    finally:
        if collecting:
            gc.enable()


@contextlib.contextmanager
def lean_kfp() -> Iterator[None]:
    """Have kfp's functions replaced, and nothing else changed; inside of another one nothing happens."""
    if _replaced:
        yield
        return
    try:
        for replacements in REPLACEMENTS:
            try:
                wanted = [(owner, name, vars(owner)[name], new) for owner, name, new in replacements()]
            except (ImportError, AttributeError, KeyError):
                continue
            for owner, name, _, new in wanted:
                setattr(owner, name, new)
            _replaced.extend(wanted)
        yield
    finally:
        for owner, name, old, new in reversed(_replaced):
            if vars(owner).get(name) is new:  # else the pipeline's own code has put something there
                setattr(owner, name, old)
        _replaced.clear()
