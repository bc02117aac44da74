# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""The run service."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import shutil
import uuid
from typing import Any

import sqlalchemy as sa

from kfops.errors import InvalidInput, KfopsError

from ..artifacts import ArtifactStore
from ..problems import Conflict, Invalid, Missing
from ..settings import HEADER, asked_for, stamp
from ..store import NewRun
from ..store.progress import FINAL_PHASES
from ..store.schema import now
from . import wire
from .base import Handler, items, listed_by, text
from .macros import Macros
from .pipeline_spec import check_workflow, read_spec
from .submission import expand_macros, prepare, set_parameters

log = logging.getLogger("kfops.local")

#: How long deleting a run waits for its steps to end.
STOP_TIME = 15.0
_METRIC_FORMATS = ("", "RAW", "PERCENTAGE")
_METRIC_NAME = re.compile(r"[a-zA-Z]([-_a-zA-Z0-9]{0,62}[a-zA-Z0-9])?")
#: The name under which Argo, configured by Kubeflow Pipelines, stores the log of a step, as it is.
_LOG = "main-logs"
#: A time of a status; within a text of somebody's, the quotes would be escaped.
_FINE_TIME = re.compile(r'("(?:startedAt|finishedAt)":"[-0-9T:]{19})\.[0-9]+Z"')


