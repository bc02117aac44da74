"""Which backend, as whom, in which namespace; and the way to ask it for something.

The order: arguments, what was chosen for the project (``kfops.use``), ``connection:`` in config.yaml,
``KF_PIPELINES_ENDPOINT``, the PodDefault's token (which stands for the cluster it is in), else the embedded backend. A
cluster that is named but does not work is an error, never a reason to fall back.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Optional, TypeVar
from urllib.parse import urlencode

from kfops import embedded
from kfops.config import Config, load
from kfops.credentials import Claims, TokenFile, claims_of, find_token
from kfops.errors import BackendError, ConnectionFailed, InvalidInput
from kfops.probe import Health, address, probe
from kfops.refusals import explain, is_page, of_api_exception
from kfops.sdk import make_client, set_headers
from kfops.streaming import ByteStream, LineStream
from kfops.surroundings import own_namespace, own_user, versions
from kfops.transport import Response, request
from kfops.types import ConnectionStatus, Run

__all__ = ["Connection", "connect", "named_cluster", "versions"]

Result = TypeVar("Result")

#: The API's address for whoever is in the cluster.
IN_CLUSTER = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"

_ENDPOINT_VARIABLE = "KF_PIPELINES_ENDPOINT"
#: Ended runs that a connection keeps in mind.
_REMEMBERED = 1000

#: Where workflows of a single-user installation, and of the embedded backend, live.
_SINGLE_USER_NAMESPACE = "kubeflow"


class Connection:
    """A backend that was reached, and the means to ask it. Make one with :func:`connect`.

    Attributes
    ----------
    kind
        ``embedded`` or ``cluster``.
    host
        Its address, without a slash at the end.
    namespace
        Where runs happen.
    multi_user
        Whether the backend keeps users apart by namespace.
    ui_url
        Where its web pages are, "" when that is not known.
    """

    def __init__(
        self,
        host: str,
        health: Health,
        *,
        token: Optional[TokenFile],
        namespace: str,
        ui_url: str,
        use: str = "auto",
        cluster: str = "",
    ) -> None:
        self.host = host
        self._use = use
        self._cluster = cluster
        self.health = health
        self.kind = "embedded" if health.embedded else "cluster"
        self.multi_user = health.multi_user
        self.namespace = _SINGLE_USER_NAMESPACE if health.embedded else namespace
        if not (self.namespace or health.multi_user):
            self.namespace = _SINGLE_USER_NAMESPACE
        self.ui_url = ui_url
        self._headers: Dict[str, str] = {}
        self._ended: Dict[str, Run] = {}
        self._token = token
        self._client: Any = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Connection {self.kind} {self.host} as {self.identity or 'nobody'} in {self.namespace}>"

    @property
    def identity(self) -> str:
        """Whom the backend takes us for, "" when it is not known."""
        return own_user() if self.kind == "embedded" else self._claims().subject

    @property
    def client(self) -> Any:
        """The ``kfp.Client``, made when first asked for."""
        with self._lock:
            if self._client is None:
                self._client = make_client(
                    self.host, self._token, namespace=self.required_namespace(), ui_host=self.ui_url
                )
                set_headers(self._client, self._headers)
            return self._client

    def follow(self, config: Config) -> Connection:
        """Let the embedded backend execute from now on what is started here as ``config`` says; return this."""
        if self.kind == "embedded":
            with self._lock:
                self._headers = embedded.headers(config)
                set_headers(self._client, self._headers)
        return self

    def required_namespace(self) -> str:
        """Return the namespace that API calls must name: "" in single-user mode, where none may be named.

        Raises
        ------
        InvalidInput
            When the backend wants one and none is known.
        """
        if not self.multi_user:
            return ""
        if not self.namespace:
            raise InvalidInput(
                "No namespace is known.",
                why="This backend keeps users apart by namespace, and nothing here says which is yours.",
                remedy="Set connection.namespace in config.yaml to your Kubeflow profile.",
            )
        return self.namespace

    def get(self, path: str, *, timeout: float = 60.0, what: str = "answer") -> bytes:
        """Return what the backend has at ``path`` below the host.

        Raises
        ------
        NotFound, BackendError, ConnectionFailed
            With the server's own words.
        """
        return self._ask("GET", path, None, timeout, what).body

    def get_json(self, path: str, query: Optional[Dict[str, Any]] = None, *, what: str = "answer") -> Dict[str, Any]:
        """Return the object that the backend has at ``path``; ``query`` is without its empty values."""
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return self._object(self._ask("GET", path + (f"?{urlencode(given)}" if given else ""), None, 30.0, what), what)

    def post_json(self, path: str, body: Dict[str, Any], *, what: str = "answer") -> Dict[str, Any]:
        """Send an object and return the one that comes back."""
        return self._object(self._ask("POST", path, body, 30.0, what), what)

    def delete(self, path: str, *, what: str = "answer") -> None:
        """Delete what is at ``path``."""
        self._ask("DELETE", path, None, 30.0, what)

    def stream(self, path: str) -> Optional[LineStream]:
        """Return the lines that a backend sends at ``path`` as things change, None where it has no such thing.

        Raises
        ------
        ConnectionFailed
            It does not answer.
        """
        if self.kind != "embedded":
            return None
        token = self._read_token()
        stream = LineStream(self.host + path, {"Authorization": f"Bearer {token}"})
        if stream.status == 200:
            return stream
        stream.close()
        return None

    def read(self, path: str, *, part: str = "", what: str = "answer") -> ByteStream:
        """Return the bytes at ``path`` as they come.

        ``part`` is the range that is asked for, as ``0-99`` or ``-100``. Of a backend that knows ranges the status is
        then 206, or 416 where there is nothing in it; of any other 200, and the bytes are all there are.

        Raises
        ------
        NotFound, BackendError, ConnectionFailed
            With the server's own words.
        """
        token = self._read_token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        stream = ByteStream(self.host + path, {**headers, **({"Range": f"bytes={part}"} if part else {})})
        if stream.status < 300 or stream.status == 416:
            return stream
        text = stream.read().decode("utf-8", errors="replace")
        stream.close()
        claims = claims_of(token) if token else None
        raise explain(stream.status, text, host=self.host, what=what, location="", token=token, claims=claims)

    def call(self, what: str, ask: Callable[[Any], Result]) -> Result:
        """Return ``ask(client)``, with what ``kfp.Client`` raises turned into our errors.

        Examples
        --------
        >>> connection.call("read the pipeline", lambda client: client.get_pipeline(pipeline_id))  # doctest: +SKIP
        """
        client = self.client
        import urllib3  # kfp's, which raises its errors
        from kfp_server_api import ApiException

        try:
            return ask(client)
        except ApiException as error:
            token = self._read_token()
            claims = claims_of(token) if token else None
            raise of_api_exception(error, host=self.host, what=what, token=token, claims=claims) from None
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionFailed(
                f"{self.host} does not answer.",
                why=f"The connection broke while we tried to {what} ({type(error).__name__}).",
                remedy="Check that the backend is running, and try again.",
                kind="timeout" if isinstance(error, urllib3.exceptions.TimeoutError) else "refused",
                host=self.host,
            ) from None

    def remember(self, run: Run) -> None:
        """Keep in mind how a run ended: lists of Kubeflow Pipelines say less of it than its detail did."""
        with self._lock:
            self._ended[run.id] = replace(run, graph=None)
            if len(self._ended) > _REMEMBERED:
                del self._ended[next(iter(self._ended))]

    def remembered(self, run_id: str) -> Optional[Run]:
        """Return a run as it was seen when it had ended, or None."""
        return self._ended.get(run_id)

    def status(self) -> ConnectionStatus:
        """Return who we are where; the backend is asked again, and ``error`` says why it is not usable."""
        problem = None
        try:
            probe(self.host, self._read_token(), namespace=self.namespace if self.multi_user else "")
        except ConnectionFailed as error:
            problem = error.to_dict()
        return ConnectionStatus(
            kind=self.kind,
            host=self.host,
            identity=self.identity,
            namespace=self.namespace,
            multi_user=self.multi_user,
            token_expires_at=self._claims().expires_at,
            versions={**versions(), "backend": self.health.tag_name},
            use=self._use,
            cluster=self._cluster,
            error=problem,
        )

    def _ask(self, method: str, path: str, body: Optional[Any], timeout: float, what: str) -> Response:
        token = self._read_token()
        answer = request(method, self.host + path, token=token, body=body, timeout=timeout, headers=self._headers)
        page = is_page(answer.text()[:200]) and "html" in answer.headers.get("content-type", "html")
        if answer.status >= 300 or page:
            raise explain(
                answer.status,
                answer.text(),
                host=self.host,
                what=what,
                location=answer.headers.get("location", ""),
                token=token,
                claims=claims_of(token) if token else None,
            )
        if not answer.complete:
            raise BackendError(
                f"The backend could not {what}.",
                why="The connection broke in the middle of the answer.",
                remedy="Try again in a moment.",
                status=answer.status,
            )
        return answer

    def _object(self, answer: Response, what: str) -> Dict[str, Any]:
        data = answer.json()
        if not isinstance(data, dict):
            raise BackendError(
                f"The backend could not {what}.",
                why="Its answer is not the JSON object that Kubeflow Pipelines sends.",
                remedy=f"Check that {self.host} is Kubeflow Pipelines: kfops status",
                status=answer.status,
            )
        return data

    def _read_token(self) -> str:
        return self._token.read() if self._token is not None else ""

    def _claims(self) -> Claims:
        try:
            return claims_of(self._read_token())
        except ConnectionFailed:
            return Claims()


def connect(
    config: Optional[Config] = None,
    *,
    host: Optional[str] = None,
    namespace: Optional[str] = None,
    token_path: Optional[str] = None,
    kind: Optional[str] = None,
) -> Connection:
    """Reach the backend, or say within three seconds why that is not possible.

    Parameters
    ----------
    config
        The configuration, ``kfops.config.load()`` by default.
    host, namespace, token_path
        Go before what the configuration and the environment say.
    kind
        ``embedded``, ``cluster`` or ``auto``; like ``host`` it goes before what was chosen for the project.

    Raises
    ------
    ConnectionFailed
        Nobody answers, or does not let us in; ``details["kind"]`` names the cause.
    LocalBackendError
        The embedded backend does not start.

    Examples
    --------
    >>> connect(kind="embedded").status().kind  # doctest: +SKIP
    'embedded'
    """
    config = config or load()
    named = config.connection
    kind = _kind(kind or (named.kind if host else config.backend), host)
    space = namespace or named.namespace or config.pipeline.namespace or own_namespace()
    token = find_token(token_path or _below(config.root, named.token_path))
    where = host or _named_host(config)
    choice = {"use": config.chosen, "cluster": named_cluster(config)}
    if kind == "embedded" or (kind == "auto" and not where and embedded.is_meant(token)):
        where, own = embedded.start(token if kind == "auto" else None, config)
        found = Connection(where, probe(where, own.read()), token=own, namespace="", ui_url=named.ui_url, **choice)
        return found.follow(config)
    where = address(where or IN_CLUSTER)
    text = token.read() if token is not None else ""
    if token is not None and not space:
        space = claims_of(text).namespace
    health = probe(where, text, namespace=space)
    return Connection(where, health, token=token, namespace=space, ui_url=named.ui_url, **choice).follow(config)


def named_cluster(config: Config) -> str:
    """Return the address of the cluster that config.yaml or the environment names, "" where neither does."""
    token = find_token(_below(config.root, config.connection.token_path))
    inside = "KUBERNETES_SERVICE_HOST" in os.environ or not embedded.is_meant(token)
    return _named_host(config) or (IN_CLUSTER if inside or config.connection.kind == "cluster" else "")


def _named_host(config: Config) -> str:
    return config.connection.host or os.environ.get(_ENDPOINT_VARIABLE) or ""


def _kind(kind: str, host: Optional[str]) -> str:
    if kind not in ("auto", "embedded", "cluster"):
        raise InvalidInput(f"{kind!r} is no kind of connection.", remedy="Use embedded, cluster or auto.")
    if kind == "embedded" and host:
        raise InvalidInput(
            "An embedded backend has no host to choose.",
            why="It is started here, on demand, at an address of its own.",
            remedy="Leave out either kind='embedded' or the host.",
        )
    return kind


def _below(root: Path, path: str) -> Optional[str]:
    return str(root / Path(path).expanduser()) if path else None
