"""A loopback server that misbehaves on purpose, one way at a time."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Optional

HEALTHY = {"multi_user": False, "commit_sha": "abc", "tag_name": "1.7.0"}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: Dict[str, str]


@dataclass
class FaultyServer:
    """What a test sees: the address, and what has been asked of it."""

    url: str
    asked: List[Asked] = field(default_factory=list)


Answer = Callable[[socket.socket, Asked, threading.Event], None]


def answering(status: int, body: str = "", *, kind: str = "text/plain", headers: str = "") -> Answer:
    """Return the behaviour of one that answers always the same."""

    def answer(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
        data = body.encode("utf-8")
        head = f"HTTP/1.1 {status} Some reason\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
        connection.sendall(head.encode("ascii") + data)

    return answer


def answering_json(data: object, status: int = 200) -> Answer:
    """Return the behaviour of one that answers with data."""
    return answering(status, json.dumps(data), kind="application/json")


def by_path(answers: Dict[str, Answer], otherwise: Optional[Answer] = None) -> Answer:
    """Return the behaviour of one that looks at the beginning of the path."""

    def answer(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
        for start, chosen in answers.items():
            if asked.target.startswith(start):
                return chosen(connection, asked, closing)
        return (otherwise or answering(404, "404 page not found"))(connection, asked, closing)

    return answer


def silent(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
    """Take the request and never answer."""
    closing.wait(30)


def dripping(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
    """Send a byte of a header every now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not closing.wait(0.2):
        connection.sendall(b"a")


def dripping_body(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
    """Send the headers at once and the body a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not closing.wait(0.2):
        connection.sendall(b" ")


def garbage(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
    """Answer with something that is not HTTP."""
    connection.sendall(b"\x00\xffSSH-2.0-something\r\n\r\n")


def closing_at_once(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
    """Close the connection without a word."""


@contextmanager
def serving(answer: Answer) -> Iterator[FaultyServer]:
    """Serve ``answer`` on a port of the system's choice."""
    closing = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    server = FaultyServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threads: List[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(30)
            try:
                asked = _read(connection)
                if asked is not None:
                    server.asked.append(asked)
                    answer(connection, asked, closing)
            except OSError:
                pass  # the client has given up

    def accept() -> None:
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        closing.set()
        # Closing alone does not wake an accept() on Linux.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(5)


def _read(connection: socket.socket) -> Optional[Asked]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
        if not data[:1].isalpha():
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # a TLS greeting
            return None
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, target, _ = first.split(" ")
    return Asked(method, target, headers)
