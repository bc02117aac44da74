"""Graph -> SVG for a notebook, and text for a terminal; states look as they do in the panel."""

from __future__ import annotations

import datetime
import html
from typing import NamedTuple, Union

from kfops.layout import Box, Layout, Point, layout, ordered
from kfops.types import Graph, Run, Step

__all__ = ["LOOKS", "duration", "shorten", "to_svg", "to_text"]


class Look(NamedTuple):
    """How a state looks: icon, colour (a CSS value) and word."""

    icon: str
    colour: str
    word: str


#: One set everywhere; the fallbacks are readable on white and on black.
LOOKS: dict[str, Look] = {
    "pending": Look("○", "var(--jp-ui-font-color2, #767676)", "Pending"),
    "running": Look("◐", "var(--jp-brand-color1, #1e88e5)", "Running"),
    "succeeded": Look("✔", "var(--jp-success-color1, #388e3c)", "Succeeded"),
    "failed": Look("✖", "var(--jp-error-color1, #e53935)", "Failed"),
    "stopping": Look("■", "var(--jp-warn-color1, #ef6c00)", "Stopping"),
    "stopped": Look("■", "var(--jp-warn-color1, #ef6c00)", "Stopped"),
    "skipped": Look("⤼", "var(--jp-ui-font-color3, #8a8a8a)", "Skipped"),
    "omitted": Look("⤼", "var(--jp-ui-font-color3, #8a8a8a)", "Skipped"),
    "cached": Look("↺", "var(--jp-success-color1, #388e3c)", "Cached"),
}
_TEXT = "fill:var(--jp-ui-font-color1, currentColor)"
_QUIET = "var(--jp-ui-font-color2, #767676)"
_BORDER = "var(--jp-border-color1, #9e9e9e)"
_FRAME = "var(--jp-border-color2, #bdbdbd)"
_FONT = "font-family:var(--jp-ui-font-family, system-ui, sans-serif)"
_MARGIN = 8.0
_GROUPS = {
    "loop": "for each",
    "iteration": "iteration",
    "condition": "if",
    "exit-handler": "with exit handler",
    "retry": "tried again",
    "group": "",
}


def to_svg(graph: Graph, *, plain: bool = False, ground: str = "") -> str:
    """Return a graph as an SVG element, top to bottom, that suits light and dark themes.

    Parameters
    ----------
    graph
        What ``graph_of`` returned.
    plain
        Leave the states out, for a pipeline that is not running.
    ground
        The colour behind it, for a picture that stands alone: no theme reaches into one.

    Examples
    --------
    >>> to_svg(Graph("empty")).startswith("<svg")
    True
    """
    drawn: Layout = layout(graph)
    width, height = drawn.width + 2 * _MARGIN, drawn.height + 2 * _MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:g} {height:g}" role="img" '
        f'aria-label="{_escape(_summary(graph, plain))}" style="max-width:100%;height:auto;{_FONT}'
        + (f";background:{ground}" if ground else "")
        + '">'
    )
    parts = [head]
    parts.extend(_frame(box, graph) for box in drawn.boxes if box.frame)
    parts.extend(_line(points) for points in drawn.lines)
    parts.extend(_node(box, plain) for box in drawn.boxes if not box.frame)
    return "".join([*parts, "</svg>"])


def to_text(graph: Graph, *, plain: bool = False) -> str:
    """Return a graph as lines for a terminal: one a step, groups indented.

    Examples
    --------
    >>> print(to_text(Graph("churn", steps=[Step("a", "prepare")]), plain=True))
    churn  1 step
      ○ prepare
    """
    names = {step.id: step.name for step in graph.steps}
    before: dict[str, list[str]] = {}
    for edge in graph.edges:
        before.setdefault(edge.target, []).append(names[edge.source])
    longest = max((len(shorten(step.name, 40)) + 2 * _depth(step, graph) for step in graph.steps), default=0)
    lines = [_summary(graph, plain)]

    def add(parent: str, depth: int) -> None:
        for step in ordered(graph, parent):
            name = shorten(step.name, 40).ljust(longest - 2 * depth)
            facts = [] if plain else [LOOKS[step.state].word.ljust(9), duration(step).rjust(5), step.message]
            if step.when:
                facts.append(f"if {step.when}")
            if plain and step.id in before:
                facts.append("after " + ", ".join(before[step.id]))
            icon = LOOKS[step.state].icon if not plain else LOOKS["pending"].icon
            mark = icon if step.kind == "step" else "▾"
            lines.append(f"{'  ' * (depth + 1)}{mark} {name}  {'  '.join(fact for fact in facts if fact)}".rstrip())
            add(step.id, depth + 1)

    add("", 0)
    return "\n".join(lines)


