"""Lists of runs: a page at a time, narrowed down and sorted by the backend as far as it can."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from kfops.connection import Connection, connect
from kfops.errors import InvalidInput
from kfops.experiments import in_namespace
from kfops.run_state import run_of
from kfops.starting import RUNS
from kfops.types import Run

__all__ = ["RunQuery", "list_runs"]

_EQUALS, _NOT_EQUALS, _IN, _IS_SUBSTRING = 1, 2, 8, 9
_ARCHIVED = "STORAGESTATE_ARCHIVED"
#: What Argo calls our states; a stopped run is a failed one to it.
_PHASES = {
    "pending": ["", "Pending"],
    "running": ["Running", "Terminating"],
    "succeeded": ["Succeeded"],
    "failed": ["Failed", "Error"],
}
SORTS = ("created_at", "name", "status", "scheduled_at")
#: What a run can belong to, as the backend calls it; what leaves the fewest runs comes first.
_REFERENCES = {"recurring_run_id": "JOB", "version_id": "PIPELINE_VERSION", "experiment_id": "EXPERIMENT"}
#: Pages that are looked through for one answer, where the backend cannot narrow the list down itself.
_MOST_PAGES, _LARGE_PAGE = 10, 200


@dataclass(frozen=True)
class RunQuery:
    """Which runs, in which order.

    Parameters
    ----------
    state
        ``pending``, ``running``, ``succeeded`` or ``failed`` (stopped ones too); "" for all.
    pipeline_id, version_id, experiment_id, recurring_run_id
        Of which pipeline, of which version, in which experiment, started by which recurring run; "" for any.
    text
        What stands in the run's name; "" for any.
    archived
        Only what was archived, rather than only what was not.
    sort_by
        ``created_at``, ``name``, ``status`` or ``scheduled_at``, or ``metric:<name>``, then perhaps `` desc``.
    """

    state: str = ""
    pipeline_id: str = ""
    version_id: str = ""
    experiment_id: str = ""
    recurring_run_id: str = ""
    text: str = ""
    archived: bool = False
    sort_by: str = "created_at desc"

    def to_query(self, connection: Connection) -> Dict[str, Any]:
        """Return the query of the backend's list.

        Raises
        ------
        InvalidInput
            There is no such state, or no such order.
        """
        predicates: List[Dict[str, Any]] = [
            {"key": "storage_state", "op": _EQUALS if self.archived else _NOT_EQUALS, "string_value": _ARCHIVED}
        ]
        if self.text:
            predicates.append({"key": "name", "op": _IS_SUBSTRING, "string_value": self.text})
        if self.state:
            if self.state not in _PHASES:
                raise InvalidInput(f"Runs cannot be listed by {self.state!r}.", remedy=f"Use {', '.join(_PHASES)}.")
            values = {"values": _PHASES[self.state]}
            predicates.append({"key": "status", "op": _IN, "string_values": values})
        field, _, direction = self.sort_by.partition(" ")
        if (field not in SORTS and not field.startswith("metric:")) or direction not in ("", "asc", "desc"):
            raise InvalidInput(f"Runs cannot be sorted by {self.sort_by!r}.", remedy=f"Use one of {', '.join(SORTS)}.")
        query = {"sort_by": self.sort_by, "filter": json.dumps({"predicates": predicates})}
        name = self._reference(connection)
        if name:
            key = "resource_reference_key"
            return {**query, f"{key}.type": _REFERENCES[name], f"{key}.id": getattr(self, name)}
        return {**query, **in_namespace(connection)}

    def left_to_us(self, connection: Connection) -> Dict[str, str]:
        """Return the fields of a run, and their values, by which the backend cannot choose beside the rest."""
        names = {"pipeline_id", *_REFERENCES} - {self._reference(connection)}
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def _reference(self, connection: Connection) -> str:
        """Return the field by which the backend chooses: one alone, and an experiment where users are kept apart."""
        possible = ["experiment_id"] if connection.multi_user else list(_REFERENCES)
        return next((name for name in possible if getattr(self, name)), "")


def list_runs(
    connection: Optional[Connection] = None,
    *,
    query: Optional[RunQuery] = None,
    page_size: int = 50,
    page_token: str = "",
) -> Tuple[List[Run], str]:
    """Return runs without their graphs, and the token of the next page ("" after the last).

    A list of Kubeflow Pipelines does not say why a run failed, whether it was stopped, or where its model is: these
    stand in the list for runs that this connection has seen ended.

    Parameters
    ----------
    query
        Which runs; all that are not archived, the newest first, unless given. Of one pipeline a page may have more or
        fewer runs than ``page_size``: the backend cannot choose by pipeline, so its pages are looked through. So it is
        when several things are named to which a run belongs.

    Raises
    ------
    InvalidInput
        There is no such state, or no such order.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    query = query or RunQuery()
    asked = query.to_query(connection)
    wanted = query.left_to_us(connection)
    size = _LARGE_PAGE if wanted else page_size
    found: List[Run] = []
    for _ in range(_MOST_PAGES):
        page = connection.get_json(RUNS, {**asked, "page_size": size, "page_token": page_token}, what="list runs")
        runs = [_as_seen(run_of(wire), connection) for wire in page.get("runs") or []]
        found += [run for run in runs if all(getattr(run, name) == value for name, value in wanted.items())]
        page_token = page.get("next_page_token") or ""
        if not page_token or len(found) >= page_size or not wanted:
            break
    return found, page_token


def _as_seen(listed: Run, connection: Connection) -> Run:
    seen = connection.remembered(listed.id)
    # A run that was retried has another end.
    return seen if seen is not None and listed.finished and seen.finished_at == listed.finished_at else listed
