"""The status with which a failed run is tried again: what succeeded is kept, what failed never happened."""

from __future__ import annotations

import copy
from typing import Any, Dict, Mapping

from ..workflow.nodes import BROKEN

_GROUPS = ("DAG", "TaskGroup")


def for_retry(status: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the status to go on from, as the server of Kubeflow Pipelines makes it for a retry.

    Succeeded and skipped nodes stay, groups that failed run again, failed and omitted steps and everything of the exit
    handler are forgotten.
    """
    kept: Dict[str, Any] = {}
    nodes = status.get("nodes") or {}
    handlers = {node["id"] for node in nodes.values() if ".onExit" in node["name"]}
    for node_id, node in nodes.items():
        if node_id in handlers:
            continue
        if node["phase"] in ("Succeeded", "Skipped"):
            kept[node_id] = copy.deepcopy(node)
        elif node["phase"] in BROKEN and node["type"] in _GROUPS:
            again = copy.deepcopy(node)
            again.update(phase="Running", finishedAt=None)
            again.pop("message", None)
            again.pop("outboundNodes", None)
            kept[node_id] = again
    for node in kept.values():
        if "children" in node:
            node["children"] = [child for child in node["children"] if child in kept]
    return {"phase": "Running", "startedAt": status.get("startedAt"), "finishedAt": None, "message": "", "nodes": kept}
