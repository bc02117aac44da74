"""Progress of the set-up: one line a stage, everything else in a log that is shown when a stage fails."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional

ROOT = Path(__file__).resolve().parents[2]
VENVS = ROOT / ".venvs"
LOG = VENVS / "setup.log"
SHOWN_LINES = 30


class SetupError(Exception):
    """What stopped the set-up, and what to type next.

    Parameters
    ----------
    message : str
        What happened.
    remedy : str, optional
        The next step for the person in front of the screen.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class StageFailed(SetupError):
    """A command of a stage failed; its output is the end of the log."""


def open_log() -> None:
    """Begin a new log."""
    VENVS.mkdir(exist_ok=True)
    LOG.write_text("", encoding="utf-8")


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    """Print `title`, run the body, print its seconds on the same line."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"== {title}\n")
    print(f"  {title} ", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print("- failed" if sys.exc_info()[0] is not KeyboardInterrupt else "- interrupted", flush=True)
        raise
    print(f"- {time.monotonic() - started:.1f} s", flush=True)


def run(command: List[str], *, env: Optional[Dict[str, str]] = None, cwd: Path = ROOT, remedy: str = "") -> None:
    """Run `command` with its output in the log.

    Raises
    ------
    StageFailed
        When it ends with anything but 0, or cannot be started.
    """
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        try:
            code = subprocess.call(
                command,
                cwd=str(cwd),
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise StageFailed(f"{command[0]} could not be started: {error}", remedy) from error
    if code:
        raise StageFailed(f"{Path(command[0]).name} ended with {code}", remedy)


def tail() -> str:
    """Return the last lines of the log."""
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  | {line}" for line in lines[-SHOWN_LINES:])
