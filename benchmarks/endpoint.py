"""Compiling through the server extension, as the panel does, against a cold process that imports kfp and compiles."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, List

from benchmarks._server import Program, Server
from benchmarks.measure import Row, Samples, interleaved

TITLE = "Compiling a file through the server"

LENGTH = 10
_MOST, _FASTER = 50.0, 36.0
#: Seconds between two requests: nobody compiles again sooner.
_PAUSE = 0.2
_IMPORTS = {
    "V1_LEGACY": "from kfp.components import create_component_from_func as component",
    "V2_COMPATIBLE": "from kfp.v2.dsl import component",
}
_CHAIN = '''
from kfp import dsl
{imports}


@component
def add_one(number: int, note: str = "none") -> int:
    """Add one."""
    print(f"{{number}} + 1: {{note}}")
    return number + 1


@dsl.pipeline(name="chain")
def chain(number: int = 0):
    value = number
    for _ in range({length}):
        value = add_one(value).output
'''
_CONFIG = "pipeline:\n  name: chain\n  pipeline_execution_mode: {mode}\n"
_COLD = """
from kfp import compiler, dsl
compiler.Compiler(mode=dsl.PipelineExecutionMode.{mode}).compile(chain, {package!r})
"""


def rows(rounds: int) -> Iterator[Row]:
    """Measure both modes."""
    for mode in _IMPORTS:
        with tempfile.TemporaryDirectory(prefix="kfops-benchmark-") as folder:
            yield _against_cold(Path(folder), mode, rounds)


def _against_cold(folder: Path, mode: str, rounds: int) -> Row:
    source = _CHAIN.format(imports=_IMPORTS[mode], length=LENGTH)
    work = folder / "work"
    work.mkdir()
    (work / "chain.py").write_text(source)
    (work / "config.yaml").write_text(_CONFIG.format(mode=mode))
    cold = folder / "cold.py"
    cold.write_text(source + _COLD.format(mode=mode, package=str(folder / "chain.yaml")))
    warm: List[float] = []

    def compile_some() -> None:
        for _ in range(5):
            time.sleep(_PAUSE)
            began = time.perf_counter()
            _compile(server)
            warm.append(time.perf_counter() - began)

    with Program(folder).running() as server:
        _compile(server)  # starts the worker
        found = interleaved({"warm": compile_some, "cold": lambda: _run([sys.executable, str(cold)])}, max(3, rounds))
    each, limit = Samples(warm[5:]), found["cold"]
    faster = limit.median / each.median
    return Row(
        f"{LENGTH} steps, {mode}, p50 of {len(each.values)} requests",
        each.text(),
        f"{limit.text()}, a cold process with kfp alone",
        faster,
        f"under {_MOST:.0f} ms, at least {_FASTER:.0f} times faster",
        each.median * 1000 < _MOST and faster >= _FASTER,
    )


def _compile(server: Server) -> None:
    """Compile the chain and wait for the end."""
    operation = server.ask("POST", "/kfops/packages", {"path": "chain.py"})
    while operation["state"] == "running":
        operation = server.ask("GET", f"/kfops/operations/{operation['id']}")
    if operation["state"] != "succeeded" or operation["result"]["graph"]["total"] != LENGTH:
        raise RuntimeError(f"the compile has {operation['state']}: {operation['error']}")


def _run(command: List[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
