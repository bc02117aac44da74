"""What tests run beside Python: a browser, what builds and runs containers, a registry, a static busybox.

Debian's packages are installed when this may be done without asking (root, or sudo without a password); what cannot
be had is left out, and the tests that need it are listed by name at the end of the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Optional

from .progress import StageFailed, run, stage

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = {
    "buildah": "buildah",
    "podman": "podman",
    "docker-registry": "docker-registry",
    "busybox": "busybox-static",
}


def browser() -> Optional[str]:
    """Return the machine's own Chromium, when there is one."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def minio() -> Optional[str]:
    """Return MinIO's server, when there is one: on the PATH, or as built from its Go module into the user's cache."""
    cached = Path.home() / ".cache" / "kfops-minio" / "minio"
    return shutil.which("minio") or (str(cached) if os.access(str(cached), os.X_OK) else None)


def _privilege() -> Optional[List[str]]:
    """Return how apt-get may be run without asking anybody; None when it may not."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL) == 0:
        return ["sudo", "-n"]
    return None


def _distribution() -> str:
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    fields: Dict[str, str] = dict(line.split("=", 1) for line in lines if "=" in line)
    return fields.get("ID", "").strip('"')


def bring(python: Path) -> None:
    """Install what is missing and may be installed; say which browser the tests use.

    Parameters
    ----------
    python : Path
        The interpreter that has playwright.
    """
    wanted = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if browser() is None and _distribution() == "debian":  # Ubuntu's chromium package is a snap in disguise
        wanted.append("chromium")
    privilege = _privilege()
    if wanted and privilege is not None:
        try:
            with stage(f"Debian packages for the tests: {' '.join(wanted)}"):
                apt = [*privilege, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
                run([*apt, "update"])
                run([*apt, "install", "--yes", *wanted])
        except StageFailed as error:
            print(f"  not installed ({error}); the tests that need them are listed at the end")
    elif wanted:
        print(
            f"  not installed, for want of root: {' '.join(wanted)}; `sudo apt install {' '.join(wanted)}` brings them"
        )
    print(f"  browser of the tests: {browser() or _download(python)}", flush=True)


def _download(python: Path) -> str:
    """Let playwright download its Chromium, unless it has; say what came of it."""
    ask = "import playwright.sync_api as p; print(p.sync_playwright().start().chromium.executable_path)"
    path = subprocess.run([str(python), "-c", ask], stdout=subprocess.PIPE, check=False).stdout.decode().strip()
    if not (path and Path(path).exists()):
        try:
            with stage("Chromium (playwright's download)"):
                run([str(python), "-m", "playwright", "install", "chromium"])
        except StageFailed:
            return "none (no chromium on the PATH, and playwright could not download its own)"
    return f"playwright's own, {path}"
