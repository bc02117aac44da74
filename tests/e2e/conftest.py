"""A real JupyterLab from each set-up, and a page in a real Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.conftest import find_browser

ROOT = Path(__file__).resolve().parents[2]
VENVS = ROOT / ".venvs"
SCREENSHOTS = ROOT / "build" / "screenshots"
START_SECONDS = 60
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds; what comes does not take them, and playwright's five seconds are few where other tests run beside.
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class LabServer:
    """A running JupyterLab.

    Attributes
    ----------
    major : int
        3 or 4.
    url : str
        Base URL, ending in a slash.
    token : str
        What signs a request in, as `?token=`.
    root : Path
        The folder that JupyterLab shows: a copy of examples/.
    venv : Path
        The environment the server runs in.
    local_dir : Path
        The data folder of this server's embedded backend.
    log : Path
        What the server prints.
    """

    major: int
    url: str
    token: str
    root: Path
    venv: Path
    local_dir: Path
    log: Path

    def page_url(self, path: str = "") -> str:
        """Return the address that opens JupyterLab, on the file `path` below `root` when one is named."""
        tree = f"/tree/{path}" if path else ""
        return f"{self.url}lab{tree}?token={self.token}&reset"

    def get(self, path: str) -> object:
        """Return the JSON that the server answers to GET `path`."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@dataclass
class Watched:
    """What a page did that nobody asked for."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: LabServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            server.get("api/status")
            return
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{server.log.read_text(encoding='utf-8', errors='replace')[-4000:]}")


@contextlib.contextmanager
def running_lab(major: int, folder: Path, *options: str, program: str = "jupyter-lab") -> Iterator[LabServer]:
    """Run the JupyterLab of that major version, or another `program` beside it; what it writes is below `folder`."""
    venv = VENVS / ("lab" if major == 4 else "one")
    root = folder / "work"
    if (ROOT / "examples").is_dir():
        shutil.copytree(ROOT / "examples", root, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    else:
        root.mkdir(parents=True)
    token, port = os.urandom(16).hex(), _free_port()
    server = LabServer(major, f"http://127.0.0.1:{port}/", token, root, venv, folder / "local", folder / "server.log")
    environment = {**os.environ, "JUPYTER_TOKEN": token, "KFOPS_LOCAL_DIR": str(server.local_dir)}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(folder / name.lower())
    command = [str(venv / "bin" / program), "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={root}", *(["--allow-root"] if os.geteuid() == 0 else [])]
    command += options
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its kernels and its worker are of its session
        process.wait()


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No event loop of pytest-jupyter's here: playwright runs its own in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nothing of pytest-jupyter's to clean up either: the servers here are processes."""


@pytest.fixture(scope="session")
def lab4(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab 4, with the pipeline environment beside it."""
    with running_lab(4, tmp_path_factory.mktemp("lab4")) as server:
        yield server


@pytest.fixture(scope="session")
def lab35(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab 3.5 and kfp 1.7.0 in one environment, from the wheel."""
    with running_lab(3, tmp_path_factory.mktemp("lab35")) as server:
        yield server


@pytest.fixture(params=["lab4", "lab35"])
def lab(request: pytest.FixtureRequest) -> LabServer:
    """Each JupyterLab in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: the machine's, else playwright's own."""
    path = find_browser()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def watched() -> Watched:
    """What the test's page wrote as an error to the console, and what it asked of other hosts."""
    return Watched()


@pytest.fixture
def page(browser: Browser, watched: Watched, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of its own; when the test fails, build/screenshots/<test>.png shows how it looked."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            watched.errors.append(message.text)

    def on_request(sent: Request) -> None:
        target = urlsplit(sent.url)
        if target.scheme in ("http", "https", "ws", "wss") and target.hostname not in ("127.0.0.1", "localhost"):
            watched.elsewhere.append(sent.url)

    page.on("console", on_console)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("request", on_request)
    yield page
    if getattr(request.node, "failed", False):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", request.node.name)
        with contextlib.suppress(Exception):
            page.screenshot(path=SCREENSHOTS / f"{name}.png")
        print("\n".join(["console errors:", *watched.errors]))
    context.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.failed = report.failed
