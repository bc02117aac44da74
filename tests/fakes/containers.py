"""podman for tests, and an image of busybox alone, so that no registry is needed."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Optional

from kfops.local.executors import engines

#: One for each process: tests that others run have their own, and remove it.
IMAGE = f"localhost/kfops-test:{os.getpid()}"
_COMMANDS = ("sh", "cat", "echo", "id", "ls", "pwd", "mkdir", "sleep", "tail", "true")
#: crun refuses a machine that has both generations of control groups; without a view of the second it is content.
_WRAPPER = """#!/bin/sh
exec unshare --mount sh -c 'umount /sys/fs/cgroup/unified && exec "$0" "$@"' {podman} "$@"
"""


@functools.lru_cache(maxsize=None)
def path() -> Optional[str]:
    """Return the PATH with which podman runs containers here, None when it does not."""
    if shutil.which("podman") is None or not _is_static(shutil.which("busybox")):
        return None
    if not isinstance(engines._podman(), str):
        return os.environ["PATH"]
    folder = tempfile.mkdtemp(prefix="kfops-podman-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    wrapper = Path(folder) / "podman"
    wrapper.write_text(_WRAPPER.format(podman=shutil.which("podman")))
    wrapper.chmod(0o755)
    before, os.environ["PATH"] = os.environ["PATH"], f"{folder}{os.pathsep}{os.environ['PATH']}"
    try:
        return None if isinstance(engines._podman(), str) else os.environ["PATH"]
    finally:
        os.environ["PATH"] = before


def make_image(name: str = IMAGE, *instructions: str) -> None:
    """Make an image with busybox and nothing else; ``instructions`` are lines of its Dockerfile."""
    with tempfile.TemporaryDirectory() as folder:
        programs = Path(folder) / "bin"
        programs.mkdir()
        shutil.copy(shutil.which("busybox") or "", programs / "busybox")
        for command in _COMMANDS:
            (programs / command).symlink_to("busybox")
        lines = ["FROM scratch", "COPY bin /bin", "ENV PATH=/bin FROM_IMAGE=yes", *instructions]
        (Path(folder) / "Dockerfile").write_text("\n".join(lines) + "\n")
        podman("build", "--quiet", "--tag", name, folder)


def podman(*words: str) -> str:
    """Return what podman answers."""
    asked = subprocess.run(["podman", *words], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip()


def _is_static(program: Optional[str]) -> bool:
    """Tell whether a program needs no libraries, so that an image may have it alone."""
    return program is not None and subprocess.run(["ldd", program], capture_output=True, check=False).returncode != 0
