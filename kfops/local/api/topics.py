"""What can be watched: one run, or which runs there are and what state they are in.

Each message is a line of JSON with a number, ``seq``. Whoever comes back with the last number they have seen goes on
from there when what came since is still known, and is otherwise told all there is.
"""

from __future__ import annotations

import abc
import asyncio
import itertools
import json
import time
from collections import deque
from typing import Any, Callable, Iterator

from tornado.iostream import IOStream

from ..problems import Missing
from ..store import Store
from ..store.changes import RunChange
from . import wire
from .audience import Audience

#: Seconds between two messages at least: for one who watches, and what each further one adds, up to the longest.
_PACE, _PACE_EACH, _LONGEST_PACE = 0.02, 0.001, 0.4

#: For this part of it a change waits for others: where a step ends, the next one begins.
_TOGETHER = 0.25

#: Seconds after which a connection without news is given a sign of life.
HEARTBEAT = 15.0

#: Seconds for which the changes of what nobody watches are still collected, for those who come back.
_LINGER = 30.0

#: Bytes of past messages that are kept for them.
_KEPT = 256 * 1024


class Watches:
    """All that is being watched."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: dict[str, RunTopic] = {}
        self._list: ListTopic | None = None
        # Numbers of a backend that has been started again are larger than those its predecessor gave.
        self._numbers = itertools.count(time.time_ns() // 1000)
        store.changes.listen(self._changed)

    def known(self, run_id: str) -> bool:
        """Return whether there is such a run, which is not looked for when somebody watches it."""
        return run_id in self._runs or self._store.runs.row(run_id) is not None

    def watch_run(self, run_id: str, stream: IOStream, since: int) -> None:
        """Tell a connection of the changes of a run that there is."""
        topic = self._runs.get(run_id)
        if topic is None:
            topic = self._runs[run_id] = RunTopic(
                self._store, run_id, self._numbers, lambda: self._runs.pop(run_id, None)
            )
        topic.join(stream, since)

    def watch_list(self, stream: IOStream, since: int) -> None:
        """Tell a connection which runs come, go, and change their state."""
        if self._list is None:
            self._list = ListTopic(self._store, self._numbers, self._drop_list)
        self._list.join(stream, since)

    def close(self) -> None:
        """Close every connection."""
        for topic in [*self._runs.values(), *([self._list] if self._list else [])]:
            topic.audience.close()

    def _changed(self, run_id: str | None, change: RunChange) -> None:
        if self._list is not None:
            self._list.changed(run_id)
        for topic in list(self._runs.values()) if run_id is None else filter(None, [self._runs.get(run_id)]):
            topic.changed(change)

    def _drop_list(self) -> None:
        self._list = None


class Topic(abc.ABC):
    """Something that is watched: it gathers changes, and tells them no faster than its audience can be told."""

    def __init__(self, store: Store, numbers: Iterator[int], over: Callable[[], Any]) -> None:
        self._store = store
        self._numbers = numbers
        self._over = over
        self._loop = asyncio.get_running_loop()
        self.audience = Audience(self._fresh, self._linger)
        self._seq = next(numbers)
        self._floor = self._seq
        self._recent: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._told = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._beat = self._loop.call_later(HEARTBEAT, self._heartbeat)

    @abc.abstractmethod
    def _everything(self) -> dict[str, Any] | bytes:
        """Return what somebody has to know who knows nothing: fields, or the text of them."""

    @abc.abstractmethod
    def _news(self) -> bytes | None:
        """Return the text of the fields that tell what has been gathered, and gather anew; None if it is nothing."""

    def join(self, stream: IOStream, since: int) -> None:
        """Tell a connection what it does not know, and from now on what changes."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._floor <= since <= self._seq:
            first = b"".join(message for number, message in self._recent if number > since)
            self.audience.add(stream, first or self._line(b""))
        else:
            self.audience.add(stream, self._fresh())

    def gathered(self) -> None:
        """Tell what has been gathered, now or as soon as the audience can be told again."""
        if self._due is None:
            pace = min(_PACE + _PACE_EACH * len(self.audience), _LONGEST_PACE)
            wait = self._told + pace - self._loop.time()
            self._due = self._loop.call_later(max(wait, pace * _TOGETHER), self._tell)

    def _tell(self) -> None:
        self._due, self._told = None, self._loop.time()
        text = self._news()
        if text is None:
            return
        self._seq = next(self._numbers)
        message = self._line(text)
        self._recent.append((self._seq, message))
        self._size += len(message)
        while self._size > _KEPT:
            self._floor, old = self._recent.popleft()
            self._size -= len(old)
        self.audience.send(message)

    def _fresh(self) -> bytes:
        text = self._everything()
        return self._line(text if isinstance(text, bytes) else _fields(**text))

    def _line(self, fields: bytes) -> bytes:
        return b'{"seq":%d%s}\n' % (self._seq, b"," + fields if fields else b"")

    def _heartbeat(self) -> None:
        self._beat = self._loop.call_later(HEARTBEAT, self._heartbeat)
        self.audience.send(self._line(b""))

    def _linger(self) -> None:
        self._ending = self._loop.call_later(_LINGER, self._end)

    def _end(self) -> None:
        self._beat.cancel()
        if self._due is not None:
            self._due.cancel()
        self._over()


