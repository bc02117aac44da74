"""Logs that are being followed: each is read once, whoever looks at it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

from kfops.errors import ConnectionFailed
from kfops.serving.logs import LARGEST_PART, Part, log_path, read_part, wire

if TYPE_CHECKING:
    from kfops.connection import Connection
    from kfops.serving.calls import Call
    from kfops.streaming import ByteStream

#: Seconds between two notices at least: a log may grow more often than anybody can read.
_LEAST = 0.1
#: Seconds after which a request that was given up is noticed.
_PATIENCE = 1.5
#: Seconds after the last notice in which it reaches everybody, before they are told that nothing is followed any more.
_AFTER_THE_END = 2.0
_WITHOUT_END = 2**53 - 1


class LogTail:
    """The end of a log, as far as it has come; safe to use from several threads."""

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._data = bytearray()
        self._has_ended = False
        self._lock = threading.Lock()
        self.news = threading.Event()

    @property
    def end(self) -> int:
        """How long the log is, in bytes."""
        with self._lock:
            return self._start + len(self._data)

    def add(self, piece: bytes) -> None:
        """Add what has been written."""
        with self._lock:
            self._data += piece
            too_much = len(self._data) - LARGEST_PART
            if too_much > LARGEST_PART // 4:  # not for each line anew
                del self._data[:too_much]
                self._start += too_much
        self.news.set()

    def finish(self) -> None:
        """Say that nothing will be added."""
        with self._lock:
            self._has_ended = True
        self.news.set()

    def part(self, offset: int, limit: int) -> Optional[Dict[str, Any]]:
        """Return a part as `logs.wire` does, None for what is not kept."""
        with self._lock:
            at = offset - self._start
            if not 0 <= at <= len(self._data):
                return None
            data = bytes(self._data[at : at + limit])
            part, is_over = Part(offset, data, at + len(data) == len(self._data)), self._has_ended
        return wire(part, is_over=is_over)


class LogTails:
    """All logs that are being followed."""

    def __init__(self) -> None:
        self._tails: Dict[Tuple[str, str], LogTail] = {}

    def part(self, run_id: str, step_id: str, offset: Optional[int], limit: int) -> Optional[Dict[str, Any]]:
        """Return a part of a log that is followed, None where the backend has to be asked."""
        tail = self._tails.get((run_id, step_id))
        return None if tail is None or offset is None else tail.part(offset, limit)

    def follow(self, call: Call, run_id: str, step_id: str, connection: Connection) -> None:
        """Write a line to the request's log each time that a step's log grows, until it has ended or nobody waits."""
        # Only the embedded backend sends a part: what is old of a long log is not read at all there.
        start = read_part(run_id, step_id, None, 1, connection) if connection.kind == "embedded" else Part(0, b"", True)
        tail = LogTail(max(start.start + len(start.data) - LARGEST_PART, 0))
        stream = connection.read(
            log_path(run_id, step_id) + "?follow=true",
            part=f"{tail.end}-{_WITHOUT_END}",
            what=f"follow the log of step {step_id}",
        )
        reader = threading.Thread(target=_read, args=(stream, tail), name="kfops-log", daemon=True)
        try:
            reader.start()
            self._tails[run_id, step_id] = tail
            while reader.is_alive() or tail.news.is_set():
                if tail.news.wait(_PATIENCE):
                    tail.news.clear()
                    call.log_line("changed")
                    time.sleep(_LEAST)
                call.check()
            # A run that is retried writes the log anew.
            self._tails.pop((run_id, step_id), None)
            call.cancelled.wait(_AFTER_THE_END)
        finally:
            self._tails.pop((run_id, step_id), None)
            stream.close()


def _read(stream: ByteStream, tail: LogTail) -> None:
    try:
        for piece in iter(stream.read, b""):
            tail.add(piece)
        tail.finish()
    except ConnectionFailed:
        tail.news.set()  # whoever follows it asks, and is told why
