"""Chromium for a measurement: playwright is in JupyterLab's environment, so what drives it is a process of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Iterator

from benchmarks._server import LAB, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def ask(program: str, **question: Any) -> Any:
    """Return what the module ``benchmarks.<program>`` prints, run in JupyterLab's environment with a question."""
    command = [str(LAB / "bin" / "python"), "-m", f"benchmarks.{program}", json.dumps(question)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium: the machine's, else playwright's own."""
    from playwright.sync_api import sync_playwright

    path = next((found for found in map(shutil.which, _NAMES) if found), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()
