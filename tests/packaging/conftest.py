"""The wheel of this checkout, and fresh environments to install it into, on a PATH without Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Callable, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENVS = ROOT / ".venvs"
UV = VENVS / "tools" / "bin" / "uv"
PATIENCE = 900  # seconds; with too little in pyproject.toml to go by, pip looks for very much longer than that
NODE = {"node", "nodejs", "npm", "npx", "corepack", "yarn", "pnpm"}


class Installed(NamedTuple):
    """A fresh environment that holds the wheel with some of its extras."""

    folder: Path
    environment: dict

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the environment and return all that it prints."""
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program} {arguments} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def python(self, code: str) -> str:
        """Run `code` there, outside the checkout, and return what it prints."""
        return self.run("python", "-I", "-c", code).strip()


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No event loop of pytest-jupyter's: everything here is another process."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """And so nothing of pytest-jupyter's to clean up."""


@pytest.fixture(scope="session")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return the environment of this process, with every program of its PATH but Node's."""
    links = tmp_path_factory.mktemp("bin")
    for folder in os.environ["PATH"].split(os.pathsep):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if program.name not in NODE and not (links / program.name).is_symlink():
                (links / program.name).symlink_to(program)
    assert shutil.which("node", path=str(links)) is None
    return {**os.environ, "PATH": str(links)}


@pytest.fixture(scope="session")
def wheel() -> Path:
    """Return the wheel that the set-up built."""
    wheels = list((ROOT / "dist").glob("kfops_lab-*.whl"))
    assert len(wheels) == 1, "run `make wheel` first"
    return wheels[0]


def run_uv(*arguments: object, environment: dict) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(UV), *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture
def installed_by_pip(wheel: Path, without_node: dict, tmp_path: Path) -> Callable[[str], Installed]:
    """Return what does as a person would: Python's own venv, its own pip, the wheel's `extras`, and no pins."""

    def install(extras: str) -> Installed:
        folder = tmp_path / "venv"
        python = VENVS / "kernel" / "bin" / "python"
        subprocess.run([str(python), "-m", "venv", str(folder)], env=without_node, check=True)
        done = subprocess.run(
            [str(folder / "bin" / "pip"), "install", f"kfops-lab[{extras}] @ {wheel.as_uri()}"],
            env=without_node,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return Installed(folder, without_node)

    return install


@pytest.fixture
def installed(wheel: Path, without_node: dict, tmp_path: Path) -> Callable[[str, str], Installed]:
    """Return what makes a fresh environment with the wheel's `extras`, held to constraints/`pins`.txt."""

    def install(extras: str, pins: str) -> Installed:
        folder = tmp_path / "venv"
        made = run_uv("venv", "--python", VENVS / "kernel" / "bin" / "python", folder, environment=without_node)
        assert made.returncode == 0, made.stdout
        done = run_uv(
            *("pip", "install", "--python", folder / "bin" / "python"),
            *("-c", ROOT / "constraints" / f"{pins}.txt", f"kfops-lab[{extras}] @ {wheel.as_uri()}"),
            environment=without_node,
        )
        assert done.returncode == 0, done.stdout
        return Installed(folder, without_node)

    return install
