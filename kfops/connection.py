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

from kfops import embedded
from kfops.config import Config, load
from kfops.credentials import TokenFile, claims_of, find_token
from kfops.endpoint import Endpoint
from kfops.errors import ConnectionFailed, InvalidInput
from kfops.probe import Health, address, probe
from kfops.refusals import of_api_exception
from kfops.sdk import make_client, set_headers
from kfops.streaming import LineStream
from kfops.surroundings import own_namespace, own_user, versions
from kfops.types import ConnectionStatus, Run

__all__ = ["Connection", "choice_of", "connect", "named_cluster", "versions"]

Result = TypeVar("Result")

#: The API's address for whoever is in the cluster.
IN_CLUSTER = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"

_ENDPOINT_VARIABLE = "KF_PIPELINES_ENDPOINT"
#: Ended runs that a connection keeps in mind.
_REMEMBERED = 1000

#: Where workflows of a single-user installation, and of the embedded backend, live.
_SINGLE_USER_NAMESPACE = "kubeflow"


class Connection(Endpoint):
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
        super().__init__(host, token)
        self._use = use
        self._cluster = cluster
        self.health = health
        self.kind = "embedded" if health.embedded else "cluster"
        self.multi_user = health.multi_user
        self.namespace = _SINGLE_USER_NAMESPACE if health.embedded else namespace
        if not (self.namespace or health.multi_user):
            self.namespace = _SINGLE_USER_NAMESPACE
        self.ui_url = ui_url
        self._ended: Dict[str, Run] = {}
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


def choice_of(connection: Connection, config: Config) -> str:
    """Return the choice that leads to a connection made by ``config``, whatever else that names later."""
    cluster = named_cluster(config)
    return "cluster" if cluster and connection.host == address(cluster) else "embedded"


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
