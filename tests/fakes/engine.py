"""An engine with records in memory: a workflow goes in, its status and its logs come out."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, AsyncIterator, Callable

from kfops.local.engine import Engine, check

FINAL = {"Succeeded", "Failed", "Error"}


@dataclass
class MemoryRecords:
    """Run records that survive an engine, as the store's do, and nothing else."""

    workflows: dict[str, Any] = field(default_factory=dict)
    statuses: dict[str, Any] = field(default_factory=dict)
    metrics: list[tuple[str, str, Any]] = field(default_factory=list)
    cache: dict[str, tuple[float, Any]] = field(default_factory=dict)
    stopping: set[str] = field(default_factory=set)

    def unfinished(self) -> list[str]:
        return [run for run in self.workflows if self.statuses.get(run, {}).get("phase") not in FINAL]

    def workflow(self, run_id: str) -> dict[str, Any]:
        status = {"status": copy.deepcopy(self.statuses[run_id])} if run_id in self.statuses else {}
        return {**copy.deepcopy(self.workflows[run_id]), **status}

    def save_status(self, run_id: str, status: dict[str, Any]) -> None:
        self.statuses[run_id] = json.loads(json.dumps(status))

    def save_metrics(self, run_id: str, node_id: str, metrics: list[dict[str, Any]]) -> None:
        self.metrics.append((run_id, node_id, metrics))

    def terminating(self, run_id: str) -> bool:
        return run_id in self.stopping

    def cached(self, key: str, max_age: float | None) -> dict[str, Any] | None:
        when, outputs = self.cache.get(key, (0.0, None))
        return None if max_age is not None and time.time() - when > max_age else copy.deepcopy(outputs)

    def remember(self, key: str, run_id: str, node_id: str, outputs: dict[str, Any]) -> None:
        self.cache[key] = (time.time(), json.loads(json.dumps(outputs)))


@dataclass
class Runs:
    """Runs of one engine."""

    engine: Engine
    records: MemoryRecords
    folder: Path

    def submit(self, workflow: dict[str, Any], run_id: str = "run-1", name: str = "wf") -> str:
        check(workflow)
        self.records.workflows[run_id] = {**workflow, "metadata": {**workflow.get("metadata", {}), "name": name}}
        self.engine.submit(run_id)
        return run_id

    async def run(self, workflow: dict[str, Any], run_id: str = "run-1", name: str = "wf") -> Ended:
        return await self.ended(self.submit(workflow, run_id, name))

    async def ended(self, run_id: str, timeout: float = 120.0) -> Ended:
        await self.until(lambda: self.records.statuses.get(run_id, {}).get("phase") in FINAL, timeout)
        return Ended(self.records.statuses[run_id], self.folder / "runs" / run_id)

    async def until(self, condition: Callable[[], Any], timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout} s: {self.records.statuses}"
            await asyncio.sleep(0.01)

    def log(self, run_id: str, node: str) -> str:
        return Ended(self.records.statuses[run_id], self.folder / "runs" / run_id).log(node)


@dataclass
class Ended:
    """A run's status, its nodes by their names without the workflow's."""

    status: dict[str, Any]
    folder: Path

    @property
    def phase(self) -> str:
        return str(self.status["phase"])

    @property
    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["name"].partition(".")[2]: node for node in self.status["nodes"].values()}

    def log(self, node: str) -> str:
        path = self.folder / self.nodes[node]["id"] / "main.log"
        return path.read_text() if path.exists() else ""

    def output(self, node: str, name: str) -> str:
        return next(p["value"] for p in self.nodes[node]["outputs"]["parameters"] if p["name"] == name)


@contextlib.asynccontextmanager
async def engine_in(folder: Path, records: MemoryRecords | None = None, **options: Any) -> AsyncIterator[Runs]:
    kept = records if records is not None else MemoryRecords()
    engine = Engine(kept, folder, **options)
    await engine.start()
    try:
        yield Runs(engine, kept, folder)
    finally:
        await engine.close()


def executed(workflow: dict[str, Any], folder: Path, **options: Any) -> Ended:
    """Run a workflow to its end with an engine of its own."""

    async def run() -> Ended:
        async with engine_in(folder, **options) as runs:
            return await runs.run(workflow)

    return asyncio.run(run())


def shell(name: str, script: str, **template: Any) -> dict[str, Any]:
    """Return a container template that runs a shell text."""
    return {"name": name, "container": {"image": "busybox", "command": ["sh", "-c", script]}, **template}


def dag(name: str, *tasks: dict[str, Any], **template: Any) -> dict[str, Any]:
    """Return a DAG template."""
    return {"name": name, "dag": {"tasks": list(tasks)}, **template}


def task(name: str, template: str = "", after: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    """Return a task of a DAG; keyword arguments that Argo does not know are its parameters' values."""
    known = {"when", "withItems", "withParam", "arguments"}
    made: dict[str, Any] = {"name": name, "template": template or name}
    if after:
        made["dependencies"] = list(after)
    values = {key: value for key, value in fields.items() if key not in known}
    if values:
        made["arguments"] = {"parameters": [{"name": key, "value": value} for key, value in values.items()]}
    made.update({key: value for key, value in fields.items() if key in known})
    return made


def workflow(*templates: dict[str, Any], entrypoint: str = "main", **spec: Any) -> dict[str, Any]:
    """Return a Workflow; ``parameters`` are its arguments."""
    parameters = spec.pop("parameters", {})
    arguments = {"parameters": [{"name": key, "value": value} for key, value in parameters.items()]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "wf-"},
        "spec": {"entrypoint": entrypoint, "templates": list(templates), "arguments": arguments, **spec},
    }
