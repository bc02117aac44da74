#!/usr/bin/env python3
"""Run the linters and every test, each suite in its environment: `make test`.

All of it runs, whatever fails on the way. Two suites run at once, because each waits half of its time: for processes,
pages and pauses. What they print comes one after another. Tests that are marked `alone` measure time, and follow when
nothing else runs. At the end: how each part ended, by name what this machine lacks and was therefore not tested, and
how many tests there were.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Counter as Counts
from typing import Dict, List, NamedTuple, Set, Tuple

from environments.progress import ROOT, VENVS

NOTHING_TO_RUN = 5  # pytest's exit code


class Suite(NamedTuple):
    """Folders of tests/ that one pytest runs in one environment, and which of their tests."""

    venv: str
    folders: Tuple[str, ...]
    marked: str = "not alone"

    @property
    def title(self) -> str:
        which = "" if self.marked == "not alone" else f", {self.marked}"
        return f"{', '.join(f'tests/{folder}' for folder in self.folders)} (in .venvs/{self.venv}{which})"

    def command(self, report: Path) -> List[str]:
        """Return what runs the suite and writes its report."""
        options = ["--color=yes"] if sys.stdout.isatty() else []
        options += ["-m", self.marked, f"--junit-xml={report}"]
        folders = [f"tests/{folder}" for folder in self.folders]
        return [str(VENVS / self.venv / "bin" / "python"), "-m", "pytest", *options, *folders, *sys.argv[1:]]


# The longest first, so that the two end together. The server's tests and the browser's want an event loop each.
SUITES = [
    Suite("kernel", ("conformance",)),
    Suite("lab", ("e2e",)),
    Suite("kernel", ("faults",)),
    Suite("kernel", ("unit", "property")),
    Suite("lab", ("packaging",)),
    Suite("lab", ("server",)),
]
ALONE = [
    Suite(venv, tuple(folder for suite in SUITES if suite.venv == venv for folder in suite.folders), "alone")
    for venv in ("kernel", "lab")
]


class Part(NamedTuple):
    """One part of the run, how it ended, and how many of its tests passed, failed and were skipped."""

    title: str
    passed: bool
    seconds: float
    tests: Counts[str]


def folders_with_tests() -> Set[str]:
    """Return the folders of tests/ that hold tests."""
    return {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}


def check(environment: Dict[str, str]) -> Part:
    """Run the linters with their output on the screen."""
    title = "linters and type checkers"
    print(f"\n=== {title}", flush=True)
    started = time.monotonic()
    command = [sys.executable, "scripts/check.py"]
    code = subprocess.call(command, cwd=str(ROOT), env=environment, stdin=subprocess.DEVNULL)
    return Part(title, code == 0, time.monotonic() - started, Counter())


def run(suite: Suite, output: Path, environment: Dict[str, str]) -> Part:
    """Run a suite with its output in a file."""
    started = time.monotonic()
    report = output.with_suffix(".xml")
    with output.open("ab") as file:
        code = subprocess.call(
            suite.command(report),
            cwd=str(ROOT),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    passed = code == 0 or (code == NOTHING_TO_RUN and suite.marked == "alone")
    return Part(suite.title, passed, time.monotonic() - started, counted(report))


def counted(report: Path) -> Counts[str]:
    """Return how many tests passed, failed and were skipped; none where pytest has not come to its report."""
    if not report.exists():
        return Counter()
    counts: Counts[str] = Counter()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        number = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
        failed = number["failures"] + number["errors"]
        passed = number["tests"] - failed - number["skipped"]
        counts.update(passed=passed, failed=failed, skipped=number["skipped"])
    return counts


def run_all(suites: List[Suite], at_once: int, scratch: Path, environment: Dict[str, str]) -> List[Part]:
    """Run suites, so many at once, and show what they print in their order."""
    parts = []
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        outputs = [scratch / f"{suite.venv}-{'-'.join(suite.folders)}-{suite.marked}" for suite in suites]
        for output in outputs:
            output.touch()
        futures = [pool.submit(run, suite, output, environment) for suite, output in zip(suites, outputs)]
        try:
            for suite, output, future in zip(suites, outputs, futures):
                print(f"\n=== {suite.title}", flush=True)
                follow(output, future)
                parts.append(future.result())
        finally:
            for future in futures:
                future.cancel()
    return parts


def follow(output: Path, future: Future[Part]) -> None:
    """Show what a suite prints, as it prints it, to its end."""
    with output.open("rb") as file:
        ended = False
        while not ended:
            ended = future.done()  # asked first: what it printed last is read then
            sys.stdout.buffer.write(file.read())
            sys.stdout.flush()
            time.sleep(0 if ended else 0.2)


def main() -> int:
    homeless = folders_with_tests() - {folder for suite in SUITES for folder in suite.folders}
    if homeless:
        print(f"tests/{sorted(homeless)[0]} is in no suite: add it to SUITES in scripts/test.py", file=sys.stderr)
        return 1
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        notes = scratch / "not-tested.jsonl"
        environment = {**os.environ, "KFOPS_TEST_NOTES": str(notes)}
        # Thousands of processes import the same modules: what one has compiled, the others need not.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        parts = [check(environment)]
        parts += run_all(SUITES, 2, scratch, environment)
        parts += run_all(ALONE, 1, scratch, environment)
        _summary(parts, notes, time.monotonic() - started)
    return 0 if all(part.passed for part in parts) else 1


def _summary(parts: List[Part], notes: Path, seconds: float) -> None:
    print(f"\n=== summary ({seconds:.0f} s)", flush=True)
    for part in parts:
        print(f"  {'passed' if part.passed else 'FAILED'}  {part.title} ({part.seconds:.0f} s)")
    entries = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()] if notes.exists() else []
    if entries:
        print("  Not tested here, because the machine lacks:")
    else:
        print("  Everything was tested: the machine lacks nothing that the tests need.")
    for program in sorted({entry["lacks"] for entry in entries}):
        tests = sorted({entry["test"] for entry in entries if entry["lacks"] == program})
        print(f"    {program}: {', '.join(tests)}")
    total = sum((part.tests for part in parts), Counter[str]())
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)


if __name__ == "__main__":
    sys.exit(main())
