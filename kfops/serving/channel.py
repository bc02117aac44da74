"""JSON messages, one a line, over a socket; read by one thread, written by any."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any, Dict, Iterator


class Channel:
    """The worker's end of the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = connection.makefile("rb")
        self._lock = threading.Lock()

    def messages(self) -> Iterator[Dict[str, Any]]:
        """Yield what the server sends, until it closes its end."""
        try:
            for line in self._reader:
                yield json.loads(line)
        except ConnectionError:
            return

    def send(self, message: Dict[str, Any]) -> None:
        """Send a message; one that the server no longer takes is dropped."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                self._socket.sendall(line)
            except OSError:
                # The server has gone: `messages` ends too, and with it the worker.
                pass
