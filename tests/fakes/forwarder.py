"""Something between a server and its clients that keeps what is asked."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from typing import Iterator, List

_REQUEST = re.compile(rb"^((?:GET|POST|PUT|PATCH|DELETE) \S+) HTTP/1\.1\r$", re.MULTILINE)


class Forwarder:
    """Passes on what comes, byte by byte; ``asked`` has the method and the target of each request."""

    def __init__(self, host: str, port: int) -> None:
        self.asked: List[str] = []
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: List[socket.socket] = [self._listener]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for pair in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(1 << 16)
                if not data:
                    break
                if asks:
                    self.asked += [line.decode() for line in _REQUEST.findall(data)]
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def forwarding(host: str, port: int) -> Iterator[Forwarder]:
    """Forward to a server until the end of the block."""
    forwarder = Forwarder(host, port)
    try:
        yield forwarder
    finally:
        forwarder.close()
