"""Tables, steps and times as plain text."""

from __future__ import annotations

import datetime
import json
from typing import Any, Dict, Iterable, List, Sequence

import click

from kfops.types import Graph, Run, Step

_COLOURS = {"succeeded": "green", "cached": "green", "failed": "red", "stopped": "yellow", "running": "blue"}


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Write rows below headings, each column as wide as its widest cell; ``empty`` where there are no rows."""
    cells = [list(row) for row in rows]
    if not cells:
        click.echo(empty)
        return
    widths = [max(len(row[column]) for row in [list(headings), *cells]) for column in range(len(headings))]
    click.echo("  ".join(heading.upper().ljust(width) for heading, width in zip(headings, widths)).rstrip())
    for row in cells:
        padded = [coloured(cell) + " " * (width - len(cell)) for cell, width in zip(row, widths)]
        click.echo("  ".join(padded).rstrip())


def facts(pairs: Dict[str, str]) -> None:
    """Write names and values below each other, without those that have no value."""
    known = {name: value for name, value in pairs.items() if value}
    width = max([len(name) for name in known], default=0)
    for name, value in known.items():
        click.echo(f"{name.ljust(width)}  {value}")


def as_json(data: Any) -> None:
    """Write data as JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def coloured(state: str) -> str:
    """Return the word for a state in its colour; other text as it is. click drops colours where nobody sees them."""
    return click.style(state, fg=_COLOURS[state]) if state in _COLOURS else state


def local_time(moment: str) -> str:
    """Return an RFC 3339 time as date and time of this machine's zone, "" for none."""
    known = _parsed(moment)
    return known.astimezone().strftime("%Y-%m-%d %H:%M:%S") if known else ""


def duration(started: str, finished: str) -> str:
    """Return the time between two moments in words, "" where one is missing; no end means now."""
    begin = _parsed(started)
    end = _parsed(finished) or datetime.datetime.now(datetime.timezone.utc)
    if begin is None:
        return ""
    seconds = max(0.0, (end - begin).total_seconds())
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def steps(graph: Graph) -> None:
    """Write the steps of a run, what stands in a group indented below it."""
    rows: List[Sequence[str]] = []

    def below(parent: str, indent: str) -> None:
        for step in in_order(step for step in graph.steps if step.parent == parent):
            rows.append([indent + step.name, step.state, duration(step.started_at, step.finished_at), step.message])
            below(step.id, indent + "  ")

    below("", "")
    table(["step", "state", "time", ""], rows, empty="It has no steps yet.")


def in_order(found: Iterable[Step]) -> List[Step]:
    """Return steps in the order in which they started, those that have not started last."""
    return sorted(found, key=lambda step: step.started_at or "~")


class Progress:
    """Writes a line for each step whose state changes; called with each new look at a run."""

    def __init__(self) -> None:
        self._states: Dict[str, str] = {}

    def __call__(self, run: Run) -> None:
        """Write what has changed since the last look."""
        steps = run.graph.steps if run.graph else []
        for step in sorted(steps, key=lambda step: step.finished_at or step.started_at or "~"):
            if step.kind == "step" and step.state != self._states.get(step.id, "pending"):
                self._states[step.id] = step.state
                click.echo(self._line(step))

    def _line(self, step: Step) -> str:
        took = duration(step.started_at, step.finished_at) if step.finished_at else ""
        rest = "  ".join(part for part in (took, step.message) if part)
        return f"  {coloured(step.state)}{' ' * (10 - len(step.state))}  {step.name}{f'  ({rest})' if rest else ''}"


def _parsed(moment: str) -> Any:
    try:
        return datetime.datetime.fromisoformat(moment[:19]).replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
