"""Files of a step: inputs put where its template wants them, outputs taken from where it left them."""

from __future__ import annotations

import json
import os
import posixpath
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping

from ...errors import NotFound
from ..artifacts import MOUNTS, ArtifactStore
from ..launcher import OUTPUT_FILE
from ..workflow.inputs import Inputs
from ..workflow.substitution import as_text
from .draft import Draft
from .environment import StepError
from .paths import declared_paths

METRICS = "mlpipeline-metrics"
_OPTIONAL = {METRICS, "mlpipeline-ui-metadata"}
_METRIC_NAME = re.compile(r"[a-zA-Z]([-_a-zA-Z0-9]{0,62}[a-zA-Z0-9])?")
_MOST_METRICS = 50
_SMALL = 1 << 16


@dataclass
class Taken:
    """The outputs of a node as its status has them, and the metrics among them."""

    outputs: Dict[str, Any] = field(default_factory=dict)
    metrics: List[Dict[str, Any]] = field(default_factory=list)


def place_inputs(
    template: Mapping[str, Any], inputs: Inputs, host: Callable[[str], Path], store: ArtifactStore
) -> None:
    """Write a step's input artifacts to their paths, and make the folders of its outputs.

    Raises
    ------
    StepError
        An artifact that is not optional is not stored any more.
    """
    optional = {a["name"] for a in (template.get("inputs") or {}).get("artifacts") or [] if a.get("optional")}
    for name, artifact in inputs.artifacts.items():
        if not artifact.get("path"):
            continue
        target = host(artifact["path"])
        target.parent.mkdir(parents=True, exist_ok=True)
        if "raw" in artifact:
            target.write_text(as_text(artifact["raw"].get("data", "")), encoding="utf-8")
            continue
        try:
            store.place(artifact["s3"]["key"], target)
        except NotFound as error:
            if name not in optional:
                raise StepError(f"input artifact {name}: {error.message}") from error
        mode = artifact.get("mode")
        if mode is not None and target.exists():
            os.chmod(target, int(mode))


def is_small(draft: Draft) -> bool:
    """Tell whether what a step has left is to be read or moved in no time: regular files of a few kilobytes."""
    template = draft.step.template
    if not draft.afterwards and not template.get("outputs"):
        return True
    if draft.mounts:
        return False
    root, paths = str(draft.root), [*declared_paths(template), OUTPUT_FILE]
    try:
        if any(os.listdir(root + place) for place in MOUNTS.values()):
            return False
        return all(map(_is_small, (root + posixpath.normpath(posixpath.join(draft.cwd, path)) for path in paths)))
    except (OSError, ValueError):
        return False


def _is_small(path: str) -> bool:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return True
    return stat.S_ISREG(status.st_mode) and status.st_size <= _SMALL


def collect(
    template: Mapping[str, Any], host: Callable[[str], Path], store: ArtifactStore, key: Callable[[str], str]
) -> Taken:
    """Read the output parameters and store the output artifacts of a step that has ended.

    Raises
    ------
    StepError
        The step did not leave an output that is neither optional nor has a default.
    """
    declared = template.get("outputs") or {}
    taken = Taken()
    parameters = [_parameter(parameter, host) for parameter in declared.get("parameters") or []]
    wanted = declared.get("artifacts") or []
    paths = [artifact.get("path") for artifact in wanted]
    artifacts: List[Dict[str, Any]] = []
    for number, artifact in enumerate(wanted):
        name, path = artifact["name"], artifact.get("path")
        source = host(path) if path else None
        if source is None or not source.exists():
            if artifact.get("optional") or name in _OPTIONAL:
                continue
            raise StepError(f"output artifact {name} was not written: no such file or directory: {path}")
        if name == METRICS:
            taken.metrics = _metrics(source)
        store.save(key(name), source, move=path not in paths[number + 1 :])
        artifacts.append({"name": name, "path": path, "s3": {"key": key(name)}})
    if parameters:
        taken.outputs["parameters"] = parameters
    if artifacts:
        taken.outputs["artifacts"] = artifacts
    return taken


def _parameter(parameter: Mapping[str, Any], host: Callable[[str], Path]) -> Dict[str, Any]:
    name, source = parameter["name"], parameter.get("valueFrom") or {}
    status: Dict[str, Any] = {"name": name}
    if "path" not in source:
        status["value"] = as_text(parameter.get("value", source.get("default", "")))
        return status
    status["valueFrom"] = {"path": source["path"]}
    try:
        text = host(source["path"]).read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        if source.get("default") is None:
            raise StepError(f"output parameter {name} was not written: {error.strerror}: {source['path']}") from error
        text = as_text(source["default"])
    status["value"] = text[:-1] if text.endswith("\n") else text
    return status


def _metrics(path: Path) -> List[Dict[str, Any]]:
    """Return the run metrics of a file; what the real server would refuse is left out, as it does."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        found = [
            {
                "name": str(metric["name"]),
                "numberValue": float(metric["numberValue"]),
                "format": str(metric.get("format") or "RAW"),
            }
            for metric in listed
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [metric for metric in found if _METRIC_NAME.fullmatch(str(metric["name"]))][:_MOST_METRICS]