def shorten(text: str, longest: int) -> str:
    """Return ``text`` with its middle left out when it is too long: names differ at their ends."""
    if len(text) <= longest:
        return text
    head = (longest - 1 + 1) // 2
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def duration(step: Union[Step, Run], now: datetime.datetime | None = None) -> str:
    """Return how long a step or a run took, or has taken so far, as ``1:05`` or ``2:00:09``; "" before it starts."""
    if not step.started_at:
        return ""
    begin = _moment(step.started_at)
    end = _moment(step.finished_at) if step.finished_at else now or datetime.datetime.now(datetime.timezone.utc)
    if begin is None or end is None:
        return ""
    seconds = max(0, int((end - begin).total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _moment(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None


def _summary(graph: Graph, plain: bool) -> str:
    steps = f"{graph.total or len(graph.steps)} step{'' if (graph.total or len(graph.steps)) == 1 else 's'}"
    if plain:
        return f"{graph.name}  {steps}"
    look = LOOKS[graph.state]
    return f"{graph.name}  {look.icon} {look.word}  {graph.done} of {steps}" + (
        f"  {graph.message}" if graph.message else ""
    )


def _depth(step: Step, graph: Graph) -> int:
    parents = {other.id: other.parent for other in graph.steps}
    depth = 0
    at = step.parent
    while at and depth < 50:
        depth, at = depth + 1, parents.get(at, "")
    return depth


def _node(box: Box, plain: bool) -> str:
    step = box.step
    look = LOOKS[step.state]
    dimmed = ' opacity="0.6"' if step.state in ("skipped", "omitted") and not plain else ""
    colour = _BORDER if plain else look.colour
    title = step.name if plain else f"{step.name}: {look.word}" + (f", {step.message}" if step.message else "")
    reason = f"· {step.message}" if step.state == "failed" and step.message else ""
    known = " ".join(part for part in (look.word, duration(step), reason) if part)
    second = _input_text(step) if plain else known
    name_x = 12.0 if plain else 32.0
    icon = "" if plain else _text(box.x + 10, box.y + 27, look.icon, f"fill:{look.colour};font-size:16px")
    return (
        f"<g{dimmed}><title>{_escape(title)}</title>"
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="6" '
        f'style="fill:var(--jp-layout-color1, transparent);stroke:{colour};stroke-width:1.5"/>'
        + icon
        + _text(box.x + name_x, box.y + (19 if second else 27), shorten(step.name, 24), f"{_TEXT};font-size:13px")
        + (
            _text(
                box.x + name_x,
                box.y + 35,
                shorten(second, 27),
                f"fill:{_QUIET if plain else look.colour};font-size:11px",
            )
            if second
            else ""
        )
        + "</g>"
    )


def _input_text(step: Step) -> str:
    return ", ".join(list(step.inputs) + [artifact.name for artifact in step.input_artifacts])


def _frame(box: Box, graph: Graph) -> str:
    step = box.step
    word = _GROUPS.get(step.kind, "")
    label = f"{word} · {step.name}" if step.kind in ("loop", "retry") else f"{word} {step.when or step.name}".strip()
    inside = [other for other in graph.steps if other.parent == step.id and other.kind == "iteration"]
    if inside:
        done = sum(other.state in ("succeeded", "cached", "skipped") for other in inside)
        label += f" · {done} of {len(inside)}"
    dimmed = ' opacity="0.6"' if step.state in ("skipped", "omitted") else ""
    longest = max(20, int(box.width / 7))
    return (
        f"<g{dimmed}><title>{_escape(label)}</title>"
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="8" '
        f'style="fill:none;stroke:{_FRAME};stroke-dasharray:4 3"/>'
        + _text(box.x + 10, box.y + 17, shorten(label, longest), f"fill:{_QUIET};font-size:11px")
        + "</g>"
    )


def _line(points: list[Point]) -> str:
    (x, y), *rest = points
    path = [f"M{x:g} {y:g}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2:
            path.append(f"L{to_x:g} {to_y:g}")  # along a lane
        else:
            bend = (to_y - y) / 2
            path.append(f"C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    return (
        f'<path d="{"".join(path)}" style="fill:none;stroke:{_BORDER};stroke-width:1.5"/>'
        f'<path d="M{x - 4:g} {y - 7:g}L{x:g} {y:g}L{x + 4:g} {y - 7:g}Z" style="fill:{_BORDER}"/>'
    )


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" style="{style}">{_escape(text)}</text>'


def _escape(text: str) -> str:
    return html.escape("".join(c for c in text if c in "\t\n" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF)))
