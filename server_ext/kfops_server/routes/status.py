"""/kfops/status: what the panel shows first."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Optional

from kfops.errors import KfopsError

from ..redaction import redact_all
from ..version import version
from .base import KfopsHandler, guarded

#: Seconds that ``?wait=1`` waits for an environment that is starting.
START_WAIT = 20.0


class StatusHandler(KfopsHandler):
    """The pipeline environment and the connection."""

    @guarded
    async def get(self) -> None:
        """Answer at once, with what is known now."""
        wait = START_WAIT if self.get_query_argument("wait", "0") == "1" else 0.0
        environment = await self.services.worker.environment(wait=wait)
        connection = await self._connection() if environment["state"] == "ready" else None
        self.reply({"server": {"version": version()}, "environment": environment, "connection": connection})

    async def _connection(self) -> Optional[Dict[str, Any]]:
        """Return the ConnectionStatus; a worker that has ended meanwhile leaves it unknown."""
        try:
            return redact_all(await self.services.connection_status())  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            raise
        except KfopsError as error:
            if error.code == "worker_error":
                return None
            # Here, because these dataclasses take a third of the extension's time to import and are seldom needed.
            from kfops.types import ConnectionStatus

            return ConnectionStatus(kind="cluster", host="", error=redact_all(error.to_dict())).to_dict()