class Runs(Handler):
    """/apis/v1beta1/runs."""

    def get(self) -> None:
        query = self.query
        rows, submitted, total, token = self.backend.store.runs.page(query, listed_by(query))
        metrics = self.backend.store.runs.metrics([row.id for row in rows])
        self.reply(
            wire.present(
                runs=[wire.run(row, submitted[row.id], metrics.get(row.id, [])) for row in rows],
                total_size=total,
                next_page_token=token,
            )
        )

    async def post(self) -> None:
        body = self.body()
        name = text(body, "name")
        if not name:
            raise Invalid("The run name is empty. Please specify a valid name.")
        spec = await read_spec(self.backend.store, body)
        workflow, run_id, created_at = spec.workflow, str(uuid.uuid4()), now()
        submitted = json.dumps(workflow, separators=(",", ":"))
        if text(body, "service_account"):
            workflow["spec"]["serviceAccountName"] = text(body, "service_account")
        set_parameters(workflow, spec.parameters)
        expand_macros(workflow, Macros(run_id, created_at // 1_000_000))
        executed = prepare(workflow, run_id=run_id, run_name=name, created_at=created_at)
        settings = asked_for(self.request.headers.get(HEADER), self.backend.data_dir)
        await self.backend.engine.check(settings)
        stamp(executed, settings)
        self.backend.engine.check_needs(check_workflow(executed), settings)
        executed_text = json.dumps(executed, separators=(",", ":"))
        row = self.backend.store.runs.create(
            NewRun(
                id=run_id,
                name=name,
                description=text(body, "description"),
                submitted=submitted,
                workflow=executed_text,
                service_account=executed["spec"]["serviceAccountName"],
                created_at=created_at,
                parameters=spec.parameters,
                **spec.owners,
            )
        )
        self.backend.engine.submit(run_id, executed)
        await self.backend.engine.let_begin()
        self.reply(detail(row, executed_text, []))


class Run(Handler):
    """/apis/v1beta1/runs/{id}."""

    def get(self, run_id: str) -> None:
        store = self.backend.store.runs
        row, workflow = store.get(run_id), store.workflow_text(run_id)
        if HEADER not in self.request.headers:  # whoever it is, it was written for the times that Argo tells
            workflow = in_whole_seconds(workflow)
        self.reply(detail(row, workflow, store.metrics([run_id]).get(run_id, [])))

    async def delete(self, run_id: str) -> None:
        store = self.backend.store.runs
        if store.get(run_id).status not in FINAL_PHASES:
            if store.get(run_id).status != "Terminating":
                store.terminate(run_id)
            self.backend.engine.terminate(run_id)
            end = asyncio.get_running_loop().time() + STOP_TIME
            while store.get(run_id).status not in FINAL_PHASES and asyncio.get_running_loop().time() < end:
                await asyncio.sleep(0.05)
        store.delete(run_id)
        folder = self.backend.data_dir / "runs" / run_id
        await asyncio.get_running_loop().run_in_executor(None, lambda: shutil.rmtree(folder, ignore_errors=True))
        self.reply({})


class RunVerb(Handler):
    """/apis/v1beta1/runs/{id}:archive, :unarchive and :reportMetrics; …/terminate and …/retry."""

    async def post(self, run_id: str, verb: str) -> None:
        store, engine = self.backend.store.runs, self.backend.engine
        if verb in ("archive", "unarchive"):
            store.set_archived(run_id, verb == "archive")
        elif verb == "terminate":
            store.terminate(run_id)
            engine.terminate(run_id)
        elif verb == "retry":
            store.allow_retry(run_id)
            await self._retry(run_id)
        elif verb == "reportMetrics":
            self.reply(wire.present(results=self._report(run_id)))
            return
        else:
            raise Missing("Path", self.request.path)
        self.reply({})

    async def _retry(self, run_id: str) -> None:
        """Hand a run to the engine again, which may be a moment from letting go of it after it has failed."""
        for _ in range(50):
            try:
                return self.backend.engine.retry(run_id)
            except InvalidInput:
                await asyncio.sleep(0.02)
        raise Conflict("Retry run failed. The run is still ending; try again.")

    def _report(self, run_id: str) -> list[dict[str, Any]]:
        store = self.backend.store.runs
        store.get(run_id)
        metrics = items(self.body(), "metrics")
        formats = [_metric_format(metric.get("format")) for metric in metrics]
        return [self._report_one(run_id, metric, form) for metric, form in zip(metrics, formats)]

    def _report_one(self, run_id: str, metric: dict[str, Any], form: str) -> dict[str, Any]:
        name, node_id, value = text(metric, "name"), text(metric, "node_id"), _number(metric.get("number_value"))
        status, problem = "INVALID_ARGUMENT", ""
        if not _METRIC_NAME.fullmatch(name):
            problem = f"metric.name {name!r} doesn't match with the pattern."
        elif not 1 <= len(node_id) <= 128:
            problem = "metric.node_id should have 1 to 128 characters."
        elif value is None:
            problem = f"metric.value of {name!r} must be a number."
        elif self.backend.store.runs.report_metric(run_id, node_id, name, value, form):
            status = "OK"
        else:
            status, problem = "DUPLICATE_REPORTING", f"{name} has been reported by {node_id} before."
        return wire.present(metric_name=name, metric_node_id=node_id, status=status, message=problem)


class RunArtifact(Handler):
    """/apis/v1beta1/runs/{id}/nodes/{node}/artifacts/{name}:read."""

    async def get(self, run_id: str, node_id: str, name: str) -> None:
        self.backend.store.runs.get(run_id)
        node = self.backend.store.progress.node(run_id, node_id)
        if node is not None and name == _LOG:
            content = await asyncio.get_running_loop().run_in_executor(None, self._read_log, run_id, node_id)
        else:
            content = await self._stored(node or {}, name)
        if content is None:
            raise Missing("Artifact", f"{run_id}/{node_id}/{name}")
        self.reply(wire.present(data=base64.b64encode(content).decode()))

    async def _stored(self, node: dict[str, Any], name: str) -> bytes | None:
        artifacts = (node.get("outputs") or {}).get("artifacts") or []
        key = next((found["s3"]["key"] for found in artifacts if found.get("name") == name and found.get("s3")), None)
        return await asyncio.get_running_loop().run_in_executor(None, self._read, key) if key else None

    def _read_log(self, run_id: str, node_id: str) -> bytes | None:
        try:
            return (self.backend.data_dir / "runs" / run_id / node_id / "main.log").read_bytes()
        except FileNotFoundError:
            return None

    def _read(self, key: str) -> bytes | None:
        try:
            return ArtifactStore(self.backend.data_dir / "artifacts").read(key)
        except KfopsError:
            return None


def detail(row: sa.Row[Any], workflow: str, metrics: list[sa.Row[Any]]) -> dict[str, Any]:
    """Return an ApiRunDetail; ``workflow`` is the Workflow with its status, as JSON."""
    return {
        "run": wire.run(row, row.submitted, metrics),
        "pipeline_runtime": {"workflow_manifest": workflow},
    }


def in_whole_seconds(workflow: str) -> str:
    """Return a Workflow, as JSON, with the times of its status as Argo writes them.

    Examples
    --------
    >>> in_whole_seconds('{"startedAt":"2026-01-02T03:04:05.678Z","finishedAt":null}')
    '{"startedAt":"2026-01-02T03:04:05Z","finishedAt":null}'
    """
    return _FINE_TIME.sub(r'\1Z"', workflow)


def _metric_format(value: Any) -> str:
    """Return how a metric is to be shown, given by name or by number; "" when it is not said; raises Invalid."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(_METRIC_FORMATS):
        return _METRIC_FORMATS[value]
    if value in (None, "", "UNSPECIFIED"):
        return ""
    if value not in _METRIC_FORMATS:
        raise Invalid(f"The format {value!r} of a metric is not one of UNSPECIFIED, RAW, PERCENTAGE.")
    return str(value)


def _number(value: Any) -> float | None:
    """Return a finite number, which may be sent as text, 0 when it is absent; None when it is no number."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e308 else None
