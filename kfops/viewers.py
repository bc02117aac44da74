"""What a step says should be shown of it -> Previews. Pure: nothing is read here.

Kubeflow Pipelines knows two ways: the file ``mlpipeline-ui-metadata`` of a v1 step, which lists viewers, and the
metadata of a v2 step's output artifacts (system.Metrics, system.ClassificationMetrics).
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from kfops.previews import table
from kfops.types import Preview

UI_METADATA = "mlpipeline-ui-metadata"
_LITE = "https://vega.github.io/schema/vega-lite/v{}.json"
_MIME = "application/vnd.vegalite.v{}+json"
#: JupyterLab 3 draws the first, JupyterLab 4 the second; these plots are the same in both.
_VERSIONS = (4, 5)


def of_ui_metadata(artifact: str, content: bytes) -> Optional[List[Preview]]:
    """Return the previews that a ``mlpipeline-ui-metadata`` file asks for; None where it is no such file."""
    try:
        outputs = json.loads(content.decode("utf-8"))["outputs"]
        return [_viewer(artifact, output) for output in outputs]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def of_metadata(artifact: str, content: bytes) -> Optional[List[Preview]]:
    """Return the previews of a v2 artifact's metadata; None where the content is something else."""
    try:
        wire = json.loads(content.decode("utf-8")) if content[:1] == b"{" and len(content) < 1_000_000 else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(wire, dict) or not isinstance(wire.get("uri"), str):
        return None
    metadata = _metadata(wire)
    if metadata is None:
        return None
    base: Dict[str, Any] = {"artifact": artifact, "size": len(content)}
    found: List[Preview] = []
    numbers = {name: value for name, value in metadata.items() if isinstance(value, (int, float, str))}
    if numbers:
        rows = [[name, _shown(value)] for name, value in sorted(numbers.items())]
        found.append(table({**base, "title": ""}, ["name", "value"], rows))
    curve = metadata.get("confidenceMetrics")
    if isinstance(curve, list):
        points = [(_number(p, "falsePositiveRate"), _number(p, "recall")) for p in curve if isinstance(p, dict)]
        found.append(_roc(base, points))
    matrix = metadata.get("confusionMatrix")
    if isinstance(matrix, dict):
        found.append(_matrix_of(base, matrix))
    return found or [Preview(kind="none", message=f"Stored at {wire['uri']}", **base)]


