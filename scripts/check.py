#!/usr/bin/env python3
"""Run every linter and type checker, two at a time: `make check`; with --fix, repair what can be (`make format`)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, NamedTuple

from environments import panel
from environments.installer import TOOLS, Installer, uv_settings
from environments.progress import ROOT, VENVS


class Check(NamedTuple):
    """One program and what it is called in the output."""

    title: str
    command: List[str]


class Outcome(NamedTuple):
    """How a check ended."""

    check: Check
    code: int
    output: str
    seconds: float


def _tool(name: str, *arguments: str) -> List[str]:
    return [str(TOOLS / "bin" / name), *arguments]


def _npm(script: str) -> List[str]:
    return ["npm", "run", "--silent", script]


CHECKS = [
    Check("eslint, prettier, stylelint", _npm("lint:check")),
    Check("mypy (kfops, strict)", _tool("mypy", "--python-executable", str(VENVS / "kernel" / "bin" / "python"))),
    Check("ruff check", _tool("ruff", "check", ".")),
    Check("ruff format", _tool("ruff", "format", "--check", ".")),
    Check("tsc", _npm("build:check")),
    Check("jest", _npm("test")),
    Check("size of the panel", [sys.executable, "scripts/panel_size.py"]),
]
FIXES = [
    Check("ruff check", _tool("ruff", "check", "--fix", ".")),
    Check("ruff format", _tool("ruff", "format", ".")),
    Check("eslint, prettier, stylelint", _npm("lint")),
]


def run(check: Check, environment: Dict[str, str]) -> Outcome:
    """Run one check to its end and keep what it prints."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=str(ROOT),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return Outcome(check, done.returncode, done.stdout.decode("utf-8", "replace"), time.monotonic() - started)


def main() -> int:
    fix = "--fix" in sys.argv[1:]
    environment = {**os.environ, **panel.node_environment(Installer(str(TOOLS / "bin" / "uv"), uv_settings()))}
    failed = 0
    # Repairs change the same files, so they go one after another.
    with ThreadPoolExecutor(max_workers=1 if fix else 2) as pool:
        for outcome in pool.map(lambda check: run(check, environment), FIXES if fix else CHECKS):
            verdict = "failed" if outcome.code else "ok"
            print(f"  {outcome.check.title} - {verdict}, {outcome.seconds:.1f} s", flush=True)
            if outcome.code:
                failed += 1
                print(outcome.output.rstrip(), flush=True)
    print(f"Linters: {f'{failed} failed' if failed else 'all passed'}.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
