"""Who answers at a host, and does it let us in: known within three seconds, with the cause where it does not.

``kfp.Client`` 1.7.0 asks the same question five times at five seconds and then forgets the answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Optional
from urllib.parse import quote, urlsplit

from kfops.credentials import Claims, claims_of
from kfops.errors import ConnectionFailed, InvalidInput, KfopsError
from kfops.refusals import explain, is_page, no_api
from kfops.transport import Response, request

#: Seconds that a probe takes at most, all its requests together.
PATIENCE = 2.8

#: Bytes of an answer that a probe reads.
_LARGEST = 64 * 1024


@dataclass(frozen=True)
class Health:
    """What Kubeflow Pipelines says about itself."""

    multi_user: bool
    tag_name: str = ""
    commit_sha: str = ""

    @property
    def embedded(self) -> bool:
        """Whether it is the embedded backend of kfops."""
        return self.tag_name.startswith("kfops-local")


def probe(host: str, token: str = "", *, namespace: str = "", timeout: float = PATIENCE) -> Health:
    """Ask ``host`` who it is, and in a multi-user cluster whether we may list experiments in ``namespace``.

    Raises
    ------
    ConnectionFailed
        With ``details["kind"]`` naming the cause.
    """
    deadline = time.monotonic() + timeout
    claims = claims_of(token) if token else None
    answer = request("GET", f"{host}/apis/v1beta1/healthz", token=token, timeout=timeout, largest=_LARGEST)
    health = _health(answer, host, token, claims)
    if health.multi_user:
        # healthz is open to everybody there, so it says nothing about the token.
        query = "?page_size=1"
        if namespace:
            query += f"&resource_reference_key.type=NAMESPACE&resource_reference_key.id={quote(namespace, safe='')}"
        left = max(0.1, deadline - time.monotonic())
        url = f"{host}/apis/v1beta1/experiments{query}"
        answer = request("GET", url, token=token, timeout=left, largest=_LARGEST)
        refusal = _refusal(answer, host, token, claims, "list experiments")
        # Without a namespace the right answer to the question is 400, and whoever gets it has been let in.
        if refusal is not None and (namespace or answer.status != 400):
            raise refusal
    return health


def address(host: str) -> str:
    """Return ``host`` as an address to build on: with its scheme, without a slash at the end.

    Names that only a cluster or this machine knows get ``http://``, as nothing there speaks TLS; others ``https://``.

    Raises
    ------
    InvalidInput
        When it is no address, or holds a user name and password.
    """
    text = host.strip()
    if "://" not in text:
        name = text.split("/")[0].rsplit(":", 1)[0]
        inside = name in ("localhost", "127.0.0.1", "[::1]") or name.endswith((".svc", ".svc.cluster.local", ".local"))
        text = ("http://" if inside else "https://") + text
    text = text.rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(c.isspace() or not c.isprintable() for c in text):
        raise InvalidInput(
            "The host is not an address.",
            why="It must look like http://name:port or https://name/pipeline.",
            remedy="Correct connection.host in config.yaml, KF_PIPELINES_ENDPOINT or the argument host.",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInput(
            "The host holds more than an address.",
            why="A user name, a password or a query does not belong there; they would show up in messages.",
            remedy="Give the bare address; a token is read from the file named by token_path.",
        )
    return text


def _health(answer: Response, host: str, token: str, claims: Optional[Claims]) -> Health:
    body = _words(answer, token)
    data = answer.json()
    if answer.status < 300 and isinstance(data, dict) and {"multi_user", "commit_sha", "tag_name"} & set(data):
        return Health(
            multi_user=data.get("multi_user") is True,
            tag_name=str(data.get("tag_name") or ""),
            commit_sha=str(data.get("commit_sha") or ""),
        )
    if is_page(body) or answer.status in (401, 403) or 300 <= answer.status < 400:
        refusal = _refusal(answer, host, token, claims, "say how it is")
        if isinstance(refusal, ConnectionFailed):
            raise refusal
    raise no_api(answer.status, body, host=host)


def _refusal(answer: Response, host: str, token: str, claims: Optional[Claims], what: str) -> Optional[KfopsError]:
    body = _words(answer, token)
    if answer.status < 300 and not is_page(body):
        return None
    location = answer.headers.get("location", "")
    return explain(answer.status, body, host=host, what=what, location=location, claims=claims)


def _words(answer: Response, token: str) -> str:
    """Return the answer's text without the token, should the server repeat it."""
    return answer.text().replace(token, "(token)") if token else answer.text()
