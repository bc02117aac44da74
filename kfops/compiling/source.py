"""A notebook or a Python file -> the code to execute.

From a notebook the ``%%kfops pipeline`` cells are executed as they stand; from the plain cells above them only the
statements that bind a name the pipeline needs, and never a bare expression: no plot is drawn, no data loaded, no cell
magic run. Without such a cell the functions decorated with ``dsl.pipeline``, and what they need, are taken.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfops.errors import CompileError, InvalidInput

_CELL_MAGIC = re.compile(r"^\s*%%(\S+)\s*(.*)$")
_LINE_MAGIC = re.compile(r"^\s*(?:[%!]|\?)|^\s*[\w.,\s]+=\s*[%!]|\?\s*$")
#: Cell magics whose body is plain Python.
_STILL_PYTHON = frozenset({"time", "timeit", "capture", "prun", "memit"})


@dataclass(frozen=True)
class Unit:
    """A piece of code that is executed at once: ``text`` keeps the line numbers of the cell or file.

    ``filename`` is the path of a file, or for a cell a readable pseudo name; ``cell`` counts from 1, 0 for a file.
    """

    filename: str
    text: str
    tree: ast.Module
    cell: int = 0


@dataclass(frozen=True)
class Program:
    """The code of a source: its units in order, and the Dockerfiles of its ``%%kfops image`` cells by name."""

    kind: str
    path: str
    sha256: str
    units: list[Unit]
    dockerfiles: dict[str, str] = field(default_factory=dict)

    @property
    def cells(self) -> dict[str, tuple[str, int]]:
        """For each unit's file name: the path of the source and the number of the cell."""
        return {unit.filename: (self.path, unit.cell) for unit in self.units}


@dataclass
class _Cell:
    number: int
    magic: str
    text: str
    filename: str
    tree: ast.Module | None = None
    problem: SyntaxError | None = None


def read_source(
    path: str | os.PathLike[str], content: str | dict[str, Any] | None = None, *, function: str = ""
) -> Program:
    """Return the code to execute for ``path``.

    Parameters
    ----------
    path
        A ``.py`` or ``.ipynb`` file.
    content
        Its text (or a notebook's JSON as data) when it has not been saved; read from ``path`` when None.
    function
        The pipeline function asked for; it is found in a notebook even when it is not decorated.

    Raises
    ------
    InvalidInput
        There is no such file, or it is neither Python nor a notebook.
    CompileError
        It is not valid: ``details`` has ``cell`` and ``line``.
    """
    path = str(Path(path).absolute())
    kind = Path(path).suffix
    if kind not in (".py", ".ipynb"):
        raise InvalidInput(
            f"{Path(path).name} is neither a Python file nor a notebook.", remedy="Give a .py or .ipynb file."
        )
    text = content if isinstance(content, str) else json.dumps(content) if content is not None else _read(path)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    if kind == ".py":
        return Program("file", path, digest, [Unit(path, text, _parse(text, path))])
    cells, dockerfiles = _cells(text, path)
    return Program("notebook", path, digest, _units(cells, path, function), dockerfiles)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read.", why=f"{error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} cannot be read.", why="It is not UTF-8 text.") from None


def _parse(text: str, filename: str) -> ast.Module:
    try:
        return ast.parse(text, filename)
    except SyntaxError as error:
        raise _syntax_error(error, filename, 0, text) from None
    except ValueError as error:
        raise CompileError(f"{Path(filename).name} does not compile.", why=f"{error}.", path=filename) from None


def _syntax_error(error: SyntaxError, path: str, cell: int, text: str) -> CompileError:
    line = error.lineno or 1
    lines = text.splitlines()
    place = f"cell {cell}, line {line}" if cell else f"line {line}"
    details: dict[str, Any] = {"path": path, "line": line}
    details["source"] = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    if cell:
        details["cell"] = cell
    return CompileError(
        f"{Path(path).name} does not compile ({place}).", why=f"{type(error).__name__}: {error.msg}", **details
    )


def _cells(text: str, path: str) -> tuple[list[_Cell], dict[str, str]]:
    """Return the code cells that hold Python, parsed, and the Dockerfiles."""
    name = Path(path).name
    try:
        notebook = json.loads(text)
        found = notebook["cells"]
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(
            f"{name} is not a notebook.", why="It is not the JSON of notebook format 4.", path=path
        ) from None
    cells: list[_Cell] = []
    dockerfiles: dict[str, str] = {}
    for number, cell in enumerate(found, 1):
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source") or ""
        source = "".join(source) if isinstance(source, list) else source
        magic, body = _split(source)
        verb = magic.split()
        if verb[:2] == ["kfops", "image"] and len(verb) > 2:
            dockerfiles[verb[2]] = body.lstrip("\n")
        elif not verb or verb[0] in _STILL_PYTHON or verb[:2] == ["kfops", "pipeline"]:
            cells.append(_parsed(_Cell(number, magic, body, f"<cell {number} of {name}>")))
    return cells, dockerfiles


