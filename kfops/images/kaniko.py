"""Kaniko: an image built by a Job in the cluster that this notebook runs in.

The context goes to S3 (the cluster's MinIO unless config.yaml says otherwise), the Job builds and pushes, its pod's
log is followed, and what was made for it is removed again.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from kfops.errors import BuildFailed, ConfigError
from kfops.images.builder import Builder, OnLog
from kfops.images.context import Context
from kfops.images.kaniko_job import ContextObject, job_name, manifest
from kfops.images.kaniko_pod import Ended, PodFollower
from kfops.images.process import CancelledError

if TYPE_CHECKING:
    from kfops.config_schema import Config, Minio

#: Where Kubernetes puts a pod's own identity.
_IDENTITY = Path("/var/run/secrets/kubernetes.io/serviceaccount")

#: Kubeflow's own object store, and the Secret that it puts into every profile's namespace.
_ENDPOINT = "minio-service.kubeflow:9000"
_SECRET = "mlpipeline-minio-artifact"  # noqa: S105 - the name of a Secret


class Keys(NamedTuple):
    """The two keys of an S3 store."""

    access: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(...)"


class KanikoBuilder(Builder):
    """Builds with Kaniko.

    Parameters
    ----------
    config
        Its ``image_builder.minio``.
    batch, core, objects, namespace
        In place of the cluster's own: ``BatchV1Api``, ``CoreV1Api``, a function from (endpoint, keys, secure) to a
        ``minio.Minio``, and the namespace of the Job.
    """

    name = "kaniko"

    def __init__(
        self,
        config: Config,
        *,
        batch: Any = None,
        core: Any = None,
        objects: Callable[[str, Keys, bool], Any] | None = None,
        namespace: str = "",
        interval: float = 1.0,
    ) -> None:
        self._minio = config.image_builder.minio
        self._batch = batch
        self._core = core
        self._objects = objects or _minio_client
        self._namespace = namespace
        self._interval = interval

    def unusable(self) -> str:
        """Return why it cannot build here, "" when it can."""
        if self._batch is not None:
            return ""
        if not os.environ.get("KUBERNETES_SERVICE_HOST"):
            return "not in a cluster"
        if not (_IDENTITY / "token").is_file():
            return "this pod has no service account"
        return ""

    def build(
        self,
        context: Context,
        reference: str,
        *,
        insecure: bool = False,
        on_log: OnLog | None = None,
        cancelled: threading.Event | None = None,
    ) -> str:
        """Build ``context`` in the cluster, as ``Builder.build`` says."""
        self._connect()
        name = job_name(context.name)
        keys, secret = self._keys(name)
        place = self._place(name, secret or name)
        store = self._objects(place.endpoint, keys, place.secure)
        try:
            _upload(store, place, context)
            if not secret:
                self._make_secret(name, keys)
            job = manifest(name, image=context.name, reference=reference, context=place, insecure=insecure)
            self._create(job, temporary_secret=not secret)
            follower = PodFollower(self._core, self._namespace, name, interval=self._interval)
            ended = follower.follow(on_log or (lambda line: None), cancelled)
        except CancelledError:
            raise BuildFailed(f"Building image '{context.name}' was cancelled.", image=context.name) from None
        finally:
            self._clean_up(name, place, store, temporary_secret=not secret)
        return _digest(context.name, ended)

    def _connect(self) -> None:
        if self._batch is not None:
            return
        from kubernetes import client, config

        config.load_incluster_config()
        self._batch, self._core = client.BatchV1Api(), client.CoreV1Api()
        self._namespace = self._namespace or (_IDENTITY / "namespace").read_text("utf-8").strip()

    def _place(self, name: str, secret: str) -> ContextObject:
        endpoint, secure = _endpoint(self._minio)
        bucket = self._minio.context_files_bucket_name
        return ContextObject(endpoint=endpoint, bucket=bucket, key=f"{name}.tar.gz", secret=secret, secure=secure)

    def _keys(self, name: str) -> Any:
        """Return the keys, and the Secret that has them ("" when one must be made for the Job)."""
        given = keys_in_config(self._minio)
        if given is not None:
            return given, ""
        secret = self._minio.secret or _SECRET
        try:
            data = self._core.read_namespaced_secret(secret, self._namespace).data or {}
            return Keys(_decoded(data["accesskey"]), _decoded(data["secretkey"])), secret
        except Exception as error:
            why = "It has no accesskey and secretkey." if isinstance(error, KeyError) else _reason(error)
            raise BuildFailed(
                f"The keys of the object store cannot be read from Secret {secret} in namespace {self._namespace}.",
                why=why,
                remedy="Name another Secret in config.yaml: image_builder.minio.secret, with accesskey and secretkey.",
            ) from None

    def _make_secret(self, name: str, keys: Keys) -> None:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "kfops"}},
            "stringData": {"accesskey": keys.access, "secretkey": keys.secret},
        }
        self._ask("create Secrets", lambda: self._core.create_namespaced_secret(self._namespace, body))

    def _create(self, job: dict[str, Any], *, temporary_secret: bool) -> None:
        made = self._ask("create Jobs", lambda: self._batch.create_namespaced_job(self._namespace, job))
        if temporary_secret:
            # Should this process die, the Secret goes when Kubernetes removes the Job.
            name = job["metadata"]["name"]
            owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": made.metadata.uid}
            patch = {"metadata": {"ownerReferences": [owner]}}
            self._ask("change Secrets", lambda: self._core.patch_namespaced_secret(name, self._namespace, patch))

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            raise BuildFailed(
                "The image build could not be started in the cluster.",
                why=_reason(error),
                remedy=f"Ask the cluster's administrator to let this notebook's service account {what} in namespace "
                f"{self._namespace}."
                if getattr(error, "status", None) == 403
                else "Try again; if it stays, look at the cluster's events.",
            ) from None

    def _clean_up(self, name: str, place: ContextObject, store: Any, *, temporary_secret: bool) -> None:
        gone: dict[str, Any] = {"propagation_policy": "Background"}
        steps: list[Callable[[], Any]] = [
            lambda: self._batch.delete_namespaced_job(name, self._namespace, **gone),
            lambda: store.remove_object(place.bucket, place.key),
        ]
        if temporary_secret:
            steps.append(lambda: self._core.delete_namespaced_secret(name, self._namespace))
        for step in steps:
            try:
                step()
            except Exception:  # noqa: S110 - it may never have been made; the Job's time to live sees to the rest
                pass


def keys_in_config(settings: Minio, environment: dict[str, str] | None = None) -> Keys | None:
    """Return the keys that config.yaml gives, or names as environment variables; None when it leaves them to a Secret.

    Raises
    ------
    ConfigError
        A variable that it names is not set.
    """
    if settings.credentials is not None:
        kept = settings.credentials
        return Keys(kept.access_key.get_secret_value(), kept.secret_key.get_secret_value())
    if not settings.access_key_env or not settings.secret_key_env:
        return None
    variables = os.environ if environment is None else environment
    for variable in (settings.access_key_env, settings.secret_key_env):
        if not variables.get(variable):
            raise ConfigError(
                f"The environment variable {variable} is not set.",
                why="config.yaml names it in image_builder.minio as a key of the object store.",
                remedy=f"Set {variable}, or name a Secret in image_builder.minio.secret.",
                key="image_builder.minio",
            )
    return Keys(variables[settings.access_key_env], variables[settings.secret_key_env])


def _endpoint(settings: Minio) -> Any:
    named = (settings.credentials.endpoint if settings.credentials is not None else "") or settings.endpoint
    scheme, _, rest = (named or _ENDPOINT).rpartition("://")
    return rest.rstrip("/"), settings.secure or scheme == "https"


def _minio_client(endpoint: str, keys: Keys, secure: bool) -> Any:
    import minio
    import urllib3

    # minio's own client waits minutes for a store that does not answer.
    patience = urllib3.Timeout(connect=3.0, read=60.0)
    pool = urllib3.PoolManager(timeout=patience, retries=urllib3.Retry(total=2, backoff_factor=0.2))
    return minio.Minio(
        endpoint, access_key=keys.access, secret_key=keys.secret, secure=secure, region="us-east-1", http_client=pool
    )


def _upload(store: Any, place: ContextObject, context: Context) -> None:
    with tempfile.TemporaryFile(prefix="kfops-context-") as archive:
        context.write(archive)
        size = archive.tell()
        archive.seek(0)
        try:
            if not store.bucket_exists(place.bucket):
                store.make_bucket(place.bucket)
            store.put_object(place.bucket, place.key, archive, size, content_type="application/gzip")
        except Exception as error:
            raise BuildFailed(
                f"The context of image '{context.name}' could not be put into the object store at {place.endpoint}.",
                why=_reason(error),
                remedy="Check image_builder.minio in config.yaml: endpoint (host:port), secret and bucket.",
                image=context.name,
            ) from None


def _digest(image: str, ended: Ended) -> str:
    found = re.search(r"sha256:[0-9a-f]{64}", ended.message) if ended.code == 0 else None
    if found:
        return found.group(0)
    last = next((line for line in reversed(ended.lines) if line.strip()), "")
    raise BuildFailed(
        f"Image '{image}' was not built.",
        why=(ended.message if ended.code < 0 else last or ended.message)
        or f"Kaniko ended with exit code {ended.code}.",
        remedy="See the log's last lines.",
        image=image,
        log="\n".join(ended.lines) or ended.message,
    )


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode("utf-8").strip()


def _reason(error: Exception) -> str:
    """Return why a request failed, in one line and without its headers, which may carry a token."""
    status = getattr(error, "status", None)
    if status:
        return f"The cluster answered {status} {getattr(error, 'reason', '') or ''}".strip() + "."
    code = getattr(error, "code", None)
    message = getattr(error, "message", None)
    if code and message:
        return f"{code}: {message}"
    return f"{type(error).__name__}: {error}".splitlines()[0]