def _metadata(wire: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    """Return the metadata of an artifact by name, as an executor writes them or as the metadata store has them."""
    found = wire.get("metadata", wire.get("customProperties", {}))
    if not isinstance(found, dict):
        return None
    return {name: _plain(value) for name, value in found.items() if name != "display_name"}


def _plain(value: Any) -> Any:
    """Return the value of a property, which stands below the name of its type."""
    if not isinstance(value, dict):
        return value
    for kind in ("stringValue", "intValue", "doubleValue"):
        if kind in value:
            return value[kind]
    inner = value.get("structValue", value)
    if isinstance(inner, dict) and len(inner) == 1:
        return inner.get("list", inner.get("struct", inner))
    return inner


def stored_at(content: bytes) -> str:
    """Return the URI of a v2 artifact, from its metadata."""
    return str(json.loads(content.decode("utf-8"))["uri"])


def _viewer(artifact: str, output: Mapping[str, Any]) -> Preview:
    kind, source = str(output.get("type")), str(output.get("source") or "")
    base: Dict[str, Any] = {"artifact": artifact, "size": len(source)}
    inline = output.get("storage") == "inline"
    if not inline and kind != "tensorboard" and "://" in source.split("\n", 1)[0][:40]:
        return Preview(kind="none", message=f"{kind}: stored at {source}", **base)
    draw = _VIEWERS.get(kind)
    if draw is None:
        return Preview(kind="none", message=f"{kind}: {source[:200]}", **base)
    try:
        return draw(base, output, source)
    except (ValueError, IndexError, TypeError, KeyError, csv.Error) as error:
        return Preview(kind="none", message=f"{kind}: the source cannot be read ({error}).", **base)


def _markdown(base: Dict[str, Any], output: Mapping[str, Any], source: str) -> Preview:
    return Preview(kind="markdown", data={"text/markdown": source}, **base)


def _web_app(base: Dict[str, Any], output: Mapping[str, Any], source: str) -> Preview:
    return Preview(kind="html", data={"text/html": source}, **base)


def _table(base: Dict[str, Any], output: Mapping[str, Any], source: str) -> Preview:
    return table(base, [str(name) for name in output.get("header") or []], _csv(source))


def _confusion(base: Dict[str, Any], output: Mapping[str, Any], source: str) -> Preview:
    names = _columns(output)
    target, predicted = [*names, "target", "predicted"][:2]
    cells = [(str(row[0]), str(row[1]), float(row[-1])) for row in _csv(source)]
    return _matrix(base, target, predicted, [str(label) for label in output.get("labels") or []], cells)


def _roc_curve(base: Dict[str, Any], output: Mapping[str, Any], source: str) -> Preview:
    return _roc(base, [(float(row[0]), float(row[1])) for row in _csv(source)])


_VIEWERS: Dict[str, Callable[[Dict[str, Any], Mapping[str, Any], str], Preview]] = {
    "markdown": _markdown,
    "web-app": _web_app,
    "table": _table,
    "confusion_matrix": _confusion,
    "roc": _roc_curve,
}


def _matrix_of(base: Dict[str, Any], matrix: Mapping[str, Any]) -> Preview:
    names = [str(spec.get("displayName", "")) for spec in matrix.get("annotationSpecs") or []]
    cells = []
    for name, row in zip(names, matrix.get("rows") or []):
        values = row.get("row") if isinstance(row, dict) else row
        cells += [(name, predicted, float(value)) for predicted, value in zip(names, values or [])]
    return _matrix(base, "target", "predicted", names, cells)


def _matrix(
    base: Dict[str, Any], target: str, predicted: str, labels: Sequence[str], cells: List[Tuple[str, str, float]]
) -> Preview:
    """Return a confusion matrix as a plot, and as a table for who cannot see it."""
    order = list(labels) or sorted({cell[0] for cell in cells} | {cell[1] for cell in cells})
    counts = {(row, column): count for row, column, count in cells}
    values = [{target: row, predicted: column, "count": count} for row, column, count in cells]
    place = {
        "x": {"field": predicted, "type": "nominal", "sort": order},
        "y": {"field": target, "type": "nominal", "sort": order},
    }
    middle = max((count for _, _, count in cells), default=0.0) / 2
    number = {"condition": {"test": f"datum.count > {middle}", "value": "white"}, "value": "black"}
    layers = [
        {"mark": "rect", "encoding": {"color": {"field": "count", "type": "quantitative"}}},
        {"mark": "text", "encoding": {"text": {"field": "count", "type": "quantitative"}, "color": number}},
    ]
    plot = {"data": {"values": values}, "encoding": place, "layer": layers, "width": 240, "height": 240}
    plot["description"] = f"Confusion matrix of {len(order)} classes"
    rows = [[row, *(_shown(counts.get((row, column), 0)) for column in order)] for row in order]
    columns = [f"{target} \\ {predicted}", *order]
    return Preview(kind="confusion-matrix", data=_lite(plot), columns=columns, rows=rows, **base)


def _roc(base: Dict[str, Any], points: List[Tuple[float, float]]) -> Preview:
    """Return a receiver operating characteristic as a plot, and its points as a table."""
    x, y = "false positive rate", "true positive rate"
    values = [{x: false, y: true} for false, true in sorted(points)]
    axes = {
        "x": {"field": x, "type": "quantitative", "scale": {"domain": [0, 1]}},
        "y": {"field": y, "type": "quantitative", "scale": {"domain": [0, 1]}},
    }
    chance = {
        "data": {"values": [{x: 0, y: 0}, {x: 1, y: 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": "gray"},
        "encoding": axes,
    }
    curve = {"data": {"values": values}, "mark": {"type": "line", "point": True, "tooltip": True}, "encoding": axes}
    rows = [[_shown(false), _shown(true)] for false, true in sorted(points)]
    plot = {"layer": [chance, curve], "width": 240, "height": 240}
    plot["description"] = f"Receiver operating characteristic of {len(rows)} points"
    return Preview(kind="roc", data=_lite(plot), columns=[x, y], rows=rows, **base)


def _lite(plot: Mapping[str, Any]) -> Dict[str, Any]:
    return {_MIME.format(version): {"$schema": _LITE.format(version), **plot} for version in _VERSIONS}


def _csv(source: str) -> List[List[str]]:
    return [row for row in csv.reader(io.StringIO(source)) if row]


def _columns(output: Mapping[str, Any]) -> List[str]:
    return [str(column.get("name")) for column in output.get("schema") or []]


def _number(point: Mapping[str, Any], name: str) -> float:
    return float(point.get(name) or 0)


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
