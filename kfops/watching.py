"""Looking at a run, or at the list of runs: a backend that tells of changes is listened to, any other asked again.

The embedded backend tells (``/apis/v1alpha1/runs/{id}:watch`` and ``runs:watch``); Kubeflow Pipelines has to be asked.
"""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Dict, Optional
from urllib.parse import quote

from kfops.connection import Connection
from kfops.errors import ConnectionFailed
from kfops.streaming import LineStream
from kfops.types import Run

#: Seconds between two looks at least: a run may change more often than anybody can see.
_LEAST = 0.1


class RunWatch:
    """Looks at a run.

    Parameters
    ----------
    ask
        Asks for the run, given its id and the connection.
    read
        Makes the run of an ``ApiRunDetail``, given the connection too.
    """

    def __init__(
        self,
        run_id: str,
        connection: Connection,
        ask: Callable[[str, Connection], Run],
        read: Callable[[Dict[str, Any], Connection], Run],
    ) -> None:
        self.connection = connection
        self._run_id = run_id
        self._ask = ask
        self._read = read
        self._stream: Optional[LineStream] = None
        self._is_told = True
        self._detail: Dict[str, Any] = {}
        self._run: Optional[Run] = None
        self._looked = 0.0

    @property
    def is_told(self) -> bool:
        """Whether the backend tells of changes by itself."""
        return self._stream is not None

    def look(self, patience: float) -> Run:
        """Return the run as it is now, after waiting for a change, ``patience`` seconds at most.

        Raises
        ------
        NotFound
            There is no such run.
        ConnectionFailed, BackendError
            The backend does not answer, or refuses.
        """
        if self._stream is None and self._is_told and self._run is None:
            self._open()
        if self._stream is None:
            time.sleep(max(patience, 0.0))
            return self._ask(self._run_id, self.connection)
        try:
            return self._told(self._stream, time.monotonic() + patience)
        except ConnectionFailed:
            self.close()
            raise

    def close(self) -> None:
        """Watch no more; the next look begins anew."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._run = None, None

    def _open(self) -> None:
        self._stream = self.connection.stream(f"/apis/v1alpha1/runs/{quote(self._run_id, safe='')}:watch")
        self._is_told = self._stream is not None

    def _told(self, stream: LineStream, deadline: float) -> Run:
        time.sleep(max(min(self._looked + _LEAST, deadline) - time.monotonic(), 0.0))
        news = False
        while True:
            line = stream.line()
            if line is not None:
                news = self._take(json.loads(line)) or news
            elif news or (self._run is not None and time.monotonic() >= deadline):
                break
            else:
                stream.wait(max(deadline - time.monotonic(), 0.0) if self._run is not None else 1.0)
        if news or self._run is None:
            self._run = self._read(self._detail, self.connection)
            self._looked = time.monotonic()
        return self._run

    def _take(self, message: Dict[str, Any]) -> bool:
        """Put a message into what is known of the run, and return whether there is something new in it."""
        run, known = message.get("run"), self._detail.get("run") or {}
        if message.get("deleted"):
            self._ask(self._run_id, self.connection)  # says that it is not there
        if run is None:
            return False  # a sign of life
        if "workflow" in message:
            workflow = message["workflow"]
        else:
            # News do not repeat what stays.
            run = {**run, "pipeline_spec": known.get("pipeline_spec") or {}}
            workflow = self._detail["pipeline_runtime"]["workflow_manifest"]
            before = workflow.get("status") or {}
            nodes = {**(before.get("nodes") or {}), **message.get("nodes", {})}
            for node_id in message.get("gone", []):
                nodes.pop(node_id, None)
            workflow = {**workflow, "status": {**message.get("status", before), "nodes": nodes}}
        self._detail = {"run": run, "pipeline_runtime": {"workflow_manifest": workflow}}
        return True


class ListWatch:
    """Looks whether the list of runs has changed.

    Parameters
    ----------
    ask
        Asks for what is compared, given the connection: the newest runs.
    """

    def __init__(self, connection: Connection, ask: Callable[[Connection], Any]) -> None:
        self._connection = connection
        self._ask = ask
        self._stream = connection.stream("/apis/v1alpha1/runs:watch")
        self._last: Any = None

    def changed(self, patience: float) -> bool:
        """Return whether there is something new, after waiting for it, ``patience`` seconds at most.

        Raises
        ------
        ConnectionFailed, BackendError
            The backend does not answer, or refuses.
        """
        if self._stream is None:
            if self._last is not None:
                time.sleep(patience)
            before, self._last = self._last, self._ask(self._connection)
            return bool(self._last != before)
        news = False
        line = self._stream.line()
        if line is None:
            self._stream.wait(patience)
            line = self._stream.line()
        while line is not None:
            news = news or len(json.loads(line)) > 1  # a sign of life has its number alone
            line = self._stream.line()
        return news

    def close(self) -> None:
        """Look no more."""
        if self._stream is not None:
            self._stream.close()
