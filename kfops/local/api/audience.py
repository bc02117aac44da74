"""The open connections to which the same messages go.

A message is put into the socket's buffer at once; one that does not fit is finished by the stream. Nothing else is
kept for a reader who is slow: it misses what comes meanwhile, and is sent the whole state when it is ready again.
"""

from __future__ import annotations

import asyncio
from typing import Callable

from tornado.iostream import IOStream, StreamClosedError

#: Seconds after which it is looked again whether a slow reader is ready.
_LOOK_AGAIN = 0.5


class Audience:
    """Connections that listen.

    Parameters
    ----------
    fresh
        Returns the message that a reader needs who has missed some.
    emptied
        Called when the last connection has gone.
    """

    def __init__(self, fresh: Callable[[], bytes], emptied: Callable[[], None]) -> None:
        self._fresh = fresh
        self._emptied = emptied
        self._streams: set[IOStream] = set()
        self._behind: set[IOStream] = set()
        self._look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: IOStream, first: bytes) -> None:
        """Listen from now on with ``stream``, whose first message is ``first``."""
        self._streams.add(stream)
        stream.set_close_callback(lambda: self._drop(stream))
        self._put(stream, first)

    def send(self, message: bytes) -> None:
        """Send a message to everyone who is ready for it."""
        for stream in list(self._streams):
            if stream in self._behind:
                continue
            if stream.writing():
                self._behind.add(stream)
            else:
                self._put(stream, message)
        if self._behind and self._look is None:
            self._look = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._catch_up)

    def close(self) -> None:
        """Close every connection."""
        for stream in list(self._streams):
            stream.close()

    def _catch_up(self) -> None:
        self._look = None
        for stream in [stream for stream in self._behind if not stream.writing()]:
            self._behind.discard(stream)
            self._put(stream, self._fresh())
        if self._behind:
            self._look = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._catch_up)

    def _put(self, stream: IOStream, message: bytes) -> None:
        """Send what the socket takes now; a stream's own way through its buffers costs three times as much."""
        try:
            sent = 0 if stream.writing() else stream.socket.send(message)
        except BlockingIOError:
            sent = 0
        except (OSError, AttributeError):
            stream.close()
            return
        if sent < len(message):
            try:
                stream.write(message[sent:])
            except StreamClosedError:
                self._drop(stream)

    def _drop(self, stream: IOStream) -> None:
        if stream in self._streams:
            self._streams.discard(stream)
            self._behind.discard(stream)
            if not self._streams:
                self._emptied()
