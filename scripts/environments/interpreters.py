"""Find a Python that fits: the one that runs this, one on the PATH, one of pyenv's, one that uv brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Tuple

from .progress import VENVS, SetupError, StageFailed, run

Version = Tuple[int, int]

KERNEL: Tuple[Version, Version] = ((3, 10), (3, 12))  # kfp 1.7.0 needs lib2to3, which 3.13 lacks
LAB: Tuple[Version, Version] = ((3, 9), (3, 14))
MANAGED = VENVS / "python"  # where uv puts a Python that the machine lacks

_ASK = "import sys, venv; print(sys.executable); print(*sys.version_info[:2])"


class Interpreter(NamedTuple):
    """A Python that was started and answered."""

    path: str
    version: Version

    def fits(self, span: Tuple[Version, Version]) -> bool:
        """Tell whether its version lies in `span`, both ends included."""
        return span[0] <= self.version <= span[1]


def ask(program: str) -> Optional[Interpreter]:
    """Start `program` and return what it is; None when it is absent, a shim that fails, or has no venv module."""
    try:
        answer = subprocess.run(
            [program, "-c", _ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, check=True
        )
        path, version = answer.stdout.decode().split("\n")[:2]
        major, minor = version.split()
        return Interpreter(path, (int(major), int(minor)))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _candidates(span: Tuple[Version, Version]) -> Iterator[str]:
    minors = range(span[1][1], span[0][1] - 1, -1)
    yield sys.executable
    yield from ("python3", "/usr/bin/python3")
    for minor in minors:
        yield f"python3.{minor}"  # may be a pyenv shim that fails: ask() finds out
    versions = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))) / "versions"
    for folder in (versions, MANAGED):
        for minor in minors:
            yield from (str(path / "bin" / "python3") for path in sorted(folder.glob(f"*3.{minor}.*"), reverse=True))


def find(span: Tuple[Version, Version]) -> Optional[Interpreter]:
    """Return the first interpreter of this machine whose version lies in `span`."""
    for program in _candidates(span):
        if "/" not in program and shutil.which(program) is None:
            continue
        found = ask(program)
        if found and found.fits(span):
            return found
    return None


def bring(uv: str, span: Tuple[Version, Version]) -> Interpreter:
    """Let uv bring the newest Python in `span` into the checkout.

    Raises
    ------
    SetupError
        When it cannot; the remedy says what to install.
    """
    wanted = f"3.{span[1][1]}"
    try:
        run([uv, "python", "install", "--no-bin", wanted], env={"UV_PYTHON_INSTALL_DIR": str(MANAGED)})
    except StageFailed as error:
        raise missing(span) from error
    found = find(span)
    if found is None:
        raise missing(span)
    return found


def missing(span: Tuple[Version, Version]) -> SetupError:
    """Return the error that says which Python to install, and how."""
    low, high = (f"{major}.{minor}" for major, minor in span)
    return SetupError(
        f"no Python {low} to {high} was found here, and none could be downloaded (python3 is "
        f"{sys.version_info[0]}.{sys.version_info[1]}; kfp 1.7.0 does not run on 3.13 or later)",
        f"install one: `sudo apt install python{high} python{high}-venv` where the distribution has it (Ubuntu 24.04; "
        "on Debian 12 `sudo apt install python3 python3-venv` gives 3.11), or `uv python install "
        f"{high}`, pyenv or conda elsewhere. Then run make again; `make lab PYTHON=/path/to/python{high}` names one "
        "that is not on the PATH.",
    )
