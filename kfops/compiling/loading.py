"""Executes the code of a source and finds its pipeline function."""

from __future__ import annotations

import linecache
import os
import sys
import types
from pathlib import Path
from typing import Any, Callable

from kfops.compiling.quiet import without_kfps_warnings
from kfops.compiling.source import Program
from kfops.errors import CompileError


def load(program: Program, function: str = "", preferred: str = "") -> Callable[..., Any]:
    """Execute a program and return its pipeline function.

    The program runs as a module of its own, in the folder of its source, which is the first entry of ``sys.path``;
    a block below ``if __name__ == "__main__":`` does not run. To be called in a process that ends afterwards.

    Parameters
    ----------
    program
        What ``read_source`` returned.
    function
        The function asked for; with "" the only pipeline function.
    preferred
        The one to take when there are several and none was asked for, such as config.yaml's.

    Raises
    ------
    CompileError
        There is no pipeline function, or there are several of them.
    """
    folder = Path(program.path).parent
    if folder.is_dir():
        os.chdir(folder)
    sys.path.insert(0, str(folder))
    module = _module(program)
    found: list[Callable[..., Any]] = []
    from kfp.dsl import _pipeline

    earlier = _pipeline._pipeline_decorator_handler
    _pipeline._pipeline_decorator_handler = found.append
    try:
        with without_kfps_warnings():
            for unit in program.units:
                lines = unit.text.splitlines(keepends=True)
                linecache.cache[unit.filename] = (len(unit.text), None, lines, unit.filename)
                exec(compile(unit.tree, unit.filename, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    finally:
        _pipeline._pipeline_decorator_handler = earlier
    return _choose(found, module, program, function, preferred)


def _module(program: Program) -> types.ModuleType:
    name = Path(program.path).stem
    if not name.isidentifier() or name in sys.modules or program.kind == "notebook":
        name = "kfops_source"
    module = types.ModuleType(name)
    module.__file__ = program.path
    sys.modules[name] = module  # dataclasses and pickle look classes up by their module
    return module


def _choose(
    found: list[Callable[..., Any]], module: types.ModuleType, program: Program, function: str, preferred: str
) -> Callable[..., Any]:
    own: dict[str, Callable[..., Any]] = {}
    for candidate in [f for f in found if f.__module__ == module.__name__] or found:
        own[candidate.__name__] = candidate  # a cell executed later wins, as in the notebook
    name = Path(program.path).name
    chosen = function or (preferred if preferred in own else "")
    if chosen:
        named = own.get(chosen) or module.__dict__.get(chosen)
        if isinstance(named, types.FunctionType):
            return named
        raise CompileError(
            f"{name} has no pipeline function {chosen}.",
            why=f"Its pipeline functions are {', '.join(own)}." if own else "It has no pipeline function at all.",
            remedy="Give the name of one of them." if own else _how_to(program),
            path=program.path,
            functions=list(own),
        )
    if not own:
        raise CompileError(
            f"{name} has no pipeline function.",
            why="No function in it is decorated with kfp.dsl.pipeline.",
            remedy=_how_to(program),
            path=program.path,
            functions=[],
        )
    if len(own) > 1:
        raise CompileError(
            f"{name} has {len(own)} pipeline functions.",
            why=f"They are {', '.join(own)}.",
            remedy=f"Say which one, for example function={next(iter(own))!r}, "
            "or set pipeline.pipeline_function_name in config.yaml.",
            path=program.path,
            functions=list(own),
        )
    return next(iter(own.values()))


def _how_to(program: Program) -> str:
    hint = 'Write @kfp.dsl.pipeline(name="my-pipeline") above the function'
    return hint + (" and put it into a %%kfops pipeline cell." if program.kind == "notebook" else ".")
