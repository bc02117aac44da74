"""The loop of one run: plan, execute, record, until there is nothing left to do."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ..room import with_room
from ..settings import of_workflow
from ..workflow.advice import not_followed
from ..workflow.nodes import FULFILLED, Node, Nodes, finish, progress, timestamp
from ..workflow.plan import Plan, Planner, Start
from ..workflow.spec import Workflow, typed
from .caching import cache_key, max_age, reusable
from .clock import RunClock
from .draft import Metrics, Step
from .environment import Pod
from .journal import Journal
from .records import RunRecords
from .step import GRACE, Result, StepRunner

_log = logging.getLogger(__name__)

TERMINATED = "terminated"
OVERDUE = "Step exceeded its deadline"
_LEAST_PAUSE = 0.1
_MOST_PAUSE = 10.0
_SHARE_OF_TIME = 10


class Run:
    """One run being executed.

    Parameters
    ----------
    submitted
        The Workflow to execute, with its status as last saved.
    slots
        Bounds the steps of all runs that are executed at a time.
    width
        How many of this run's steps may wait for a slot or hold one.
    """

    def __init__(
        self,
        run_id: str,
        submitted: Dict[str, Any],
        records: RunRecords,
        runner: StepRunner,
        folder: Path,
        slots: asyncio.Semaphore,
        width: int,
    ) -> None:
        self._id = run_id
        self._records = records
        self._runner = runner
        self._slots = slots
        self._width = width
        self._python = runner.python
        self._workflow: Workflow = typed(submitted)
        self._status: Dict[str, Any] = dict(submitted.get("status") or {})
        self._journal = Journal(folder / "journal.jsonl")
        self._nodes: Nodes = self._status.setdefault("nodes", {})
        self._recover()
        self._clock = RunClock(self._status)
        self._planner = Planner(self._workflow, self._nodes)
        in_images = of_workflow(submitted).executor == "container"
        self._notice = f"{runner.notice} {not_followed(self._workflow.templates, in_images)}".strip()
        self._active: Dict[str, asyncio.Task[None]] = {}
        self._ended: List[Tuple[Start, Result]] = []
        self._unremembered: List[Tuple[Start, Result]] = []
        self._wake = asyncio.Event()
        self._terminate = False
        self._stopped = False
        self._saved_at = 0.0
        self._pause = 0.0
        self._executing: Set[str] = set()
        self._dirty = True

    def terminate(self) -> None:
        """Stop the run: kill its steps, run its exit handler, let it fail."""
        self._terminate = True
        self._wake.set()

    async def execute(self) -> None:
        """Execute the run to its end; when cancelled, kill its steps and leave it resumable."""
        self._status.setdefault("startedAt", timestamp(self._clock.now()))
        self._terminate = self._terminate or self._records.terminating(self._id)
        try:
            while True:
                self._wake.clear()
                await self._take_results()
                await self._stop_if_due()
                begun = {*self._active, *(start.node_id for start, _ in self._ended)}
                plan = self._planner.plan(self._clock.now(), begun, self._width - len(begun))
                await self._begin(plan.start)
                final = plan.phase in FULFILLED and not self._active and not self._ended
                if final or not plan.start:  # steps come first; they wake this loop when they are on their way
                    await self._remember()
                    await self._save(plan, final)
                if final:
                    self._journal.remove()
                    return
                await self._sleep(plan)
        finally:
            await self._abandon()
            self._journal.close()

    async def fail(self, message: str) -> None:
        """Bring the run to an end that the engine itself is the cause of."""
        self._planner.stop(self._clock.now(), message)
        await self._save(Plan(phase="Error", message=message), True)

    def _recover(self) -> None:
        for node in self._journal.read():
            self._nodes[node["id"]] = {**node, "children": self._nodes.get(node["id"], node).get("children", [])}
        for node in self._nodes.values():
            if node["type"] == "Pod" and node["phase"] not in FULFILLED:
                node["phase"] = "Pending"

    async def _take_results(self, stopped: str = "") -> None:
        if not self._ended:
            return
        ended, self._ended = self._ended, []
        for start, result in ended:
            node = self._nodes[start.node_id]
            if result.outputs:
                node["outputs"] = result.outputs
            if result.phase != "Succeeded" and stopped:
                finish(node, "Failed", self._clock.now(), stopped)
            else:
                finish(node, result.phase, self._clock.now(), result.message)
        await self._journal.write(self._nodes[start.node_id] for start, _ in ended)
        for start, result in ended:
            if result.metrics:
                saving = functools.partial(self._records.save_metrics, self._id, start.node_id, result.metrics)
                await with_room(saving, f"run {self._id}")
        self._unremembered += [(start, result) for start, result in ended if result.phase == "Succeeded"]
        self._dirty = True

    async def _stop_if_due(self) -> None:
        overdue = self._planner.overdue(self._clock.now())
        if self._stopped or not (self._terminate or overdue):
            return
        self._stopped, message = True, TERMINATED if self._terminate else OVERDUE
        for node_id in set(self._active) - self._executing:
            self._active[node_id].cancel()
        await asyncio.gather(*(self._runner.stop(self._id, node_id) for node_id in self._executing))
        if self._active:
            await asyncio.wait(list(self._active.values()), timeout=2 * GRACE)
        await self._abandon()
        await self._take_results(message)
        self._planner.stop(self._clock.now(), message)
        self._dirty = True

    async def _begin(self, starts: List[Start]) -> None:
        reused: List[Node] = []
        metrics: List[Tuple[str, Metrics]] = []
        for start in starts:
            self._dirty = True
            key = cache_key(start.template, start.inputs, self._python)
            hit = self._records.cached(key, max_age(start.template)) if key else None
            outputs = self._usable(start, hit) if hit is not None else None
            if hit is not None and outputs is not None:
                reused.append(self._reuse(start, hit, outputs))
                metrics.append((start.node_id, hit.get("metrics") or []))
                continue
            task = asyncio.ensure_future(self._step(start))
            self._active[start.node_id] = task
            task.add_done_callback(functools.partial(self._left, start))
        if reused:
            await self._journal.write(reused)
            for node_id, found in metrics:
                if found:
                    saving = functools.partial(self._records.save_metrics, self._id, node_id, found)
                    await with_room(saving, f"run {self._id}")
            self._wake.set()

    def _usable(self, start: Start, hit: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
        """Return remembered outputs, unless they are this run's own or their files are gone.

        A loop by recursion repeats a step until it gives something else, so a run never repeats its own outputs.
        """
        if hit["run_id"] == self._id:
            return None
        return reusable(start.template, hit["outputs"], self._runner.artifacts)

    async def _step(self, start: Start) -> None:
        async with self._slots:
            node = self._nodes[start.node_id]
            node["phase"], node["startedAt"] = "Running", timestamp(self._clock.now())
            self._dirty = True
            self._executing.add(start.node_id)
            self._wake.set()
            step = Step(
                run_id=self._id,
                node_id=start.node_id,
                workflow_name=self._workflow.name,
                started=node["startedAt"],
                template=start.template,
                inputs=start.inputs,
                pod=self._pod(start),
            )
            result = await self._runner.run(step)
            self._ended.append((start, result))

    def _left(self, start: Start, task: asyncio.Task[None]) -> None:
        self._active.pop(start.node_id, None)
        self._executing.discard(start.node_id)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("step %s of run %s", start.node_id, self._id, exc_info=error)
            self._ended.append((start, Result("Error", f"The engine failed: {error}")))
        self._wake.set()

    def _pod(self, start: Start) -> Pod:
        metadata = start.template.get("metadata") or {}
        labels = {"workflows.argoproj.io/workflow": self._workflow.name, "pipeline/runid": self._id}
        annotations = {"workflows.argoproj.io/node-name": self._nodes[start.node_id]["name"]}
        return Pod(
            name=start.node_id,
            namespace=self._workflow.namespace,
            labels={**_texts(metadata.get("labels")), **labels},
            annotations={**_texts(metadata.get("annotations")), **annotations},
            service_account=self._workflow.service_account,
        )

    def _reuse(self, start: Start, hit: Mapping[str, Any], outputs: Dict[str, Any]) -> Node:
        node = self._nodes[start.node_id]
        node["outputs"] = outputs
        node["reusedFromCache"] = True
        finish(node, "Succeeded", self._clock.now(), f"Cached from run {hit['run_id']}")
        self._runner.log(self._id, start.node_id, "This step output is taken from cache.\n")
        return node

    async def _remember(self) -> None:
        """Keep what other runs may take from the cache; nothing of this run waits for that."""
        unremembered, self._unremembered = self._unremembered, []
        for start, result in unremembered:
            key = cache_key(start.template, start.inputs, self._python)
            if key is not None:
                found: Dict[str, Any] = {"run_id": self._id, "node_id": start.node_id, "outputs": result.outputs}
                if result.metrics:
                    found["metrics"] = result.metrics
                remembering = functools.partial(self._records.remember, key, self._id, start.node_id, found)
                await with_room(remembering, f"run {self._id}")

    async def _save(self, plan: Plan, final: bool) -> None:
        now = time.monotonic()
        if not final and (not self._dirty or now < self._saved_at + self._pause):
            return
        self._status.update(phase=plan.phase if final else "Running", progress=progress(self._nodes))
        self._status["message"] = plan.message
        self._status["finishedAt"] = timestamp(self._clock.now()) if final else None
        self._status["conditions"] = [{"type": "SpecWarning", "status": "True", "message": self._notice}]
        await with_room(functools.partial(self._records.save_status, self._id, self._status), f"run {self._id}")
        self._saved_at = time.monotonic()
        self._pause = min(max(_LEAST_PAUSE, _SHARE_OF_TIME * (self._saved_at - now)), _MOST_PAUSE)
        self._dirty = False

    async def _sleep(self, plan: Plan) -> None:
        waits = [] if plan.wake_at is None else [plan.wake_at - self._clock.now()]
        if self._dirty:
            waits.append(self._saved_at + self._pause - time.monotonic())
        timer = asyncio.get_event_loop().call_later(max(0.0, min(waits)), self._wake.set) if waits else None
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _abandon(self) -> None:
        tasks = list(self._active.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _texts(values: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    return {key: str(value) for key, value in (values or {}).items()}
