"""What the request handlers share: the worker, the operations and the server's files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Dict, Optional

from .changes import Changes
from .operations import Operations
from .worker_client import LogSink, WorkerClient

#: Seconds that a backend may take to be reached, which is when the embedded one has to be started on a busy machine.
CONNECT_TIME_LIMIT = 30.0


@dataclass
class Services:
    """One per server; ``root`` is the folder that relative paths and config.yaml are looked up from."""

    worker: WorkerClient
    operations: Operations
    contents: Any
    root: str
    compile_time_limit: float
    request_time_limit: float
    changes: Changes = field(init=False)
    _status: Dict[str, asyncio.Task[Dict[str, Any]]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Have changes watched by the worker."""
        self.changes = Changes(lambda method, params, on_log: self.worker.call(method, params, on_log=on_log))

    async def ask(self, method: str, **params: Any) -> Any:
        """Return the worker's answer to a request that must end within the request time limit.

        With ``root`` among the parameters, config.yaml is looked for from that folder.
        """
        return await self.worker.call(method, {"root": self.root, **params}, time_limit=self.request_time_limit)

    async def work(self, method: str, on_log: Optional[LogSink], **params: Any) -> Any:
        """Return the result of work that takes the time it takes, with its log passed on as it comes."""
        return await self.worker.call(method, {"root": self.root, **params}, on_log=on_log)

    async def connection_status(self, wait: float, root: str) -> Optional[Dict[str, Any]]:
        """Return the ConnectionStatus, or None when it is not known within ``wait`` seconds.

        Requests that ask at the same time share one answer; one that has not waited for it finds it the next time.
        """
        status = self._status.get(root)
        if status is None:
            call = self.worker.call("status", {"root": root}, time_limit=CONNECT_TIME_LIMIT)
            status = self._status[root] = asyncio.ensure_future(call)
            status.add_done_callback(_seen)
        await asyncio.wait([status], timeout=wait)
        if not status.done():
            return None
        if self._status.get(root) is status:
            del self._status[root]
        return status.result()

    def switch(self) -> None:
        """Forget what was known of the backend: another one is meant, and every page is told so."""
        self._status.clear()
        self.changes.switch()

    async def close(self) -> None:
        """Cancel what runs and end the worker."""
        await self.changes.close()
        await self.operations.close()
        await self.worker.close()


def _seen(task: asyncio.Task[Any]) -> None:
    """Mark the task's error as seen: whoever asks next gets the state of then."""
    if not task.cancelled():
        task.exception()
