"""The state of the connection, and the choice of another."""

from __future__ import annotations

from typing import Any, Dict

from kfops.config import Config, load
from kfops.errors import ConfigError, KfopsError
from kfops.serving.calls import Call, Method
from kfops.serving.methods.access import Access, Wire, wire
from kfops.switching import choose, unconnected
from kfops.types import ConnectionStatus


class StatusMethods:
    """Whether there is a connection, and if not, why; and which one is meant."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {"status": self.status, "connection.use": self.use}

    def status(self, call: Call, root: str) -> Wire:
        """Return the ConnectionStatus; why there is no connection stands in it."""
        try:
            config = load(start=root)
        except ConfigError as error:
            return wire(unconnected(error, Config()))
        return self._status(config)

    def use(self, call: Call, root: str, use: str) -> Wire:
        """Use another backend from now on, and return the ConnectionStatus that this leads to."""
        return self._status(choose(use, load(start=root)))

    def _status(self, config: Config) -> Wire:
        try:
            return wire(self._access.connections.ask(config, _working))
        except KfopsError as error:
            return wire(unconnected(error, config))


def _working(connection: Any) -> ConnectionStatus:
    """Return the status of a connection that works, and raise the error of one that does not."""
    found: ConnectionStatus = connection.status()
    if found.error is not None:
        raise KfopsError.from_dict(found.error)
    return found
