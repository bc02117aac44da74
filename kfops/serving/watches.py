"""The runs that somebody looks at in the browser: each watched once, however many look."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Callable, Dict, Optional

from kfops import runs
from kfops.types import Run
from kfops.watching import ListWatch, RunWatch

if TYPE_CHECKING:
    from kfops.connection import Connection
    from kfops.serving.calls import Call

#: Seconds after which a request that was given up is noticed; a cluster is asked as often.
_PATIENCE = 1.5

#: Seconds between two questions to a cluster about a run that has ended, which goes on when it is retried.
_AFTER_THE_END = 15.0


class Watches:
    """What is being watched, with the last that is known of each run; safe to use from several threads."""

    def __init__(self) -> None:
        self._latest: Dict[str, Run] = {}
        self._lock = threading.Lock()

    def latest(self, run_id: str) -> Optional[Run]:
        """Return a run as its backend has told of it, None when it is not watched."""
        return self._latest.get(run_id)

    def run(self, call: Call, run_id: str, connection: Connection) -> None:
        """Write a line to the request's log for each change of a run, until the request is given up."""
        watch: RunWatch = runs.watched(run_id, connection)
        last: Optional[Run] = None
        try:
            while True:
                now = watch.look(_PATIENCE if last is not None else 0.0)
                call.check()
                if now != last:
                    last = now
                    if watch.is_told:
                        with self._lock:
                            self._latest[run_id] = now
                    call.log_line("changed")
                if now.finished and not watch.is_told:
                    call.cancelled.wait(_AFTER_THE_END)
        finally:
            with self._lock:
                self._latest.pop(run_id, None)
            watch.close()

    def list(self, call: Call, connection: Connection, is_meant: Callable[[], bool]) -> None:
        """Write a line to the request's log for each change of the list of runs, until the request is given up.

        When the connection is no longer the one that is meant, the last line is "switched".
        """
        watch = ListWatch(connection, lambda asked: runs.list_runs(asked)[0])
        try:
            watch.changed(_PATIENCE)  # what it begins with: whoever is told that it has begun asks for all of it
            call.log_line("changed")
            while True:
                if watch.changed(_PATIENCE):
                    call.log_line("changed")
                call.check()
                if not is_meant():
                    call.log_line("switched")
                    return
        finally:
            watch.close()
