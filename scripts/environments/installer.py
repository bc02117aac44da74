"""Install packages: with uv when it can be had (seven times quicker), else with pip.

The user's pip configuration (index, certificates, proxy) holds for both: what `pip config list` says is handed to uv.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional

from . import stamps
from .interpreters import Interpreter
from .progress import VENVS, SetupError, StageFailed, run, stage

TOOLS = VENVS / "tools"
UV_VERSION = "0.13.9"

_NO_VENV = "install Python's venv module: `sudo apt install python3-venv` (Debian, Ubuntu), then run make again"


class Installer:
    """Makes virtual environments and installs into them."""

    def __init__(self, uv: Optional[str], settings: Dict[str, str]) -> None:
        self.uv = uv
        self._settings = settings

    def make_venv(self, folder: Path, interpreter: Interpreter) -> None:
        """Make an empty environment with pip in it at `folder`, in place of what is there."""
        if self.uv:
            run(
                [self.uv, "venv", "--clear", "--seed", "--python", interpreter.path, str(folder)],
                env=self._settings,
            )
        else:
            run([interpreter.path, "-m", "venv", "--clear", str(folder)], remedy=_NO_VENV)

    def install(self, folder: Path, *arguments: str) -> None:
        """Install what `arguments` name (as for `pip install`) into the environment at `folder`."""
        python = str(folder / "bin" / "python")
        if self.uv:
            run([self.uv, "pip", "install", "--python", python, *arguments], env=self._settings)
        else:
            run([python, "-m", "pip", "install", *arguments])

    def uninstall(self, folder: Path, package: str) -> None:
        """Take `package` out of the environment at `folder`."""
        python = str(folder / "bin" / "python")
        if self.uv:
            run([self.uv, "pip", "uninstall", "--python", python, package], env=self._settings)
        else:
            run([python, "-m", "pip", "uninstall", "--yes", package])

    def build_wheel(self, project: Path, folder: Path) -> None:
        """Build the wheel of `project` into `folder`."""
        if self.uv:
            run([self.uv, "build", "--wheel", "--out-dir", str(folder), str(project)], env=self._settings)
        else:
            run([str(TOOLS / "bin" / "python"), "-m", "pip", "wheel", "--no-deps", "-w", str(folder), str(project)])


def get_installer(interpreter: Interpreter) -> Installer:
    """Return an installer, bringing uv into .venvs/tools when it is not there yet.

    Raises
    ------
    SetupError
        When this Python cannot make a virtual environment at all.
    """
    stamp = TOOLS / ".stamp-uv"
    current = stamps.digest("uv", UV_VERSION, interpreter.path)
    uv = TOOLS / "bin" / "uv"
    if not (stamps.is_current(stamp, current) and (TOOLS / "bin" / "python").exists()):
        with stage("installer (uv)"):
            _require_ensurepip(interpreter)
            run([interpreter.path, "-m", "venv", "--clear", str(TOOLS)], remedy=_NO_VENV)
            try:
                run([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--no-input", f"uv=={UV_VERSION}"])
            except StageFailed:
                print("(not to be had: pip does its work) ", end="", flush=True)
            stamps.write(stamp, current)
    return Installer(str(uv), uv_settings()) if uv.exists() else Installer(None, {})


def _require_ensurepip(interpreter: Interpreter) -> None:
    code = subprocess.call([interpreter.path, "-c", "import ensurepip"], stderr=subprocess.DEVNULL)
    if code:
        version = f"{interpreter.version[0]}.{interpreter.version[1]}"
        raise SetupError(
            f"{interpreter.path} cannot make virtual environments: its ensurepip module is not installed",
            f"`sudo apt install python3-venv` (Debian, Ubuntu; python{version}-venv for one beside the system's), "
            "then run make again",
        )


def uv_settings() -> Dict[str, str]:
    """Return the environment variables that make uv follow the user's pip configuration.

    What the user has set for uv itself is left as it is.
    """
    pip = _pip_configuration()
    wanted = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(pip.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(_reachable_links(pip.get("find-links", ""))),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout") or pip.get("default-timeout", ""),
        "UV_NO_INDEX": "1" if pip.get("no-index", "").lower() in ("1", "true", "yes", "on") else "",
        "SSL_CERT_FILE": pip.get("cert", ""),
        "SSL_CLIENT_CERT": pip.get("client-cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
    }
    if wanted["UV_INDEX"]:
        wanted["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip looks at all indexes alike
    return {key: value for key, value in wanted.items() if value and key not in os.environ}


def _pip_configuration() -> Dict[str, str]:
    answer = subprocess.run(
        [str(TOOLS / "bin" / "python"), "-m", "pip", "config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    found: Dict[str, str] = {}
    for line in answer.stdout.decode(sys.getfilesystemencoding(), "replace").splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if not (section in ("global", "install") or section.startswith(":env:")):
            continue
        try:
            found[key] = str(ast.literal_eval(value))  # the environment is listed last, and wins
        except (SyntaxError, ValueError):
            continue
    return found


def _reachable_links(links: str) -> List[str]:
    # pip passes over a folder that does not exist; uv stops at it.
    return [link for link in links.split() if "://" in link or Path(link).is_dir()]
