"""Experiments: the groups that runs are kept in."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

from kfops.connection import Connection, connect
from kfops.errors import BackendError
from kfops.types import Experiment

_PATH = "/apis/v1beta1/experiments"

#: The experiment that Kubeflow Pipelines makes for runs that name none.
DEFAULT = "Default"


def list_experiments(connection: Optional[Connection] = None) -> List[Experiment]:
    """Return all experiments that are not archived, the newest first.

    Raises
    ------
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    query = {"page_size": 200, "sort_by": "created_at desc", **in_namespace(connection)}
    found: List[Experiment] = []
    while True:
        page = connection.get_json(_PATH, query, what="list experiments")
        found.extend(_experiment(wire) for wire in page.get("experiments") or [] if not _archived(wire))
        query["page_token"] = page.get("next_page_token") or ""
        if not query["page_token"]:
            return found


def get_or_create(name: str, connection: Optional[Connection] = None) -> Experiment:
    """Return the experiment of that name, made if there is none.

    Raises
    ------
    InvalidInput
        The name cannot be one.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    from kfops.names import check_name

    connection = connection or connect()
    check_name(name, "experiment")
    found = _find(name, connection)
    if found is not None:
        return found
    body: Dict[str, Any] = {"name": name}
    if connection.required_namespace():
        key = {"type": "NAMESPACE", "id": connection.required_namespace()}
        body["resource_references"] = [{"key": key, "relationship": "OWNER"}]
    try:
        return _experiment(connection.post_json(_PATH, body, what=f"make the experiment {name!r}"))
    except BackendError:
        # Somebody else may have made it since we looked.
        found = _find(name, connection)
        if found is None:
            raise
        return found


def in_namespace(connection: Connection) -> Dict[str, str]:
    """Return the part of a query that keeps to our namespace; empty in single-user mode."""
    namespace = connection.required_namespace()
    if not namespace:
        return {}
    return {"resource_reference_key.type": "NAMESPACE", "resource_reference_key.id": namespace}


def equals(key: str, value: str) -> str:
    """Return the filter that keeps what has ``value`` as its ``key``."""
    return json.dumps({"predicates": [{"op": 1, "key": key, "string_value": value}]})


def _find(name: str, connection: Connection) -> Optional[Experiment]:
    query = {"filter": equals("name", name), "page_size": 2, **in_namespace(connection)}
    found = connection.get_json(_PATH, query, what=f"look for the experiment {name!r}").get("experiments") or []
    return _experiment(found[0]) if found else None


def _archived(wire: Mapping[str, Any]) -> bool:
    return "ARCHIVED" in str(wire.get("storage_state") or "")


def _experiment(wire: Mapping[str, Any]) -> Experiment:
    return Experiment(
        id=wire.get("id", ""),
        name=wire.get("name", ""),
        description=wire.get("description", ""),
        created_at=wire.get("created_at", ""),
    )
