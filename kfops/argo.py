"""How Argo writes a workflow down: the tasks of a template, what they wait for, the nodes of a status."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any, Mapping

_DEPENDS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(?=(?:\.[A-Za-z]+)?)")


def pipeline_name(metadata: Mapping[str, Any]) -> str:
    """Return the pipeline's own name; a run's workflow is called after it, with an ending of its own."""
    try:
        spec = json.loads((metadata.get("annotations") or {}).get("pipelines.kubeflow.org/pipeline_spec") or "{}")
        name = spec.get("name") or ""
    except (ValueError, AttributeError):
        name = ""
    return str(name) or str(metadata.get("generateName") or "").rstrip("-")


def tasks(template: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str, list[str]]]:
    """Return (task, its node's suffix, names it waits for) for a DAG or a ``steps`` template, as they run."""
    if "dag" in template:
        return _in_order([(task, "." + task["name"], _waits_for(task)) for task in template["dag"].get("tasks") or []])
    found: list[tuple[Mapping[str, Any], str, list[str]]] = []
    before: list[str] = []
    for number, row in enumerate(template.get("steps") or []):
        row = row if isinstance(row, list) else row.get("steps") or []
        found.extend((step, f"[{number}].{step['name']}", before) for step in row)
        before = [step["name"] for step in row]
    return found


def _in_order(
    found: list[tuple[Mapping[str, Any], str, list[str]]],
) -> list[tuple[Mapping[str, Any], str, list[str]]]:
    """Return tasks after those they wait for; kfp writes them by name. A circle, which Argo refuses, stays as it is."""
    waiting = {task["name"]: set(before) for task, _, before in found}
    for names in waiting.values():
        names.intersection_update(waiting)
    followers: dict[str, list[str]] = {name: [] for name in waiting}
    for name, names in waiting.items():
        for other in sorted(names):
            followers[other].append(name)
    ready = [name for name, names in waiting.items() if not names]
    for name in ready:  # grows while it is walked
        for follower in followers[name]:
            waiting[follower].discard(name)
            if not waiting[follower]:
                ready.append(follower)
    rank = {name: number for number, name in enumerate(ready)}
    return sorted(found, key=lambda entry: rank.get(entry[0]["name"], len(rank)))


def _waits_for(task: Mapping[str, Any]) -> list[str]:
    if task.get("depends"):
        return sorted(set(_DEPENDS.findall(re.sub(r"\.[A-Za-z]+", "", task["depends"]))))
    return list(dict.fromkeys(task.get("dependencies") or []))


def group_kind(task: Mapping[str, Any]) -> str:
    """Return what a task is that stands for a group: a condition, an exit handler, or just a group."""
    if task.get("when") or task["name"].startswith("condition-"):
        return "condition"
    return "exit-handler" if task["name"].startswith("exit-handler-") else "group"


def closes_at_end(text: str) -> bool:
    """Whether ``(…)`` is all of ``text``, so that ``(0:a).b(1)`` is not taken for an iteration of the outer loop."""
    return not re.search(r"\)\.[A-Za-z0-9_-]+(\(|\.|$)", text)


def status_nodes(status: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the nodes of a status by their ids; of large workflows Argo keeps them compressed."""
    packed: str | None = status.get("compressedNodes")
    if packed:
        return dict(json.loads(gzip.decompress(base64.b64decode(packed))))
    return dict(status.get("nodes") or {})
