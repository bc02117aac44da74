"""The state of the connection."""

from __future__ import annotations

from typing import Any, Dict

from kfops.config import load
from kfops.errors import ConfigError, KfopsError, LocalBackendError
from kfops.serving.calls import Call, Method
from kfops.serving.methods.access import Access, Wire, wire
from kfops.types import ConnectionStatus


class StatusMethods:
    """Whether there is a connection, and if not, why."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {"status": self.status}

    def status(self, call: Call, root: str) -> Wire:
        """Return the ConnectionStatus; why there is no connection stands in it."""
        try:
            config = load(start=root)
        except ConfigError as error:
            return _unconnected(error, "")
        try:
            return wire(self._access.connections.ask(config, _working))
        except KfopsError as error:
            return _unconnected(error, config.connection.kind)


def _working(connection: Any) -> ConnectionStatus:
    """Return the status of a connection that works, and raise the error of one that does not."""
    found: ConnectionStatus = connection.status()
    if found.error is not None:
        raise KfopsError.from_dict(found.error)
    return found


def _unconnected(error: KfopsError, kind: str) -> Wire:
    host = str(error.details.get("host", ""))
    if kind not in ("embedded", "cluster"):
        kind = "cluster" if host and not isinstance(error, LocalBackendError) else "embedded"
    return ConnectionStatus(kind=kind, host=host, error=error.to_dict()).to_dict()
