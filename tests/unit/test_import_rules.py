"""Who may import whom (DESIGN: one process must not pull in another's libraries), read from the sources."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Of kfops, what every process may use.
SHARED = ("kfops.errors", "kfops.types", "kfops.__version__", "kfops.__path__")

# What must not run inside the Jupyter Server's process.
HEAVY = {"kfp", "kfp_server_api", "kubernetes", "minio", "pydantic", "sqlalchemy", "sklearn"}


def modules(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"{folder} holds no module: the rule would hold for nothing"
    return found


def imports(path: Path) -> set[str]:
    """Return the full names that a module imports, relative ones resolved.

    `from a import b` counts as `a.b`, and so does `import kfops` with each use of `kfops.b`: the package's names are
    lazy, so it is the use that imports.
    """
    base = ROOT / "server_ext" if "server_ext" in path.relative_to(ROOT).parts else ROOT
    package = path.relative_to(base).with_suffix("").parts
    package = package[:-1]  # of a module its package, of __init__ the package itself
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name != "kfops")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "kfops":
            found.add(f"kfops.{node.attr}")
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join([*above, *([node.module] if node.module else [])])
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


def offences(folder: str, forbidden: Callable[[str], bool]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in sorted(imports(path))
        if forbidden(name)
    ]


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_the_server_extension_imports_no_library_of_the_pipeline_environment():
    assert offences("server_ext/kfops_server", lambda name: name.split(".")[0] in HEAVY) == []


def test_the_server_extension_shares_only_errors_and_types_with_kfops():
    def forbidden(name: str) -> bool:
        return within(name, "kfops", "kfops_lab") and not within(name, *SHARED)

    assert offences("server_ext/kfops_server", forbidden) == []


def test_errors_and_types_import_only_the_standard_library():
    allowed = {"__future__", "abc", "collections", "dataclasses", "datetime", "enum", "json", "pathlib", "re", "typing"}
    for path in (ROOT / "kfops" / "errors.py", *modules("kfops/types")):
        found = imports(path)
        assert {full.split(".")[0] for full in found} <= allowed | {"kfops"}
        assert [
            full for full in found if within(full, "kfops") and not within(full, "kfops.errors", "kfops.types")
        ] == []


def test_kfops_imports_neither_the_magics_nor_the_server_extension():
    assert offences("kfops", lambda name: within(name, "kfops_lab", "kfops_server", "IPython", "jupyter_server")) == []


def test_the_embedded_backend_stands_alone():
    own = (*SHARED, "kfops.graph", "kfops.local")

    def forbidden(name: str) -> bool:
        return within(name, "kfp", "kfp_server_api", "kubernetes") or (within(name, "kfops") and not within(name, *own))

    # The process from which kfp's components are forked is a program of its own, which the backend never imports.
    warm = "kfops/local/executors/warm_server.py"
    assert offences("kfops/local", forbidden) == [f"{warm} imports kfp.components.executor"]
    assert offences("kfops/local", lambda name: name.split(".")[-1] == "warm_server" or "warm_server." in name) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import kfp.dsl", "kfp.dsl"),
        ("from .. import runs", "kfops.runs"),
        ("from ..runs import run", "kfops.runs.run"),
        ("from . import store", "kfops.local.store"),
        ("import kfops\nkfops.run()", "kfops.run"),
        ("def late():\n    from kfp import Client", "kfp.Client"),
    ],
)
def test_the_reader_of_imports_sees_them_in_every_form(source: str, name: str, monkeypatch, tmp_path):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    module = tmp_path / "kfops" / "local" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text(source)
    assert imports(module) == {name}
