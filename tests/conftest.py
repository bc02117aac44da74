"""What every suite shares: a home of its own, no backend left running, and a list of what could not be tested."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

import pytest

from tests.effort import FINDINGS, SEED

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Fixtures of the server's tests; absent in the kernel environment, where those tests do not run.
pytest_plugins = ["pytest_jupyter.jupyter_server"] if importlib.util.find_spec("pytest_jupyter") else []

_scratch = Path(tempfile.mkdtemp(prefix="kfops-test-"))
_lacking: list[tuple[str, str]] = []


def pytest_configure(config: pytest.Config) -> None:
    """Turn the process away from the user's files before anything of ours is imported."""
    home = Path.home()
    # Caches and pip's configuration are the user's still: tests that install packages need them.
    os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(home / ".cache" / "ms-playwright"))
    os.environ.setdefault("UV_CACHE_DIR", str(home / ".cache" / "uv"))
    os.environ.setdefault("PIP_CACHE_DIR", str(home / ".cache" / "pip"))
    for path in (home / ".config" / "pip" / "pip.conf", home / ".pip" / "pip.conf"):
        if path.is_file():
            os.environ.setdefault("PIP_CONFIG_FILE", str(path))
    for name in list(os.environ):
        if name.startswith(("KF_PIPELINES_", "KFOPS_", "JUPYTER", "XDG_")) and not name.startswith("KFOPS_TEST_"):
            del os.environ[name]
    for name, folder in {
        "HOME": "home",
        "KFOPS_LOCAL_DIR": "local",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "IPYTHONDIR": "ipython",
    }.items():
        (_scratch / folder).mkdir(parents=True)
        os.environ[name] = str(_scratch / folder)
    (_scratch / "local").rmdir()  # whoever needs it makes it, with the mode it wants


def pytest_report_header(config: pytest.Config) -> str:
    return f"soak: seed {SEED}" if SEED else ""


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_scratch, ignore_errors=True)


def lacks(program: str) -> bool:
    """Tell whether this machine is without `program`.

    `chromium` stands for any Chromium, `root` for being root, `corpus` for the compiled workflows in ../shared/corpus,
    `memory cgroup` for a control group whose memory a test can limit, `package index` for an index that pip reaches.
    """
    if program == "corpus":
        return not (ROOT.parent / "shared" / "corpus").is_dir()
    if program == "package index":
        return not _reaches_package_index()
    if program == "memory cgroup":
        return not os.access("/sys/fs/cgroup/memory", os.W_OK)
    if program == "containers":
        from tests.fakes import containers

        return containers.path() is None
    if program == "root":
        return os.geteuid() != 0
    if program == "chromium":
        return find_browser() is None and not list(Path(os.environ["PLAYWRIGHT_BROWSERS_PATH"]).glob("chromium-*"))
    return shutil.which(program) is None


@functools.lru_cache(maxsize=None)
def _reaches_package_index() -> bool:
    asked = [sys.executable, "-m", "pip", "index", "versions", "kfp", "--retries", "0", "--timeout", "10"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def find_browser() -> str | None:
    """Return the machine's own Chromium; None leaves the choice to playwright."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    programs = [program for mark in item.iter_markers("needs") for program in mark.args]
    missing = [program for program in programs if lacks(program)]
    if missing:
        _lacking.extend((program, item.nodeid) for program in missing)
        pytest.skip(f"the machine lacks {', '.join(missing)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FINDINGS:
        terminalreporter.section("soak")
        for finding in FINDINGS:
            terminalreporter.line(finding)
    if not _lacking:
        return
    terminalreporter.section("not tested")
    for program in sorted({program for program, _ in _lacking}):
        tests = ", ".join(sorted(test for name, test in _lacking if name == program))
        terminalreporter.line(f"Not tested here, because the machine lacks: {program} ({tests})")
    notes = os.environ.get("KFOPS_TEST_NOTES")
    if notes:
        with Path(notes).open("a", encoding="utf-8") as file:
            for program, test in _lacking:
                file.write(json.dumps({"lacks": program, "test": test}) + "\n")


@pytest.fixture(scope="session", autouse=True)
def _no_backend_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield
    for folder in (_scratch, tmp_path_factory.getbasetemp()):
        for connection in folder.rglob("connection.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                stop_backend(int(json.loads(connection.read_text(encoding="utf-8"))["pid"]))


def stop_backend(pid: int) -> None:
    """End the embedded backend with process id `pid`, if that is still what it is."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 5
        with contextlib.suppress(ProcessLookupError):
            if _is_backend(pid):
                os.kill(pid, sent)
        while _is_backend(pid) and time.monotonic() < deadline:
            time.sleep(0.05)


def _is_backend(pid: int) -> bool:
    answer = subprocess.run(["ps", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state = answer.stdout.strip()
    return "kfops.local" in state and not state.startswith("Z")
