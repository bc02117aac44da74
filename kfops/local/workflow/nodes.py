"""Status nodes: the dictionaries that Argo keeps in ``status.nodes``, one for each thing that is run or grouped."""

from __future__ import annotations

import datetime
import functools
from typing import Any, Dict, Optional

Node = Dict[str, Any]
Nodes = Dict[str, Node]

#: Phases in which a node does not change any more.
FULFILLED = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})
BROKEN = frozenset({"Failed", "Error"})


def node_id(workflow_name: str, node_name: str) -> str:
    """Return Argo's id of a node: the workflow's name for the root, else that and the FNV-1a hash of the node's name.

    Examples
    --------
    >>> node_id("wf", "wf"), node_id("wf", "wf.a")
    ('wf', 'wf-2962115457')
    """
    if node_name == workflow_name:
        return workflow_name
    digest = 0x811C9DC5
    for byte in node_name.encode():
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    return f"{workflow_name}-{digest}"


def timestamp(seconds: float) -> str:
    """Return seconds since 1970 as RFC 3339 in UTC, with milliseconds: steps here take few of them."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def to_the_second(stamp: Optional[str]) -> str:
    """Return a time of a node without the fraction, which Argo does not write; "" for an absent one."""
    return f"{stamp[:19]}Z" if stamp else ""


@functools.lru_cache(maxsize=256)
def seconds_of(stamp: Optional[str]) -> float:
    """Return the inverse of :func:`timestamp`; 0 for an absent one."""
    if not stamp:
        return 0.0
    form = "%Y-%m-%dT%H:%M:%S.%f%z" if "." in stamp else "%Y-%m-%dT%H:%M:%S%z"
    return datetime.datetime.strptime(stamp.replace("Z", "+0000"), form).timestamp()


def fulfilled(node: Optional[Node]) -> bool:
    """Tell whether a node exists and has come to its end."""
    return node is not None and node["phase"] in FULFILLED


def finish(node: Node, phase: str, now: float, message: str = "") -> None:
    """Bring a node to its end."""
    node["phase"] = phase
    node["finishedAt"] = timestamp(now)
    if message:
        node["message"] = message


def progress(nodes: Nodes) -> str:
    """Return ``<steps done>/<steps known>``."""
    pods = [node for node in nodes.values() if node["type"] == "Pod"]
    return f"{sum(1 for node in pods if node['phase'] in FULFILLED)}/{len(pods)}"
