"""Exception -> CompileError that says why in a line or two and points into the user's code."""

from __future__ import annotations

import linecache
import os
import re
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any, Mapping

from kfops.errors import CompileError, CompileExited, CompileOutOfMemory, KfopsError

_LIBRARIES = tuple(
    {os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {str(Path(__file__).resolve().parent.parent) + os.sep}
)
_TYPES_DIFFER = re.compile(
    r'passed to the input "(?P<input>.+?)" of component "(?P<component>.+?)": '
    r'Argument type "(?P<given>.+?)" is incompatible with the input type "(?P<wanted>.+?)"'
)
_PYTHON_TYPES = {
    "Integer": "int",
    "Float": "float",
    "Boolean": "bool",
    "String": "str",
    "JsonArray": "list",
    "JsonObject": "dict",
}
_CATEGORY_DIFFERS = re.compile(
    r'Passing (?:PipelineParam )?(?P<what>.+?) with type "(?P<given>.+?)" \(as "(?P<as>\w+)"\) to component input '
    r'"(?P<input>.+?)" with type "(?P<wanted>.+?)" \(as'
)


def explain(error: BaseException, what: str, cells: Mapping[str, tuple[str, int]] | None = None) -> KfopsError:
    """Return the CompileError for what user code or kfp raised.

    Parameters
    ----------
    error
        The exception, with its traceback.
    what
        The name of the file, notebook or function that was compiled.
    cells
        For each pseudo file name of a notebook's cells: (path of the notebook, number of the cell).
    """
    where = _position(error, cells or {})
    place = _in_words(where)
    if isinstance(error, KfopsError):
        if "path" not in error.details:  # else it points somewhere better itself, such as into config.yaml
            error.details = {**where, **error.details}
            error.message = f"{error.message.rstrip('.')}{place}."
        return error
    if isinstance(error, SystemExit):
        return CompileExited(
            f"{what} does not compile{place}.",
            why=f"It ended Python itself: sys.exit({'' if error.code is None else repr(error.code)}).",
            remedy='Move code that is meant for a script below `if __name__ == "__main__":`.',
            **where,
        )
    if isinstance(error, MemoryError):
        return CompileOutOfMemory(
            f"{what} does not compile{place}.",
            why="It asked for more memory than a compile may have.",
            remedy="Load data in a step, not while the pipeline is compiled.",
            **where,
        )
    why, remedy = _reason(error, where.get("source", ""))
    return CompileError(f"{what} does not compile{place}.", why=_short(why), remedy=remedy, **where)


def _reason(error: BaseException, line: str) -> tuple[str, str]:
    text = str(error)
    name = type(error).__name__
    differ = _TYPES_DIFFER.search(text)
    if differ:
        given, wanted = _type(differ.group("given")), _type(differ.group("wanted"))
        why = (
            f'The input "{differ.group("input")}" of {differ.group("component")} takes {wanted}, and is given {given}.'
        )
        return why, "Pass another output, or change the annotation of one of the two."
    category = _CATEGORY_DIFFERS.search(text)
    if category:
        wanted = _type(category.group("wanted"))
        why = f'The input "{category.group("input")}" takes {wanted}, and is given {category.group("what")}'
        if category.group("given") == "None":
            python = _PYTHON_TYPES.get(category.group("wanted"))
            name_of = category.group("what").strip('"')
            return f"{why}, which has no type.", (
                f"Annotate it in the pipeline's signature: {name_of}: {python}" if python else "Annotate it."
            )
        return f"{why} ({category.group('given')}).", "Change the annotation of one of the two."
    if isinstance(error, SyntaxError):
        return f"{name}: {error.msg}", ""
    if isinstance(error, ModuleNotFoundError):
        return f"{name}: {text}", f"Install it where kfp runs: %pip install {(error.name or '').split('.')[0]}"
    if isinstance(error, KeyError) and "outputs[" in line:
        return f"The step has no output {text}.", "Use the name of one of its Output[...] arguments or returned fields."
    if isinstance(error, NotImplementedError) and "Input argument supports only" in text:
        return text.split("\n")[0], "A step takes text, numbers, parameters and outputs of steps; pass JSON as text."
    return f"{name}: {text}" if text else name, ""


def _type(name: str) -> str:
    return "no type" if name == "None" else f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def _short(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    return "\n".join(line if len(line) <= 300 else line[:299] + "…" for line in lines[:2])


def _in_words(where: Mapping[str, Any]) -> str:
    parts = [f"{key} {where[key]}" for key in ("cell", "line") if where.get(key)]
    return f" ({', '.join(parts)})" if parts else ""


def _position(error: BaseException, cells: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """Return path, cell, line and source of the innermost line of user code that took part."""
    found: tuple[str, int] | None = None
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        found = (error.filename, error.lineno)
    else:
        traceback: TracebackType | None = error.__traceback__
        while traceback is not None:
            name, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
            if name in cells or _is_users(name, line):
                found = (name, line)
            traceback = traceback.tb_next
    if found is None:
        return {}
    name, line = found
    path, cell = cells.get(name, (name, 0))
    where: dict[str, Any] = {"path": path, "line": line, "source": linecache.getline(name, line).strip()}
    if cell:
        where["cell"] = cell
    return where


def _is_users(name: str, line: int) -> bool:
    return bool(linecache.getline(name, line)) and not os.path.realpath(name).startswith(_LIBRARIES)
