#!/usr/bin/env python3
"""Make what a checkout needs, and only what changed: `python3 scripts/setup.py TARGET...`.

Targets: `lab` (two environments, the panel, the kernel), `panel`, `tools` (linters), `wheel`, `test` (everything, with
the one-environment set-up and what tests run beside Python).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Callable, Dict, Optional

from environments import interpreters, panel, programs, progress, stamps, venvs
from environments.installer import Installer, get_installer
from environments.progress import ROOT, SetupError, StageFailed, stage


class Setup:
    """One run of the set-up; what it finds out it keeps, so that nothing is looked for that is not needed."""

    def __init__(self) -> None:
        self._installer: Optional[Installer] = None

    @property
    def installer(self) -> Installer:
        if self._installer is None:
            self._installer = get_installer(self._interpreter(interpreters.LAB))
        return self._installer

    def _interpreter(self, span: tuple) -> interpreters.Interpreter:
        found = interpreters.find(span)
        if found is None and self._installer and self._installer.uv:
            with stage(f"Python {span[1][0]}.{span[1][1]} (this machine has none that fits)"):
                found = interpreters.bring(self._installer.uv, span)
        if found is None:
            raise interpreters.missing(span)
        return found

    def venv(self, venv: venvs.Venv) -> None:
        if not venvs.packages_current(venv):
            installer = self.installer
            venvs.make_packages(venv, installer, self._interpreter(venv.span))
            if venv in (venvs.KERNEL_VENV, venvs.ONE_VENV):
                venvs.check_kfp(venv)

    def project(self, venv: venvs.Venv) -> None:
        if not venvs.project_current(venv):
            venvs.install_project(venv, self.installer)

    def panel(self) -> None:
        if not panel.panel_current():
            panel.build(self.installer)

    def lab(self) -> None:
        self.venv(venvs.KERNEL_VENV)
        self.venv(venvs.LAB_VENV)
        self.project(venvs.KERNEL_VENV)
        self.project(venvs.LAB_VENV)
        venvs.register_kernel(venvs.LAB_VENV, venvs.KERNEL_VENV)
        venvs.configure_lab(venvs.LAB_VENV)
        venvs.link_panel(venvs.LAB_VENV)
        self.panel()

    def tools(self) -> None:
        venvs.install_tools(self.installer)
        panel.install_modules(self.installer)

    def wheel(self) -> Path:
        self.panel()
        value = stamps.digest(
            *(
                ROOT / name
                for name in ("pyproject.toml", "hatch_build.py", "kfops", "kfops_lab", "server_ext", "LICENSE")
            )
        )
        stamp = ROOT / "dist" / ".stamp-wheel"
        if not (stamps.is_current(stamp, value) and list((ROOT / "dist").glob("*.whl"))):
            for old in (ROOT / "dist").glob("*.whl"):
                old.unlink()
            with stage("wheel"):
                self.installer.build_wheel(ROOT, ROOT / "dist")
                stamps.write(stamp, value)
        return next(iter((ROOT / "dist").glob("*.whl")))

    def test(self) -> None:
        self.lab()
        self.tools()
        wheel = self.wheel()
        self.venv(venvs.ONE_VENV)
        venvs.install_wheel(venvs.ONE_VENV, self.installer, wheel)
        venvs.register_kernel(venvs.ONE_VENV, venvs.ONE_VENV)
        venvs.configure_lab(venvs.ONE_VENV)
        if programs.minio() is None:
            self.venv(venvs.S3_VENV)
        programs.bring(venvs.LAB_VENV.python)


def main() -> int:
    setup = Setup()
    targets: Dict[str, Callable[[], object]] = {
        "lab": setup.lab,
        "panel": setup.panel,
        "tools": setup.tools,
        "wheel": setup.wheel,
        "test": setup.test,
    }
    wanted = sys.argv[1:] or ["lab"]
    if not set(wanted) <= set(targets):
        print(f"usage: setup.py [{'|'.join(targets)}]...", file=sys.stderr)
        return 2
    started = time.monotonic()
    try:
        with stamps.lock():
            progress.open_log()
            for name in wanted:
                targets[name]()
    except SetupError as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        if isinstance(error, StageFailed):
            print(f"{progress.tail()}\nAll of it: {progress.LOG}", file=sys.stderr)
        if error.remedy:
            print(f"What to do: {error.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up interrupted; the next one goes on where this one stopped.", file=sys.stderr)
        return 130
    print(f"Set-up is complete ({time.monotonic() - started:.1f} s).", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
