"""An answer that goes on: lines that a backend sends as things change."""

from __future__ import annotations

import http.client
import select
import socket
import time
from typing import Mapping, Optional
from urllib.parse import urlsplit

from kfops.errors import ConnectionFailed

#: Seconds without a sign of life after which the backend is taken for gone; it gives one every 15.
SILENCE = 40.0

_TIME_TO_BEGIN = 10.0
_PIECE = 256 * 1024


class ByteStream:
    """The bytes of an answer, read as they come; ``status`` and ``headers`` (by lower-case name) are the answer's.

    One thread reads; another one may close it meanwhile, which ends the reading.

    Raises
    ------
    ConnectionFailed
        Nobody answers. So does ``read`` when the connection breaks.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host = f"{parts.scheme}://{parts.netloc}"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_TIME_TO_BEGIN)
        try:
            connection.connect()
            # Kept: the connection lets go of its socket when the answer is the last one.
            self._socket: socket.socket = connection.sock
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=dict(headers))
            self._answer = connection.getresponse()
            self._socket.settimeout(None)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _broken(self._host, type(error).__name__) from None
        self.status = self._answer.status
        self.headers = {name.lower(): value for name, value in self._answer.getheaders()}

    def read(self) -> bytes:
        """Return what comes next, b"" at the end."""
        try:
            return self._answer.read1(_PIECE)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _broken(self._host, type(error).__name__) from None

    def close(self) -> None:
        """Read no more; who waits in ``read`` is let go."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has gone already
        self._socket.close()


class LineStream:
    """The lines of an answer over plain HTTP, read as they come; ``status`` is that of the answer.

    Raises
    ------
    ConnectionFailed
        Nobody answers. So do ``line`` and ``wait`` when the stream has ended or has been silent for too long.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host = f"{parts.scheme}://{parts.netloc}"
        self._buffer = b""
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        try:
            self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), _TIME_TO_BEGIN)
            connection.sock = self._socket
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=dict(headers))
            self._answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _broken(self._host, type(error).__name__) from None
        self.status = self._answer.status
        self._reader = self._answer.fp
        # From here on select says when there is something; what came with the head is in the reader's buffer.
        self._socket.setblocking(False)
        self._heard = time.monotonic()
        self._is_ready = False

    def line(self) -> Optional[bytes]:
        """Return the next line if it is here, else None."""
        while b"\n" not in self._buffer:
            try:
                piece = self._reader.read1(1 << 20)
            except OSError as error:
                raise _broken(self._host, type(error).__name__) from None
            if not piece:
                if self._is_ready:
                    raise _broken(self._host, "it has ended")
                return None
            self._buffer += piece
            self._heard, self._is_ready = time.monotonic(), False
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def wait(self, timeout: float) -> None:
        """Wait until something has come, at most ``timeout`` seconds."""
        self._is_ready = bool(select.select([self._socket], [], [], max(timeout, 0.0))[0])
        if not self._is_ready and time.monotonic() - self._heard > SILENCE:
            raise _broken(self._host, "it is silent")

    def close(self) -> None:
        """Read no more."""
        self._answer.close()
        self._socket.close()


def _broken(host: str, why: str) -> ConnectionFailed:
    return ConnectionFailed(
        f"{host} no longer tells what changes.",
        why=f"The stream broke: {why}.",
        remedy="Check that the backend is running, and try again.",
        kind="refused",
        host=host,
    )
