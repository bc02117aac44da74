"""Work that outlasts a request: begun by one, asked for by its id in others, also after a page reload."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Awaitable, Callable, Dict, List, Optional

from kfops.errors import KfopsError, NotFound

from .redaction import redact, redact_all

#: Characters of a log that are kept, from its end.
LOG_LIMIT = 200_000

#: Operations that are remembered.
HISTORY = 100

Work = Callable[[Callable[[str], None]], Awaitable[Any]]


@dataclass
class Operation:
    """One piece of work; ``kind`` is ``compile``, ``upload`` or ``build``, ``subject`` the path or id it is about."""

    id: str
    kind: str
    subject: str
    state: str = "running"
    started_at: str = ""
    finished_at: str = ""
    log: str = ""
    result: Any = None
    error: Optional[Dict[str, Any]] = None

    def to_dict(self) -> Dict[str, Any]:
        """Return the JSON form."""
        return dict(vars(self))

    def append(self, text: str) -> None:
        """Add to the log, which keeps its end."""
        self.log = (self.log + redact(text))[-LOG_LIMIT:]

    def end(self, state: str) -> None:
        """Note that it has ended, and how."""
        self.state = state
        self.finished_at = _now()


class Operations:
    """The operations of one server, newest last, ended ones dropped beyond the history's length."""

    def __init__(self, log: logging.Logger, *, history: int = HISTORY) -> None:
        self._log = log
        self._history = history
        self._known: OrderedDict[str, Operation] = OrderedDict()
        self._tasks: Dict[str, asyncio.Task[None]] = {}

    def start(self, kind: str, subject: str, work: Work) -> Operation:
        """Begin ``work``, which is called with a sink for its log, and return its operation."""
        operation = Operation(id=uuid.uuid4().hex, kind=kind, subject=subject, started_at=_now())
        self._known[operation.id] = operation
        task = asyncio.ensure_future(self._run(operation, work))
        # Not in _run itself: a task that is cancelled before its first turn never gets there.
        task.add_done_callback(lambda _: self._ended(operation))
        self._tasks[operation.id] = task
        self._forget_old()
        return operation

    def list(self) -> List[Operation]:
        """Return all operations, newest first."""
        return list(reversed(self._known.values()))

    def get(self, operation_id: str) -> Operation:
        """Return one operation, or raise NotFound."""
        try:
            return self._known[operation_id]
        except KeyError:
            raise NotFound(
                f"There is no operation {operation_id}.",
                why="It was dropped from the history, or the Jupyter Server has been restarted since.",
                remedy="Start it again.",
            ) from None

    async def wait(self, operation: Operation, at_most: float) -> None:
        """Wait until an operation has ended, ``at_most`` that many seconds."""
        task = self._tasks.get(operation.id)
        if task is not None:
            await asyncio.wait([task], timeout=at_most)

    async def cancel(self, operation_id: str) -> None:
        """End a running operation; drop an ended one."""
        self.get(operation_id)
        task = self._tasks.get(operation_id)
        if task is None:
            del self._known[operation_id]
            return
        task.cancel()
        await asyncio.wait([task])

    async def close(self) -> None:
        """Cancel all that runs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, operation: Operation, work: Work) -> None:
        try:
            operation.result = await work(operation.append)
            operation.end("succeeded")
        except KfopsError as error:
            operation.error = redact_all(error.to_dict())
            operation.end("failed")
        except Exception:
            self._log.exception("kfops: operation %s (%s) failed unexpectedly", operation.id, operation.kind)
            operation.error = KfopsError(
                f"The {operation.kind} of {operation.subject} failed unexpectedly.",
                why="This is a defect of kfops-lab.",
                remedy=f"The Jupyter Server's log has the details under the operation's id {operation.id}.",
            ).to_dict()
            operation.end("failed")

    def _ended(self, operation: Operation) -> None:
        if operation.state == "running":
            operation.end("cancelled")
        del self._tasks[operation.id]

    def _forget_old(self) -> None:
        ended = [key for key in self._known if key not in self._tasks]
        for key in ended[: max(0, len(self._known) - self._history)]:
            del self._known[key]


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
