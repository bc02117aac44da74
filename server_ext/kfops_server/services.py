"""What the request handlers share: the worker, the operations and the server's files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Dict, Optional


from .operations import Operations
from .worker_client import LogSink, WorkerClient


#: Seconds that the state of the connection may take, just over the time limit of the probe behind it.
STATUS_TIME_LIMIT = 3.5


@dataclass
class Services:
    """One per server; ``root`` is the folder that relative paths and config.yaml are looked up from."""

    worker: WorkerClient
    operations: Operations
    contents: Any
    root: str
    compile_time_limit: float
    request_time_limit: float
    _status: "Optional[asyncio.Task[Dict[str, Any]]]" = field(default=None, init=False)

    async def ask(self, method: str, **params: Any) -> Any:
        """Return the worker's answer to a request that must end within the request time limit."""
        return await self.worker.call(method, {"root": self.root, **params}, time_limit=self.request_time_limit)

    async def work(self, method: str, on_log: Optional[LogSink], **params: Any) -> Any:
        """Return the result of work that takes the time it takes, with its log passed on as it comes."""
        return await self.worker.call(method, {"root": self.root, **params}, on_log=on_log)

    async def connection_status(self) -> Dict[str, Any]:
        """Return the ConnectionStatus; requests that ask for it at the same time share one answer."""
        if self._status is None or self._status.done():
            call = self.worker.call("status", {"root": self.root}, time_limit=STATUS_TIME_LIMIT)
            self._status = asyncio.ensure_future(call)
        return await asyncio.shield(self._status)

    async def close(self) -> None:
        """Cancel what runs and end the worker."""
        await self.operations.close()
        await self.worker.close()
