"""Compiling through the server extension, as the panel does, against a cold process that imports kfp and compiles."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator, List

from benchmarks.measure import Row, Samples, interleaved

TITLE = "Compiling a file through the server"

LENGTH = 10
_MOST, _FASTER = 50.0, 36.0
_ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 60.0
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


class Server:
    """A Jupyter Server with the extension, asked over one connection that stays open."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        self._headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request and return its answer."""
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 202):
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def compile(self, path: str) -> None:
        """Compile a file and wait for the end."""
        operation = self.ask("POST", "/kfops/packages", {"path": path})
        while operation["state"] == "running":
            operation = self.ask("GET", f"/kfops/operations/{operation['id']}")
        if operation["state"] != "succeeded" or operation["result"]["graph"]["total"] != LENGTH:
            raise RuntimeError(f"the compile has {operation['state']}: {operation['error']}")


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
            server.compile("chain.py")
            warm.append(time.perf_counter() - began)

    with _running(folder) as server:
        server.compile("chain.py")  # starts the worker
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


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[Server]:
    """Run a Jupyter Server in a folder's ``work``, with all that it writes in that folder."""
    port, token = _free_port(), os.urandom(16).hex()
    environment = {**os.environ, "JUPYTER_TOKEN": token, "KFOPS_LOCAL_DIR": str(folder / "local")}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(folder / name.lower())
    command = [str(_ROOT / ".venvs/lab/bin/jupyter-server"), "--no-browser", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder / 'work'}", "--allow-root"]
    command += ["--ServerApp.jpserver_extensions=kfops_server=True", f"--KfopsServer.python={sys.executable}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(port, process, folder / "log")
        yield Server(port, token)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the Jupyter Server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: List[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
