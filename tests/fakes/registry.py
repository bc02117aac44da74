"""A real image registry: Debian's docker-registry on a free port of this machine."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Iterator


@contextlib.contextmanager
def running_registry(folder: Path) -> Iterator[str]:
    """Run a registry that keeps its images below ``folder``; yield its ``host:port``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {"storage": f"{{filesystem: {{rootdirectory: {folder}/data}}}}", "http": f"{{addr: '{host}'}}"}
    lines = ["version: 0.1", "log: {level: error}", *(f"{key}: {value}" for key, value in settings.items())]
    (folder / "config.yml").write_text("\n".join(lines), "utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        _wait_for(f"http://{host}/v2/", process, folder / "log")
        yield host
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8")
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8"))
