"""A run as a still picture: the same content as the live view, for a saved or printed notebook."""

from __future__ import annotations

import base64
from html import escape
from typing import Dict, List

from kfops import drawing
from kfops.types import Run, Step
from kfops_lab.display.bundle import MONOSPACE, QUIET, Shown, card, identifier, line
from kfops_lab.display.saved import MIME, saved
from kfops_lab.display.states import badge, duration, look

#: A graph of more steps than this would be too small to read.
MOST_DRAWN = 40


def heading(run: Run) -> str:
    """Return the first line of a run as HTML: name, state, progress, time."""
    return line(
        f"<b>{escape(run.name)}</b> {badge(run.state)}",
        f"{run.done} of {run.total} steps" if run.total else "",
        duration(run),
        f"run {identifier(run.id)}",
    )


def outcome(run: Run) -> str:
    """Return what the run ended with as HTML: the model's location, metrics, or the reason of its failure."""
    parts: List[str] = []
    if run.error:
        parts.append(f'<div style="color:var(--jp-error-color1,#d32f2f)">{escape(run.error)}</div>')
    if run.metrics:
        metrics = ", ".join(f"{escape(metric.name)} <b>{metric.value:.6g}</b>" for metric in run.metrics)
        parts.append(f"<div>Metrics: {metrics}</div>")
    if run.model:
        parts.append(f"<div>Model: <code>{escape(run.model)}</code></div>")
    return "".join(parts)


def steps_of(run: Run) -> List[Step]:
    """Return the run's steps, without groups, in the order in which they started; waiting ones last."""
    if run.graph is None:
        return []
    steps = [step for step in run.graph.steps if step.kind == "step"]
    return sorted(steps, key=lambda step: step.started_at or "9999")


def row(step: Step) -> str:
    """Return one line of plain text for a step: icon, name, state, duration."""
    icon, _, word = look(step.state)
    took = duration(step)
    return "\u2003".join(part for part in (f"{icon} {step.name}", word, took) if part)


def picture(run: Run) -> str:
    """Return the graph as HTML; "" where it would not be readable.

    An image, because what shows notebooks on the web takes ``<svg>`` out of HTML and leaves ``<img>`` in it.
    """
    if run.graph is None or not 0 < len(run.graph.steps) <= MOST_DRAWN:
        return ""
    drawn = base64.b64encode(drawing.to_svg(run.graph, ground="#fff").encode("utf-8")).decode("ascii")
    words = escape(f"Graph of {run.name}: {look(run.state).word}")
    source = f"data:image/svg+xml;base64,{drawn}"
    return f'<img alt="{words}" src="{source}" style="display:block;margin:6px 0;max-width:100%;max-height:420px">'


def still(run: Run, logs: Dict[str, str], note: str = "") -> Shown:
    """Show a run as it is now; ``logs`` are the steps' logs by step id, ``note`` a last line."""
    html = [heading(run), picture(run)]
    text = [f"{run.name} {look(run.state).icon} {look(run.state).word}  {run.done} of {run.total} steps  run {run.id}"]
    for step in steps_of(run):
        icon, colour, word = look(step.state)
        took = duration(step)
        reason = f' <span style="{QUIET}">{escape(step.message)}</span>' if step.message else ""
        summary = (
            f'<span style="color:{colour}">{icon}</span> {escape(step.name)} '
            f'<span style="{QUIET}">{word} {took}</span>{reason}'
        )
        log = logs.get(step.id, "")
        html.append(
            f'<details style="margin-left:12px"><summary style="cursor:pointer">{summary}</summary>{pre(log)}</details>'
            if log
            else f'<div style="margin-left:12px;padding-left:14px">{summary}</div>'
        )
        text.append(f"  {row(step)}{'   ' + step.message if step.message else ''}")
    html.append(outcome(run))
    text += [line for line in (run.error, f"Model: {run.model}" if run.model else "") if line]
    if note:
        html.append(f'<div style="{QUIET}">{note}</div>')
    return Shown(card(*html), "\n".join(text), {MIME: saved(run)})


def pre(log: str) -> str:
    """Return a log as HTML."""
    style = f"{MONOSPACE};font-size:12px;max-height:280px;overflow:auto;margin:4px 0;white-space:pre-wrap"
    return f'<pre style="{style}">{escape(log) or "(nothing printed)"}</pre>'