class RunTopic(Topic):
    """One run.

    Everything is ``run`` and its ``workflow`` with the status. News are ``run`` without the workflow, and of the status
    ``status`` without its nodes, the ``nodes`` that changed, and the ids that are ``gone``; or that it is ``deleted``.
    """

    def __init__(self, store: Store, run_id: str, numbers: Iterator[int], over: Callable[[], Any]) -> None:
        super().__init__(store, numbers, over)
        self._run_id = run_id
        self._gathered: RunChange | None = None
        self._state: tuple[int, bytes] = (0, b"")

    def changed(self, change: RunChange) -> None:
        """Gather a change."""
        if self._gathered is None:
            self._gathered = RunChange()
        self._gathered.merge(change)
        self.gathered()

    def _everything(self) -> bytes:
        if self._gathered is None and self._state[0] == self._seq:
            return self._state[1]
        runs = self._store.runs
        try:
            row, workflow = runs.get(self._run_id), runs.workflow_text(self._run_id)
        except Missing:
            return _fields(deleted=True)
        metrics = runs.metrics([self._run_id]).get(self._run_id, [])
        text = _fields(run=wire.run(row, row.submitted, metrics)) + b',"workflow":' + workflow.encode()
        if self._gathered is None:
            self._state = (self._seq, text)
        return text

    def _news(self) -> bytes | None:
        change, self._gathered = self._gathered, None
        if change is None:
            return None
        row = self._store.runs.row(self._run_id)
        if row is None:
            return _fields(deleted=True)
        metrics = self._store.runs.metrics([self._run_id]).get(self._run_id, [])
        fields = [_fields(run=wire.run(row, "", metrics))]
        if change.head is not None:
            fields.append(b'"status":' + change.head.encode())
        if change.nodes:
            nodes = ",".join(f"{json.dumps(node_id)}:{node}" for node_id, node in change.nodes.items())
            fields.append(b'"nodes":{' + nodes.encode() + b"}")
        if change.gone:
            fields.append(_fields(gone=sorted(change.gone)))
        return b",".join(fields)


class ListTopic(Topic):
    """All runs.

    News are the ``runs`` that are new or have another state, without their workflows, each ``deleted`` one as its id.
    Everything is ``reset``: whoever does not know the list asks for it.
    """

    def __init__(self, store: Store, numbers: Iterator[int], over: Callable[[], Any]) -> None:
        super().__init__(store, numbers, over)
        self._gathered: set[str] = set()
        self._reset = False
        self._known: dict[str, tuple[Any, ...]] = {}

    def changed(self, run_id: str | None) -> None:
        """Gather a change."""
        if run_id is None:
            self._reset = True
        else:
            self._gathered.add(run_id)
        self.gathered()

    def _everything(self) -> dict[str, Any]:
        return {"reset": True}

    def _news(self) -> bytes | None:
        changed, self._gathered = self._gathered, set()
        if self._reset:
            self._reset = False
            self._known.clear()
            return _fields(**self._everything())
        told = [told for told in map(self._told_of, sorted(changed)) if told is not None]
        return _fields(runs=told) if told else None

    def _told_of(self, run_id: str) -> dict[str, Any] | None:
        row = self._store.runs.row(run_id)
        if row is None:
            self._known.pop(run_id, None)
            return {"id": run_id, "deleted": True}
        state = (row.status, row.storage_state, row.finished_at)
        if self._known.get(run_id) == state:
            return None
        self._known[run_id] = state
        return wire.run(row, "", self._store.runs.metrics([run_id]).get(run_id, []))


def _fields(**values: Any) -> bytes:
    """Return the text of an object's fields, without its braces."""
    return json.dumps(values, separators=(",", ":"))[1:-1].encode()
