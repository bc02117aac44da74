"""One HTTP request with a deadline for the whole of it.

``urllib3`` and ``requests`` time each read; a server that sends a byte a second keeps them for ever. Here the clock
covers the name look-up, the connection, the TLS handshake and every byte of the answer. Nothing is retried.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from kfops.errors import ConnectionFailed

#: An answer larger than this is not read further.
LARGEST_ANSWER = 256 * 1024 * 1024


@dataclass(frozen=True)
class Response:
    """An answer: ``headers`` by lower-case name; ``complete`` is False where the body stopped early."""

    status: int
    headers: Dict[str, str]
    body: bytes = field(repr=False)
    complete: bool = True

    def json(self) -> Any:
        """Return the body as data, or None where it is not JSON."""
        try:
            return json.loads(self.body.decode("utf-8"))
        except ValueError:
            return None

    def text(self) -> str:
        """Return the body as text, whatever its bytes are."""
        return self.body.decode("utf-8", errors="replace")


def request(
    method: str,
    url: str,
    *,
    token: str = "",
    body: Optional[Any] = None,
    timeout: float = 30.0,
    largest: int = LARGEST_ANSWER,
    headers: Optional[Mapping[str, str]] = None,
) -> Response:
    """Send one request and return whatever answer comes, of any status; redirects are not followed.

    Parameters
    ----------
    token
        Sent as ``Authorization: Bearer``; "" sends none.
    body
        Data that is sent as JSON.
    timeout
        Seconds for everything together.
    largest
        Bytes of the answer's body that are read at most.
    headers
        Sent beside those of every request.

    Raises
    ------
    ConnectionFailed
        When no HTTP answer comes: kinds ``unknown_host``, ``refused``, ``tls``, ``timeout`` and ``not_kfp``.
    """
    deadline = time.monotonic() + timeout
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc}"
    connection = http.client.HTTPConnection(parts.hostname or "", _port(url))
    sent = {"Accept": "application/json", "Connection": "close", "User-Agent": "kfops", **(headers or {})}
    payload = None
    if token:
        sent["Authorization"] = f"Bearer {token}"
    if body is not None:
        payload = json.dumps(body).encode("utf-8")
        sent["Content-Type"] = "application/json"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    real: Optional[socket.socket] = None
    try:
        real = _open(url, deadline)
        connection.sock = _DeadlineSocket(real, deadline)
        connection.request(method, target, body=payload, headers=sent)
        return _read(connection.getresponse(), largest)
    except socket.gaierror as error:
        raise ConnectionFailed(
            f"The name {parts.hostname} is not known here.",
            why=error.strerror or "the name look-up failed",
            remedy="Check the spelling of the host; a name ending in .svc.cluster.local is known only in its cluster.",
            kind="unknown_host",
            host=place,
        ) from None
    except ssl.SSLError as error:
        raise ConnectionFailed(
            f"No secure connection to {place}.",
            why=_tls_reason(error),
            remedy="Use http:// where the server speaks plain HTTP, or name its certificate in SSL_CERT_FILE.",
            kind="tls",
            host=place,
        ) from None
    except socket.timeout:
        raise _silence(place, timeout) from None
    except ConnectionRefusedError:
        raise _refused(f"Nothing listens at {place}.", "The connection was refused.", place) from None
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
        raise _refused(f"{place} closed the connection.", "It took the request and sent no answer.", place) from None
    except OSError as error:
        raise _refused(f"{place} cannot be reached.", f"{error.strerror or 'The network failed'}.", place) from None
    except (http.client.HTTPException, ValueError) as error:
        raise ConnectionFailed(
            f"What answers at {place} does not speak HTTP.",
            why=f"The answer cannot be read ({type(error).__name__}).",
            remedy="Check host and port: Kubeflow Pipelines answers on 8888 (API) or below /pipeline (UI).",
            kind="not_kfp",
            host=place,
        ) from None
    finally:
        connection.close()
        if real is not None:
            real.close()


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _open(url: str, deadline: float) -> socket.socket:
    parts = urlsplit(url)
    host = parts.hostname or ""
    problem: OSError = socket.timeout()
    for family, kind, protocol, address in _addresses(host, _port(url), deadline):
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(_left(deadline))
            plain.connect(address)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if parts.scheme != "https":
                return plain
            plain.settimeout(_left(deadline))
            return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except OSError as error:
            plain.close()
            problem = error
            if isinstance(error, ssl.SSLError):
                break
    raise problem


def _addresses(host: str, port: int, deadline: float) -> List[Tuple[Any, Any, int, Any]]:
    """Look the name up in a thread of its own, for getaddrinfo knows no time limit."""
    found: List[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=look_up, name="kfops-look-up", daemon=True)
    thread.start()
    thread.join(_left(deadline))
    if not found:
        raise socket.timeout()
    if isinstance(found[0], UnicodeError):
        raise socket.gaierror(socket.EAI_NONAME, "not a host name")
    if isinstance(found[0], OSError):
        raise found[0]
    return [(family, kind, protocol, address) for family, kind, protocol, _, address in found[0]]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout()
    return left


def _read(answer: http.client.HTTPResponse, largest: int) -> Response:
    headers = {name.lower(): value for name, value in answer.getheaders()}
    pieces: List[bytes] = []
    size, complete = 0, True
    try:
        while size < largest:
            piece = answer.read1(65536)
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        # What is short of its own Content-Length was cut off.
        complete = not answer.length
    except http.client.IncompleteRead:
        complete = False
    except OSError:
        # The status is known by now, and says more than the missing rest of an error page.
        if answer.status < 400:
            raise
        complete = False
    return Response(answer.status, headers, b"".join(pieces), complete)


def _refused(message: str, why: str, place: str) -> ConnectionFailed:
    return ConnectionFailed(
        message,
        why=why,
        remedy="Check host and port, and that the server (or the port-forward) is running.",
        kind="refused",
        host=place,
    )


def _silence(place: str, timeout: float) -> ConnectionFailed:
    return ConnectionFailed(
        f"{place} does not answer.",
        why=f"There was no whole answer within {timeout:.0f} s.",
        remedy="Check host and port, and whether a firewall or a network policy stands between.",
        kind="timeout",
        host=place,
    )


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not trusted: {error.verify_message}."
    reason = (error.reason or "").replace("_", " ").lower()
    return f"The TLS handshake failed: {reason or 'unknown reason'}."


class _DeadlineSocket:
    """A socket for http.client that gives each read and write only the time that is left."""

    def __init__(self, real: socket.socket, deadline: float) -> None:
        self._real = real
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._real.settimeout(_left(self._deadline))
        self._real.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._real, self._deadline), 65536)

    def close(self) -> None:
        """Leave it open: http.client closes its socket while the rest of the answer is still to be read."""


class _DeadlineReader(io.RawIOBase):
    def __init__(self, real: socket.socket, deadline: float) -> None:
        super().__init__()
        self._real = real
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._real.settimeout(_left(self._deadline))
        return self._real.recv_into(buffer)
