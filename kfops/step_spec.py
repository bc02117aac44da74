"""How a step is to be executed: what its template asks for, and where its outputs came from if they were reused."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import quote

from kfops import argo, nodes
from kfops.connection import Connection, connect
from kfops.errors import NotFound
from kfops.graph import graph_of
from kfops.pipelines import read_version
from kfops.run_state import manifest_of
from kfops.starting import RUNS
from kfops.types import StepSpec
from kfops.version_state import workflow_in

__all__ = ["spec_of", "step_spec", "version_step_spec"]

_LABEL = "pipelines.kubeflow.org/enable_caching"
_LAUNCHER = "/kfp-launcher/launch"
_STALENESS = "pipelines.kubeflow.org/max_cache_staleness"
#: Where the embedded backend keeps the settings that a run was accepted with.
_SETTINGS = "kfops/local-settings"
#: Limits that its executor "container" gives to the engine; its other executors give none.
_LIMITED = frozenset({"cpu", "memory"})
_DEFINES = re.compile(r"^(?:from|import|def|class|@\w+)\b", re.M)
#: The one retry policy that is meant when none is named.
_POLICY = "OnFailure"


def step_spec(run_id: str, step_id: str, connection: Optional[Connection] = None) -> StepSpec:
    """Return how a step of a run is executed.

    Raises
    ------
    NotFound
        There is no such run or step.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    workflow = manifest_of(_detail(run_id, connection))
    found = spec_of(workflow, step_id, embedded=connection.kind == "embedded")
    if not found.cached_from:
        return found
    try:
        name = (_detail(found.cached_from, connection).get("run") or {}).get("name") or ""
    except NotFound:
        name = ""  # it has been deleted; its outputs are kept
    return replace(found, cached_from_name=str(name))


def version_step_spec(version_id: str, step_id: str, connection: Optional[Connection] = None) -> StepSpec:
    """Return how a step of a pipeline version is to be executed.

    Raises
    ------
    NotFound
        There is no such version or step.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    _, text = read_version(version_id, connection)
    return spec_of(workflow_in(text), step_id, embedded=connection.kind == "embedded")


def spec_of(workflow: Mapping[str, Any], step_id: str, *, embedded: bool = False) -> StepSpec:
    """Return how a step of an Argo workflow, with or without a status, is executed.

    Parameters
    ----------
    embedded
        Whether the embedded backend executes it, which follows less than a cluster does.

    Raises
    ------
    NotFound
        It has no such step.
    """
    step = next((step for step in graph_of(workflow).steps if step.id == step_id), None)
    if step is None:
        raise NotFound(f"There is no step {step_id!r}.", remedy="Show the run or the version again.", status=404)
    templates = (workflow.get("spec") or {}).get("templates") or []
    template: Dict[str, Any] = next((one for one in templates if one.get("name") == step.template), {})
    container = template.get("container") or {}
    resources = container.get("resources") or {}
    metadata = template.get("metadata") or {}
    command, args = _texts(container.get("command")), _texts(container.get("args"))
    by_launcher = command[:1] == [_LAUNCHER]  # which remembers outputs of any age
    node = argo.status_nodes(workflow.get("status") or {}).get(step_id) or {}
    asked = StepSpec(
        id=step_id,
        template=step.template,
        image=step.image,
        command=command,
        args=args,
        source=_program([*command, *args]),
        requests=_pairs(resources.get("requests")),
        limits=_pairs(resources.get("limits")),
        node_selector=_pairs(template.get("nodeSelector")),
        timeout=_seconds(template.get("activeDeadlineSeconds")),
        caching=str((metadata.get("labels") or {}).get(_LABEL, "")).lower() == "true",
        max_staleness="" if by_launcher else str((metadata.get("annotations") or {}).get(_STALENESS) or ""),
        **_retries(template),
    )
    if step.state == "cached":
        run_id, name = nodes.cache_origin(node)
        asked = replace(asked, cached_from=run_id, cached_from_name=name)
    return replace(asked, ignored=_ignored(asked, workflow) if embedded else [])


def _detail(run_id: str, connection: Connection) -> Dict[str, Any]:
    return connection.get_json(f"{RUNS}/{quote(run_id, safe='')}", what=f"read the run {run_id}")


def _program(words: List[str]) -> str:
    """Return the longest of the words that is a Python program of several lines, "" where none is."""
    for word in sorted((word for word in words if _DEFINES.search(word)), key=len, reverse=True):
        try:
            ast.parse(word)
        except (SyntaxError, ValueError):
            # One written for a newer Python than ours can still be told from a script of a shell.
            if not _DEFINES.match(word.lstrip()):
                continue
        return word
    return ""


def _retries(template: Mapping[str, Any]) -> Dict[str, Any]:
    strategy = template.get("retryStrategy")
    if not isinstance(strategy, dict):
        return {}
    backoff = strategy.get("backoff") or {}
    limit = strategy.get("limit")
    return {
        "retry_limit": -1 if limit is None else _seconds(limit),
        "retry_policy": str(strategy.get("retryPolicy") or _POLICY),
        "retry_backoff": [str(backoff.get(name, "")) for name in ("duration", "factor", "maxDuration")]
        if backoff
        else [],
    }


def _ignored(asked: StepSpec, workflow: Mapping[str, Any]) -> List[str]:
    """Return what the embedded backend does not follow of what is asked for."""
    text = ((workflow.get("metadata") or {}).get("annotations") or {}).get(_SETTINGS) or "{}"
    try:
        limited = _LIMITED if json.loads(text).get("executor") == "container" else frozenset()
    except (ValueError, AttributeError):
        limited = frozenset()
    found = [name for name in ("requests", "node_selector") if getattr(asked, name)]
    return found + [f"limits.{name}" for name in asked.limits if name not in limited]


def _seconds(value: Any) -> int:
    """Return a whole number that may stand in a workflow as a text; 0 where it is not known before the run."""
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


def _pairs(value: Any) -> Dict[str, str]:
    return {str(name): str(amount) for name, amount in value.items()} if isinstance(value, dict) else {}


def _texts(value: Any) -> List[str]:
    return [str(word) for word in value] if isinstance(value, list) else []
