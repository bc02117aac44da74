"""An error as a cell shows it: what happened, why, what to do."""

from __future__ import annotations

from typing import List

from kfops.errors import KfopsError

RED, BOLD, QUIET, PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def concise(error: KfopsError) -> List[str]:
    """Return an error's lines, coloured for a terminal as tracebacks are."""
    lines = [f"{RED}{BOLD}{type(error).__name__}{PLAIN} {error.message}"]
    where = _where(error)
    lines += [part for part in (f"{QUIET}{where}{PLAIN}" if where else "", error.why) if part]
    source = str(error.details.get("source_line") or "").strip()
    if source:
        lines.append(f"    {source}")
    if error.remedy:
        lines.append(f"{BOLD}→{PLAIN} {error.remedy}")
    log = error.details.get("log")
    if log:
        lines.append(f"{QUIET}{log}{PLAIN}")
    return lines


def _where(error: KfopsError) -> str:
    line, cell, path = (error.details.get(name) for name in ("line", "cell", "path"))
    parts = [str(path) if path else "", f"cell {cell}" if cell else "", f"line {line}" if line else ""]
    return ", ".join(part for part in parts if part)
