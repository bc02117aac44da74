"""The engine's side of runs: what is to be executed, how far it is, and what may be taken from the step cache.

A run's status is written node by node: only the nodes that changed since they were last written go into the file.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from ..problems import Missing
from .changes import RunChange
from .filters import parse_time
from .schema import Database, metrics, nodes, now, runs, step_cache, workflows

FINAL_PHASES = frozenset({"Succeeded", "Failed", "Error", "Skipped"})
TERMINATING = "Terminating"


class Progress:
    """Implements the engine's ``RunRecords``; every method is one short transaction, durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: What stands in the file of runs that are executed: the text of every node, to write only what changed.
        self._written: dict[str, dict[str, str]] = {}
        #: What of those nodes tells whether they have changed: their phase, start, and number of children.
        self._forms: dict[str, dict[str, tuple[Any, ...]]] = {}

    def unfinished(self) -> list[str]:
        """Return the ids of the runs that have not ended, the oldest first."""
        query = sa.select(runs.c.id).where(runs.c.status.not_in(FINAL_PHASES)).order_by(runs.c.created_at)
        with self._database.begin() as connection:
            return list(connection.scalars(query))

    def workflow(self, run_id: str) -> dict[str, Any]:
        """Return the run's Workflow, with its last saved ``status`` when there is one; raises Missing."""
        return json.loads(self.workflow_text(run_id))  # type: ignore[no-any-return]

    def workflow_text(self, run_id: str) -> str:
        """Return what ``workflow`` does as JSON, put together from stored texts: whoever watches a run asks often."""
        with self._database.begin() as connection:
            row = connection.execute(
                sa.select(workflows.c.workflow, workflows.c.status).where(workflows.c.run_id == run_id)
            ).first()
            if row is None:
                raise Missing("Run", run_id)
            if not row.status:
                return str(row.workflow)
            saved = connection.execute(sa.select(nodes.c.node_id, nodes.c.node).where(nodes.c.run_id == run_id))
            texts = ",".join(f"{json.dumps(node_id)}:{node}" for node_id, node in saved)
        # Both are objects; the workflow's is never empty, the status's may be.
        head = "".join((row.status[:-1], "," if row.status != "{}" else "", '"nodes":{', texts, "}}"))
        return f'{row.workflow[:-1]},"status":{head}}}'

    def node(self, run_id: str, node_id: str) -> dict[str, Any] | None:
        """Return one node of the run's status, None when there is none."""
        query = sa.select(nodes.c.node).where(nodes.c.run_id == run_id, nodes.c.node_id == node_id)
        with self._database.begin() as connection:
            found = connection.scalar(query)
        return json.loads(found) if found else None

    def save_status(self, run_id: str, status: dict[str, Any]) -> None:
        """Record the run's status; of a run that has been deleted meanwhile, nothing."""
        phase = status.get("phase", "")
        final = phase in FINAL_PHASES
        head = json.dumps({key: value for key, value in status.items() if key != "nodes"}, separators=(",", ":"))
        written, before = self._written.get(run_id, {}), self._forms.get(run_id, {})
        forms = {node_id: _form(node) for node_id, node in status.get("nodes", {}).items()}
        texts: dict[str, str] = {}
        for node_id, node in status.get("nodes", {}).items():
            same = before.get(node_id) == forms[node_id]
            texts[node_id] = written[node_id] if same else json.dumps(node, separators=(",", ":"))
        changed = [
            {"run_id": run_id, "node_id": node_id, "node": text}
            for node_id, text in texts.items()
            if written.get(node_id) != text
        ]
        with self._database.begin() as connection:
            state = connection.execute(sa.select(runs.c.terminating).where(runs.c.id == run_id)).first()
            if state is None:
                self._forget(run_id)
                return
            shown = TERMINATING if state.terminating and not final else phase
            finished_at = _microseconds(status.get("finishedAt")) if final else 0
            # Most changes are of steps alone; a run's row is in many indexes, which would be written again.
            changes_run = sa.or_(runs.c.status != shown, runs.c.finished_at != finished_at)
            connection.execute(
                runs.update().where(runs.c.id == run_id, changes_run).values(status=shown, finished_at=finished_at)
            )
            connection.execute(workflows.update().where(workflows.c.run_id == run_id).values(status=head))
            if changed:
                insert = upsert(nodes)
                connection.execute(
                    insert.on_conflict_do_update(set_={"node": insert.excluded.node}),
                    changed,
                )
            gone = set(written) - set(texts) if written else set(self._node_ids(connection, run_id)) - set(texts)
            if gone:
                connection.execute(nodes.delete().where(nodes.c.run_id == run_id, nodes.c.node_id.in_(gone)))
            news = RunChange(head, {row["node_id"]: row["node"] for row in changed}, gone)
            self._database.changes.note(run_id, news)
        if final:
            self._forget(run_id)
        else:
            self._written[run_id], self._forms[run_id] = texts, forms

    def _forget(self, run_id: str) -> None:
        self._written.pop(run_id, None)
        self._forms.pop(run_id, None)

    def save_metrics(self, run_id: str, node_id: str, found: list[dict[str, Any]]) -> None:
        """Record a step's metrics, each ``{"name", "numberValue", "format"}``; what is there already stays."""
        rows = [
            {
                "run_id": run_id,
                "node_id": node_id,
                "name": metric["name"],
                "value": float(metric.get("numberValue", 0)),
                "format": metric.get("format", ""),
            }
            for metric in found
        ]
        with self._database.begin() as connection:
            if rows and connection.scalar(sa.select(runs.c.id).where(runs.c.id == run_id)) is not None:
                connection.execute(upsert(metrics).on_conflict_do_nothing(), rows)
                self._database.changes.note(run_id)

    def terminating(self, run_id: str) -> bool:
        """Return whether the run has been asked to stop."""
        with self._database.begin() as connection:
            return bool(connection.scalar(sa.select(runs.c.terminating).where(runs.c.id == run_id)))

    def cached(self, key: str, max_age: float | None) -> dict[str, Any] | None:
        """Return the outputs remembered under ``key``, unless they are older than ``max_age`` seconds."""
        query = sa.select(step_cache.c.outputs).where(step_cache.c.key == key)
        if max_age is not None:
            query = query.where(step_cache.c.created_at >= now() - int(max_age * 1_000_000))
        with self._database.begin() as connection:
            return connection.scalar(query)

    def remember(self, key: str, run_id: str, node_id: str, outputs: dict[str, Any]) -> None:
        """Remember a step's outputs under ``key``, in place of older ones."""
        values = {"run_id": run_id, "node_id": node_id, "created_at": now(), "outputs": outputs}
        with self._database.begin() as connection:
            connection.execute(upsert(step_cache).values(key=key, **values).on_conflict_do_update(set_=values))

    @staticmethod
    def _node_ids(connection: sa.Connection, run_id: str) -> list[str]:
        return list(connection.scalars(sa.select(nodes.c.node_id).where(nodes.c.run_id == run_id)))


def _form(node: dict[str, Any]) -> tuple[Any, ...]:
    return node.get("phase"), node.get("startedAt"), len(node.get("children") or ())


def _microseconds(text: str | None) -> int:
    return parse_time(text) * 1_000_000 if text else now()
