"""Compiling something small beforehand, so that a request finds imported what it needs and has its memory to itself.

A forked process copies each page of its parent's memory when it first writes there, which for a compile takes as long
as a good part of the work. One that has rehearsed has copied most of them before anybody waits, and what it let go of
again is at hand for as many steps as it has rehearsed with.
"""

from __future__ import annotations

import gc
import linecache
import sys
from pathlib import Path
from typing import Callable

from kfops.compiling.request import answer

_NAME = "kfops_rehearsal"
#: In a folder that does not exist, so that there is no configuration and nothing to ask git.
_PATH = f"/{_NAME}/{_NAME}.py"
_SOURCE = '''
from kfp import dsl
from kfp.components import create_component_from_func
from kfp.v2.dsl import component


def step(number: int) -> int:
    """Stand in for a user's step."""
    return number


@dsl.pipeline(name="rehearsal")
def pipeline(number: int = 1):
    for make in (create_component_from_func, component):
        for _ in range(5):
            number = make(step)(number).output
'''


def rehearse(waiting: Callable[[], bool]) -> None:
    """Compile a small pipeline in each mode as a request would, unless something real is waiting."""
    from kfops.compiling.build import MODES

    path = list(sys.path)
    for mode in MODES:
        if not waiting():
            try:
                answer({"path": _PATH, "content": _SOURCE, "mode": mode})
            finally:
                gc.enable()
                sys.path[:] = path
                sys.modules.pop(Path(_PATH).stem, None)
                linecache.cache.pop(_PATH, None)
