"""/kfops/status: what the panel shows first; /kfops/connection: the choice of another backend."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional

from kfops.errors import KfopsError

from ..body import Field
from ..redaction import redact_all
from ..version import version
from .base import KfopsHandler, guarded

#: What can be chosen: a backend, or what config.yaml and the environment say.
KINDS = ("auto", "cluster", "embedded")

#: Seconds that ``?wait=1`` waits for an environment that is starting, and for the backend behind it.
START_WAIT = 20.0

#: Seconds that a backend may take to answer, just over the time limit of the probe that asks it.
CONNECTION_WAIT = 3.5


class StatusHandler(KfopsHandler):
    """The pipeline environment and the connection."""

    @guarded
    async def get(self) -> None:
        """Answer at once, with what is known now."""
        wait = START_WAIT if self.get_query_argument("wait", "0") == "1" else 0.0
        until = time.monotonic() + wait
        environment = await self.services.worker.environment(wait=wait)
        connection = None
        if environment["state"] == "ready":
            connection = await self._connection(max(CONNECTION_WAIT, until - time.monotonic()))
            if connection is None:
                environment["message"] = "The backend is starting."
        self.reply({"server": {"version": version()}, "environment": environment, "connection": connection})

    async def _connection(self, wait: float) -> Optional[Dict[str, Any]]:
        """Return the ConnectionStatus; None while the backend is starting, or when the worker has ended meanwhile."""
        try:
            return redact_all(await self.services.connection_status(wait, await self.project()))  # type: ignore[no-any-return]
        except KfopsError as error:
            if error.code == "worker_error":
                return None
            # Here, because these dataclasses take a third of the extension's time to import and are seldom needed.
            from kfops.types import ConnectionStatus

            return ConnectionStatus(kind="cluster", host="", error=redact_all(error.to_dict())).to_dict()


class ConnectionHandler(KfopsHandler):
    """Which backend is meant."""

    @guarded
    async def patch(self) -> None:
        """Use another one from now on, and answer where that leads."""
        use = self.body(Field("use", required=True, choices=KINDS))["use"]
        found = await self.ask("connection.use", use=use)
        self.services.switch()
        self.reply(redact_all(found))
