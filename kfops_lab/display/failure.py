"""An error as a cell shows it: what happened, where, why, what to do."""

from __future__ import annotations

from typing import List

from kfops.errors import KfopsError

RED, BOLD, QUIET, PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def concise(error: KfopsError) -> List[str]:
    """Return an error's lines, coloured for a terminal as tracebacks are."""
    lines = [f"{RED}{BOLD}{type(error).__name__}{PLAIN} {error.message}"]
    source, number = error.details.get("source"), error.details.get("line")
    if isinstance(source, str) and source:
        lines.append(f"{QUIET}{number:>5} |{PLAIN} {source}")
    if error.why:
        lines.append(error.why)
    if error.remedy:
        lines.append(f"{BOLD}→{PLAIN} {error.remedy}")
    log = error.details.get("log")
    if log:
        lines.append(f"{QUIET}{log}{PLAIN}")
    return lines
