"""Graph -> boxes and lines: layers from top to bottom, groups as frames around what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

from kfops.types import Edge, Graph, Step

WIDTH, HEIGHT = 200.0, 44.0
GAP_X, GAP_Y = 20.0, 30.0
PAD, HEAD = 14.0, 26.0
#: The lane of an edge that passes a layer without a stop.
LANE = 14.0

Point = Tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Where a step, or the frame of a group, is drawn."""

    step: Step
    x: float
    y: float
    width: float
    height: float
    frame: bool = False


@dataclass(frozen=True)
class Layout:
    """A drawing: its size, its boxes (frames before what stands in them) and its lines as points."""

    width: float
    height: float
    boxes: list[Box]
    lines: list[list[Point]]


def ordered(graph: Graph, parent: str = "") -> list[Step]:
    """Return the steps that stand in ``parent``, each after those it waits for, else in the graph's order."""
    steps = [step for step in graph.steps if step.parent == parent]
    ranks = _ranks(steps, graph.edges)
    return sorted(steps, key=lambda step: ranks[step.id])


def layout(graph: Graph) -> Layout:
    """Return the drawing of a graph."""
    boxes: list[Box] = []
    lines: list[list[Point]] = []
    children: dict[str, list[Step]] = {}
    for step in graph.steps:
        children.setdefault(step.parent, []).append(step)
    sizes: dict[str, Point] = {}
    inner: dict[str, tuple[dict[str, Point], list[list[Point]]]] = {}

    def measure(parent: str) -> Point:
        for step in children.get(parent, []):
            if step.id in children:
                width, height = measure(step.id)
                sizes[step.id] = (max(width + 2 * PAD, WIDTH), height + HEAD + PAD)
            else:
                sizes[step.id] = (WIDTH, HEIGHT)
        places, paths, size = _arrange(children.get(parent, []), graph.edges, sizes)
        inner[parent] = (places, paths)
        return size

    def place(parent: str, left: float, top: float) -> None:
        places, paths = inner[parent]
        lines.extend([(left + x, top + y) for x, y in path] for path in paths)
        for step in children.get(parent, []):
            x, y = left + places[step.id][0], top + places[step.id][1]
            width, height = sizes[step.id]
            group = step.id in children
            boxes.append(Box(step, x, y, width, height, group))
            if group:
                place(step.id, x + PAD, y + HEAD)

    width, height = measure("")
    place("", 0.0, 0.0)
    return Layout(width, height, boxes, lines)


def _ranks(steps: Sequence[Step], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the layer of each step: one below the lowest of those it waits for."""
    names = {step.id for step in steps}
    before: dict[str, list[str]] = {name: [] for name in names}
    for edge in edges:
        if edge.source in names and edge.target in names:
            before[edge.target].append(edge.source)
    ranks = {step.id: 0 for step in steps}
    for _ in steps:  # at most as many rounds as steps, and a circle (which Argo refuses) ends too
        changed = False
        for step in steps:
            wanted = max((ranks[name] + 1 for name in before[step.id]), default=0)
            if wanted > ranks[step.id]:
                ranks[step.id], changed = wanted, True
        if not changed:
            break
    return ranks


def _arrange(
    steps: Sequence[Step], edges: Sequence[Edge], sizes: dict[str, Point]
) -> tuple[dict[str, Point], list[list[Point]], Point]:
    """Return the places of siblings, the lines between them, and the size of it all."""
    ranks = _ranks(steps, edges)
    rows: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for step in steps:
        rows[ranks[step.id]].append(step.id)
    dimensions = {step.id: sizes[step.id] for step in steps}
    routes: list[list[str]] = []
    for number, edge in enumerate(edges):
        if edge.source not in ranks or edge.target not in ranks:
            continue
        route = [edge.source]
        for rank in range(ranks[edge.source] + 1, ranks[edge.target]):
            lane = f"\0{number}\0{rank}"
            dimensions[lane] = (LANE, 0.0)
            rows[rank].append(lane)
            route.append(lane)
        routes.append([*route, edge.target])
    _untangle(rows, routes)
    places, size = _coordinates(rows, dimensions)
    paths = []
    for route in routes:
        points: list[Point] = []
        for position, name in enumerate(route):
            x, y = places[name]
            width, height = dimensions[name]
            if position:
                points.append((x + width / 2, y))
            if position < len(route) - 1:
                row = max((dimensions[other][1] for other in rows[_row_of(rows, name)]), default=0.0)
                points.append((x + width / 2, y + (height if not position else row)))
        paths.append(points)
    return places, paths, size


def _row_of(rows: Sequence[Sequence[str]], name: str) -> int:
    return next(number for number, row in enumerate(rows) if name in row)


def _untangle(rows: list[list[str]], routes: Sequence[Sequence[str]]) -> None:
    """Sort each row by the middle of its neighbours' places, down and up again: fewer lines cross."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for route in routes:
        for upper, lower in zip(route, route[1:]):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    for neighbours, order in ((above, rows[1:]), (below, rows[-2::-1]), (above, rows[1:])):
        for row in order:
            where = {name: index for line in rows for index, name in enumerate(line)}
            middles = {
                name: sum(where[n] for n in neighbours.get(name, [name])) / len(neighbours.get(name, [name]))
                for name in row
            }
            row.sort(key=lambda name: middles[name])


def _coordinates(rows: Sequence[Sequence[str]], dimensions: dict[str, Point]) -> tuple[dict[str, Point], Point]:
    widths = [sum(dimensions[name][0] for name in row) + GAP_X * (len(row) - 1) for row in rows]
    total = max(widths, default=0.0)
    places: dict[str, Point] = {}
    top = 0.0
    for row, width in zip(rows, widths):
        left = (total - width) / 2
        for name in row:
            places[name] = (left, top)
            left += dimensions[name][0] + GAP_X
        top += max((dimensions[name][1] for name in row), default=0.0) + GAP_Y
    return places, (total, max(0.0, top - GAP_Y))
