"""The virtual environments: what is in each, and when it is made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple, Tuple

from . import stamps
from .installer import TOOLS, Installer
from .interpreters import KERNEL, LAB, Interpreter, Version
from .progress import ROOT, VENVS, SetupError, run, stage

KERNEL_NAME = "kfops"
KERNEL_TITLE = "Python (kfp 1.7)"
PANEL = ROOT / "kfops_lab" / "labextension"


class Venv(NamedTuple):
    """One environment: its folder and constraint file share its name."""

    name: str
    title: str
    span: Tuple[Version, Version]

    @property
    def folder(self) -> Path:
        return VENVS / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def pins(self) -> Path:
        return ROOT / "constraints" / f"{self.name}.txt"


KERNEL_VENV = Venv("kernel", "pipeline environment: kfp 1.7.0", KERNEL)
LAB_VENV = Venv("lab", "server environment: JupyterLab 4", LAB)
ONE_VENV = Venv("one", "one environment: JupyterLab 3.5 with kfp 1.7.0", KERNEL)
S3_VENV = Venv("s3", "S3 server of the tests: moto (this machine has no MinIO)", KERNEL)


def packages_current(venv: Venv) -> bool:
    """Tell whether `venv` holds the packages that its constraint file pins."""
    return venv.python.exists() and stamps.is_current(venv.folder / ".stamp-packages", stamps.digest(venv.pins))


def make_packages(venv: Venv, installer: Installer, interpreter: Interpreter) -> None:
    """Give `venv` the packages that its constraint file pins.

    One that was whole before is brought up to date and keeps what a person has installed beside; any other is made
    anew.
    """
    stamp = venv.folder / ".stamp-packages"
    whole = stamp.is_file() and venv.python.exists()
    version = ".".join(str(number) for number in interpreter.version)
    with stage(f"{venv.title} ({'new versions' if whole else f'Python {version}'})"):
        if whole:
            stamp.unlink()
        else:
            installer.make_venv(venv.folder, interpreter)
        installer.install(venv.folder, "-r", str(venv.pins))
        stamps.write(stamp, stamps.digest(venv.pins))


def _project_inputs(venv: Venv) -> str:
    return stamps.digest(ROOT / "pyproject.toml", ROOT / "hatch_build.py", venv.pins)


def project_current(venv: Venv) -> bool:
    """Tell whether `venv` has this checkout installed, as pyproject.toml describes it now."""
    return stamps.is_current(venv.folder / ".stamp-project", _project_inputs(venv))


def install_project(venv: Venv, installer: Installer) -> None:
    """Install this checkout into `venv`, editable."""
    with stage(f"kfops-lab into .venvs/{venv.name}"):
        installer.install(venv.folder, "--no-deps", "-e", str(ROOT))
        stamps.write(venv.folder / ".stamp-project", _project_inputs(venv))


def install_wheel(venv: Venv, installer: Installer, wheel: Path) -> None:
    """Install `wheel` into `venv` unless it is there already."""
    stamp, value = venv.folder / ".stamp-project", stamps.digest(wheel, venv.pins)
    if not stamps.is_current(stamp, value):
        with stage(f"{wheel.name} into .venvs/{venv.name}"):
            if "kfops_lab" in {path.name.split("-")[0] for path in venv.folder.glob("lib/python*/site-packages/*")}:
                installer.uninstall(venv.folder, "kfops-lab")
            installer.install(venv.folder, "--no-deps", str(wheel))
            stamps.write(stamp, value)


def check_kfp(venv: Venv) -> None:
    """Import kfp once.

    Raises
    ------
    SetupError
        When it does not import, or is another version.
    """
    probe = "import kfp, sys; sys.exit(kfp.__version__ != '1.7.0')"
    with stage("kfp 1.7.0 imports"):
        run([str(venv.python), "-c", probe], remedy=f"delete {venv.folder} and run make again")


def register_kernel(server: Venv, kernel: Venv) -> None:
    """Make JupyterLab in `server` offer the interpreter of `kernel`; nothing is written outside the checkout."""
    spec = {
        "argv": [str(kernel.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": KERNEL_TITLE,
        "language": "python",
        "metadata": {"debugger": True},
    }
    folder = server.folder / "share" / "jupyter" / "kernels" / KERNEL_NAME
    _write_json(folder / "kernel.json", spec)


def configure_lab(server: Venv) -> None:
    """Keep JupyterLab of a checkout off the network, and let new notebooks start on the pipeline kernel."""
    etc = server.folder / "etc" / "jupyter"
    settings = {"MultiKernelManager": {"default_kernel_name": KERNEL_NAME}}
    if server is LAB_VENV:  # JupyterLab 3.5 has no news, and refuses settings that it does not know
        settings["LabApp"] = {
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "extension_manager": "readonly",
        }
    _write_json(etc / "jupyter_lab_config.json", settings)
    off = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    _write_json(etc / "labconfig" / "page_config.json", off)


def link_panel(server: Venv) -> None:
    """Let JupyterLab in `server` load the panel from where it is built, so that a rebuild shows on reload."""
    link = server.folder / "share" / "jupyter" / "labextensions" / "kfops-lab"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and link.resolve() == PANEL.resolve():
        return
    if link.is_symlink() or link.is_file():
        link.unlink()
    elif link.exists():
        raise SetupError(f"{link} is a folder, not the link to the panel", f"delete {server.folder} and run make again")
    link.symlink_to(PANEL, target_is_directory=True)


def install_tools(installer: Installer) -> None:
    """Install the linters and the type checker beside uv."""
    pins = ROOT / "constraints" / "tools.txt"
    stamp = TOOLS / ".stamp-tools"
    if not stamps.is_current(stamp, stamps.digest(pins)):
        with stage("ruff, mypy, pre-commit"):
            installer.install(TOOLS, "-r", str(pins))
            stamps.write(stamp, stamps.digest(pins))


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