def _split(source: str) -> tuple[str, str]:
    """Return the cell magic and the cell with that line emptied, so that line numbers stay."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if not line.strip() or (line.lstrip().startswith("#") and not line.lstrip().startswith("%%")):
            continue
        found = _CELL_MAGIC.match(line)
        if not found:
            break
        return " ".join(found.groups()), "\n".join([""] * (number + 1) + lines[number + 1 :])
    return "", source


def _parsed(cell: _Cell) -> _Cell:
    """Parse a cell; lines that Python does not understand and IPython does are emptied first."""
    lines = cell.text.split("\n")
    for _ in range(len(lines) + 1):
        try:
            cell.tree = ast.parse("\n".join(lines), cell.filename)
            cell.text = "\n".join(lines)
            return cell
        except SyntaxError as error:
            cell.problem = error
            line = (error.lineno or 1) - 1
            if not (0 <= line < len(lines) and _LINE_MAGIC.search(lines[line])):
                return cell
            _empty(lines, line)
        except ValueError as error:
            cell.problem = SyntaxError(str(error))
            return cell
    return cell


def _empty(lines: list[str], line: int) -> None:
    indent = lines[line][: len(lines[line]) - len(lines[line].lstrip())]
    goes_on = True
    while goes_on and line < len(lines):
        goes_on = lines[line].endswith("\\")
        lines[line] = indent + "pass"
        line += 1


def _units(cells: list[_Cell], path: str, function: str) -> list[Unit]:
    own = [cell for cell in cells if cell.magic.split()[:2] == ["kfops", "pipeline"]]
    for cell in own:
        if cell.tree is None and cell.problem is not None:
            raise _syntax_error(cell.problem, path, cell.number, cell.text)
    last = own[-1].number if own else 0
    whole = {cell.number for cell in own}
    kept: dict[int, list[ast.stmt]] = {cell.number: list(cell.tree.body) for cell in own if cell.tree}
    others = [
        (cell.number, statement)
        for cell in cells
        if cell.tree is not None and cell.number not in whole and (not own or cell.number < last)
        for statement in cell.tree.body
        if not isinstance(statement, ast.Expr)
    ]
    if not own:
        roots = [(n, s) for n, s in others if _is_pipeline(s) or (function and getattr(s, "name", "") == function)]
        broken = next((cell for cell in cells if cell.tree is None and cell.problem), None)
        if not roots and broken is not None and broken.problem is not None:
            raise _syntax_error(broken.problem, path, broken.number, broken.text)
        for number, statement in roots:
            kept.setdefault(number, []).append(statement)
    _add_needed(kept, others)
    units = []
    for cell in cells:
        statements = kept.get(cell.number)
        if statements and cell.tree is not None:
            tree = ast.Module(body=sorted(statements, key=lambda s: s.lineno), type_ignores=[])
            units.append(Unit(cell.filename, cell.text, tree, cell.number))
    return units


def _add_needed(kept: dict[int, list[ast.stmt]], others: list[tuple[int, ast.stmt]]) -> None:
    """Add to ``kept`` the statements that bind a name which what is kept uses, and so on."""
    taken = {id(statement) for statements in kept.values() for statement in statements}
    needed: set[str] = set()
    for statements in kept.values():
        for statement in statements:
            needed |= _names(statement)
    grew = True
    while grew:
        grew = False
        for number, statement in others:
            if id(statement) in taken or not (_bound(statement) & needed):
                continue
            taken.add(id(statement))
            kept.setdefault(number, []).append(statement)
            needed |= _names(statement)
            grew = True


def _names(statement: ast.stmt) -> set[str]:
    found = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    for node in ast.walk(statement):  # annotations may be written as text
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80:
            found.update(
                re.findall(r"[A-Za-z_]\w*", node.value) if "[" in node.value or node.value.isidentifier() else ()
            )
    return found


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds or changes; "*" imports bind anything that is needed."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            found.update(inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
    return found


def _is_pipeline(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.FunctionDef):
        return False
    for decorator in statement.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if getattr(called, "attr", getattr(called, "id", "")) == "pipeline":
            return True
    return False
