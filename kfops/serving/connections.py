"""One connection per configuration and chosen backend, made when it is first needed and kept while it works."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, TypeVar

from kfops.errors import ConnectionFailed

if TYPE_CHECKING:
    from kfops.config import Config
    from kfops.connection import Connection

Result = TypeVar("Result")

#: What a connection was made from: the configuration file, its time and size, and the variables that count.
Basis = Tuple[str, int, int, Tuple[Optional[str], ...]]

_VARIABLES = ("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_SA_TOKEN_PATH", "KF_PIPELINES_NAMESPACE", "KFOPS_LOCAL_DIR")


class Connections:
    """The connections of the worker; safe to use from several threads.

    A token that changes is read again by the connection itself.
    """

    def __init__(self, connect: Optional[Callable[[Any], Any]] = None) -> None:
        self._connect = connect or _connect
        self._kept: Dict[Tuple[str, str], Tuple[Basis, Any]] = {}
        self._locks: Dict[Tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, config: Config) -> Connection:
        """Return the connection that a configuration leads to; raises ConnectionFailed."""
        connection: Connection = self._get(config)[0]
        return connection

    def ask(self, config: Config, question: Callable[[Any], Result]) -> Result:
        """Return ``question(connection)``, for questions that change nothing.

        A connection that fails is dropped; one that had worked before is replaced and asked at once, because the
        embedded backend has been started again, perhaps at another address.
        """
        connection, kept = self._get(config)
        try:
            return question(connection)
        except ConnectionFailed:
            self._drop(connection)
            if not kept:
                raise
        return question(self.get(config))

    def change(self, config: Config, action: Callable[[Any], Result]) -> Result:
        """Return ``action(connection)``, which is never repeated; a kept connection is tried out before.

        A request that changes something may have arrived although its answer did not.
        """
        connection, kept = self._get(config)
        if kept and connection.status().error is not None:
            self._drop(connection)
            connection = self.get(config)
        try:
            return action(connection)
        except ConnectionFailed:
            self._drop(connection)
            raise

    def _get(self, config: Config) -> Tuple[Any, bool]:
        key, basis = _key(config), _basis(config)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        # One thread connects, others wait for it: a probe that fails takes 3 s once, not once for each.
        with lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == basis:
                return kept[1], True
            connection = self._connect(config)
            with self._lock:
                self._kept[key] = (basis, connection)
            return connection, False

    def _drop(self, connection: Any) -> None:
        with self._lock:
            for key, (_, kept) in list(self._kept.items()):
                if kept is connection:
                    del self._kept[key]


def _connect(config: Any) -> Any:
    from kfops.connection import connect

    return connect(config)


def _key(config: Config) -> Tuple[str, str]:
    return str(config.path or ""), config.chosen


def way_of(config: Config) -> Tuple[str, ...]:
    """Return what of a configuration says which backend is meant; another one leads to another backend."""
    section = config.connection
    return (config.chosen, section.kind, section.host, section.namespace, section.token_path)


def _basis(config: Config) -> Basis:
    variables = tuple(os.environ.get(name) for name in _VARIABLES)
    if config.path is None:
        return ("", 0, 0, variables)
    try:
        found = os.stat(str(config.path))
    except OSError:
        return (str(config.path), 0, 0, variables)
    return (str(config.path), found.st_mtime_ns, found.st_size, variables)
