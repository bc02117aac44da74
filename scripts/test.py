#!/usr/bin/env python3
"""Run the linters and every test, each suite in its environment: `make test`.

All of it runs, whatever fails on the way. At the end: how each part ended, and by name what this machine lacks and was
therefore not tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Set

from environments.progress import ROOT, VENVS

# Which folders of tests/ run in which environment. The server's tests and the browser's want an event loop each.
SUITES = [
    ("kernel", ("unit", "property", "conformance", "faults")),
    ("lab", ("server",)),
    ("lab", ("e2e", "packaging")),
]


class Part(NamedTuple):
    """One part of the run, and how it ended."""

    title: str
    passed: bool
    seconds: float


def folders_with_tests() -> Set[str]:
    """Return the folders of tests/ that hold tests."""
    return {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}


def run(title: str, command: List[str], environment: Dict[str, str]) -> Part:
    """Run `command` with its output on the screen."""
    print(f"\n=== {title}", flush=True)
    started = time.monotonic()
    code = subprocess.call(command, cwd=str(ROOT), env=environment, stdin=subprocess.DEVNULL)
    return Part(title, code == 0, time.monotonic() - started)


def main() -> int:
    homeless = folders_with_tests() - {folder for _, folders in SUITES for folder in folders}
    if homeless:
        print(f"tests/{sorted(homeless)[0]} is in no suite: add it to SUITES in scripts/test.py", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch) / "not-tested.jsonl"
        environment = {**os.environ, "KFOPS_TEST_NOTES": str(notes), "PYTHONDONTWRITEBYTECODE": "1"}
        parts = [run("linters and type checkers", [sys.executable, "scripts/check.py"], environment)]
        for venv, folders in SUITES:
            present = [f"tests/{folder}" for folder in folders if folder in folders_with_tests()]
            command = [str(VENVS / venv / "bin" / "python"), "-m", "pytest", *present, *sys.argv[1:]]
            parts.append(run(f"{', '.join(present)} (in .venvs/{venv})", command, environment))
        _summary(parts, notes)
    return 0 if all(part.passed for part in parts) else 1


def _summary(parts: List[Part], notes: Path) -> None:
    print("\n=== summary", flush=True)
    for part in parts:
        print(f"  {'passed' if part.passed else 'FAILED'}  {part.title} ({part.seconds:.0f} s)")
    entries = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()] if notes.exists() else []
    if not entries:
        print("  Everything was tested: the machine lacks nothing that the tests need.", flush=True)
        return
    print("  Not tested here, because the machine lacks:")
    for program in sorted({entry["lacks"] for entry in entries}):
        tests = sorted({entry["test"] for entry in entries if entry["lacks"] == program})
        print(f"    {program}: {', '.join(tests)}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
