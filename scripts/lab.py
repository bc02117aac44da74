"""Start JupyterLab of this checkout: `make lab`. Runs in .venvs/lab; arguments go on to `jupyter lab`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENVS = ROOT / ".venvs"
FIRST_PAGE = "examples/quickstart.ipynb"


def command(arguments: list[str]) -> list[str]:
    """Return the command line of the server."""
    line = [
        str(VENVS / "lab" / "bin" / "jupyter-lab"),
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{FIRST_PAGE}",
        "--LabApp.log_level=WARN",
        "--ServerApp.log_level=WARN",  # leaves the address, which is what a person looks for
    ]
    if os.geteuid() == 0:
        line.append("--allow-root")
    return line + arguments


def main() -> None:
    environment = dict(os.environ)
    # So that `kfops` and `python` in JupyterLab's terminals are those of the notebooks.
    environment["PATH"] = os.pathsep.join((str(VENVS / "kernel" / "bin"), os.environ.get("PATH", "")))
    environment["JUPYTER_PREFER_ENV_PATH"] = "1"
    print(f"JupyterLab starts with {FIRST_PAGE}: open the address below (Ctrl-C twice stops it).", flush=True)
    os.chdir(ROOT)
    line = command(sys.argv[1:])
    os.execve(line[0], line, environment)


if __name__ == "__main__":
    main()
