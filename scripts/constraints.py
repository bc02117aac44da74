#!/usr/bin/env python3
"""Pin the newest versions that fit pyproject.toml, for every Python and platform at once: `make constraints`.

The files hold names and versions only: no addresses, no hashes, nothing of the machine that made them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Dict, List, Tuple

from environments import interpreters
from environments.installer import get_installer, uv_settings
from environments.progress import ROOT, SetupError, open_log
from environments.stamps import lock

HEADER = "# Pinned by `make constraints` from pyproject.toml; markers choose by Python version and platform.\n"

# name: (oldest Python, what to resolve)
FILES: Dict[str, Tuple[str, List[str]]] = {
    "kernel": ("3.8", ["--extra", "kernel", "--extra", "examples", "--extra", "test", "--group", "types"]),
    "lab": ("3.9", ["--extra", "lab", "--extra", "test-lab"]),
    "one": ("3.8", ["--extra", "lab", "--extra", "kernel", "--extra", "examples"]),
    "s3": ("3.10", ["--group", "s3"]),
    "tools": ("3.9", ["--group", "tools"]),
}


def resolve(uv: str, name: str) -> None:
    """Write constraints/<name>.txt."""
    oldest, what = FILES[name]
    target = ROOT / "constraints" / f"{name}.txt"
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", oldest, "--upgrade"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", *what]
    if "--extra" in what:
        command.append("pyproject.toml")
    answer = subprocess.run(
        command, cwd=str(ROOT), env={**os.environ, **uv_settings()}, stdout=subprocess.PIPE, check=False
    )
    if answer.returncode:
        raise SetupError(f"constraints/{name}.txt could not be resolved", "uv's reason stands above")
    target.write_text(HEADER + answer.stdout.decode(), encoding="utf-8")
    print(f"  constraints/{name}.txt", flush=True)


def main() -> int:
    try:
        with lock():
            open_log()
            found = interpreters.find(interpreters.LAB)
            if found is None:
                raise interpreters.missing(interpreters.LAB)
            uv = get_installer(found).uv
            if uv is None:
                raise SetupError("uv could not be installed, and only uv resolves for every Python at once")
            for name in sys.argv[1:] or FILES:
                resolve(uv, name)
    except SetupError as error:
        print(f"{error}\n{error.remedy}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
