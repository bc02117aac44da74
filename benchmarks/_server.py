"""Jupyter servers for a measurement, each with all that it reads and writes in a folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, List, Optional

ROOT = Path(__file__).resolve().parents[1]
LAB = ROOT / ".venvs" / "lab"
PANEL = "kfops-lab"
_PATIENCE = 60.0
_LOOK_AGAIN = 0.005


class Server:
    """A Jupyter Server that runs, asked over one connection that stays open."""

    def __init__(self, port: int, token: str, pid: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.token = token
        self.pid = pid
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

    def page(self) -> str:
        """Return the address of JupyterLab's page, which signs in."""
        return f"{self.url}lab?token={self.token}"


@dataclass(frozen=True)
class Program:
    """A Jupyter Server that can be run.

    Parameters
    ----------
    folder
        What it reads and writes; its notebooks are in ``work``.
    application
        ``server`` for Jupyter Server alone, ``lab`` for JupyterLab.
    kfops
        Whether it has the server extension and, in JupyterLab, the panel.
    local
        The data folder of its embedded backend; one of its own unless given.
    labextensions
        The folder of JupyterLab's extensions; what is installed unless given.
    """

    folder: Path
    application: str = "server"
    kfops: bool = True
    local: Optional[Path] = None
    labextensions: Optional[Path] = None
    options: List[str] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """Run it from its start until it answers, to the end of the block."""
        port, token = _free_port(), os.urandom(16).hex()
        (self.folder / "work").mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "JUPYTER_TOKEN": token,
            "KFOPS_LOCAL_DIR": str(self.local or self.folder / "local"),
        }
        for name in ("CONFIG", "DATA", "RUNTIME"):
            environment[f"JUPYTER_{name}_DIR"] = str(self.folder / name.lower())
        log = self.folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._command(port),
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            server = Server(port, token, process.pid)
            _wait_for(port, server, process, log)
            yield server
        finally:
            _end(process)

    def _command(self, port: int) -> List[str]:
        command = [str(LAB / "bin" / f"jupyter-{self.application}"), "--no-browser", f"--port={port}", "--allow-root"]
        command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.folder / 'work'}"]
        command += [f"--ServerApp.jpserver_extensions=kfops_server={self.kfops}"]
        command += [f"--KfopsServer.python={sys.executable}"] if self.kfops else []
        command += [f"--LabApp.labextensions_path={self.labextensions}"] if self.labextensions else []
        return command + self.options


def labextensions(folder: Path, panel: bool) -> Path:
    """Make a folder of what JupyterLab has installed, with a copy of the panel as it is built now, or without it."""
    for entry in (LAB / "share" / "jupyter" / "labextensions").iterdir():
        if entry.name != PANEL or panel:
            shutil.copytree(entry, folder / entry.name)
    return folder


def _wait_for(port: int, server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            server.ask("GET", "/api/status")
            return
        except OSError:
            time.sleep(_LOOK_AGAIN)
    raise RuntimeError(f"the Jupyter Server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
