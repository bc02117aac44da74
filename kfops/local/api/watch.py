# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""GET /apis/v1alpha1/runs/{run}:watch and /apis/v1alpha1/runs:watch: lines of JSON, one for each change.

The real backend has no such routes; clients find out by asking.
"""

from __future__ import annotations

import re
from typing import cast

from tornado.iostream import IOStream

from ..problems import Invalid, Missing
from .base import Handler
from .topics import Watches

_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: kfops-local\r\nContent-Type: application/x-ndjson\r\nCache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
)


class Watch(Handler):
    """Base of both; ``?since=`` is the last number that was seen."""

    @property
    def watches(self) -> Watches:
        """All that is being watched."""
        return cast(Watches, self.settings["watches"])

    @property
    def since(self) -> int:
        """The last number that the client has seen, 0 when it has seen none; raises Invalid."""
        text = self.query.get("since", "0")
        if not re.fullmatch("[0-9]{1,18}", text):
            raise Invalid(f"{text[:40]!r} is not a number of a change.")
        return int(text)

    def opened(self) -> IOStream:
        """Begin the answer, which goes on until the client leaves; the connection is the watch's from then on."""
        stream = self.detach()
        stream.write(_HEAD)
        return stream


class WatchRun(Watch):
    """The changes of one run."""

    def get(self, run_id: str) -> None:
        since = self.since
        if not self.watches.known(run_id):
            raise Missing("Run", run_id)
        self.watches.watch_run(run_id, self.opened(), since)


class WatchRuns(Watch):
    """Which runs come, go, and change their state."""

    def get(self) -> None:
        since = self.since
        self.watches.watch_list(self.opened(), since)
