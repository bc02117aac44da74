"""Which model store: config.yaml's, else the one of the connection."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from kfops.errors import ModelError
from kfops.models.deposit import DEFAULT_BUCKET, DEFAULT_ENDPOINT
from kfops.models.folder import FolderStore
from kfops.models.s3 import S3Store
from kfops.models.store import ModelStore

#: The Secret that Kubeflow makes in every profile, with the keys ``accesskey`` and ``secretkey``.
CLUSTER_SECRET = "mlpipeline-minio-artifact"  # noqa: S105 - its name


def open_store(config: Any = None, connection: Any = None, *, location: str = "") -> ModelStore:
    """Return the model store.

    Parameters
    ----------
    config
        By default config.yaml; its ``models.store`` decides where it is set.
    connection
        Else the connection: the embedded backend has ``<data folder>/models``, a cluster ``s3://trained-models``.
    location
        A folder or ``s3://bucket[/prefix]`` that goes before both.

    Raises
    ------
    ModelError
        The keys of an S3 store cannot be found.
    """
    if config is None:
        from kfops import config as configuration

        config = configuration.load()
    wanted = location or config.models.store
    if wanted.startswith("s3://"):
        return _s3(wanted, config, connection)
    if wanted:
        return FolderStore(Path(config.root) / Path(wanted).expanduser() if not location else wanted)
    if connection is None:
        from kfops.connection import connect

        connection = connect(config)
    place = unnamed_place(connection)
    return _s3(place, config, connection) if place.startswith("s3://") else FolderStore(place)


def unnamed_place(connection: Any) -> str:
    """Return where models go when neither config.yaml nor the pipeline says; no keys are needed to know it."""
    return str(embedded_folder()) if connection.kind == "embedded" else f"s3://{DEFAULT_BUCKET}"


def embedded_folder() -> Path:
    """Return the folder in which the embedded backend's models are."""
    from kfops.local.folder import data_folder

    return data_folder() / "models"


def _s3(location: str, config: Any, connection: Any) -> S3Store:
    models = config.models
    access, secret = _keys(config, connection)
    return S3Store(
        location,
        endpoint=models.endpoint or DEFAULT_ENDPOINT,
        access_key=access,
        secret_key=secret,
        secure=models.secure,
    )


def _keys(config: Any, connection: Any) -> tuple[str, str]:
    """Return the keys from the environment, else from the Secret in the namespace."""
    models = config.models
    names = (models.access_key_env or "MINIO_ACCESS_KEY", models.secret_key_env or "MINIO_SECRET_KEY")
    access, secret = (os.environ.get(name, "") for name in names)
    if access and secret:
        return access, secret
    if models.access_key_env or models.secret_key_env:
        absent = " and ".join(name for name in names if not os.environ.get(name))
        raise ModelError(
            "The keys of the model store are not there.",
            why=f"The environment has no {absent}, which config.yaml names.",
            remedy=f"Set {absent} before Jupyter or the command is started.",
        )
    return _from_secret(models.secret or CLUSTER_SECRET, getattr(connection, "namespace", "") or "kubeflow")


def _from_secret(name: str, namespace: str) -> tuple[str, str]:
    from kubernetes import client, config
    from kubernetes.client.rest import ApiException

    try:
        try:
            config.load_incluster_config()
        except config.ConfigException:
            config.load_kube_config()
        data = client.CoreV1Api().read_namespaced_secret(name, namespace, _request_timeout=5).data or {}
        access, secret = (base64.b64decode(data[key]).decode("utf-8") for key in ("accesskey", "secretkey"))
        return access, secret
    except KeyError as error:
        why = f"The Secret {name} in {namespace} has no key {error}."
    except ApiException as error:
        why = f"Reading the Secret {name} in {namespace} was refused: {error.status} {error.reason}."
    except Exception as error:  # no cluster, an unreadable kubeconfig, a network that does not answer
        why = f"There is no access to a cluster that has the Secret {name}: {type(error).__name__}."
    raise ModelError(
        "The keys of the model store are not there.",
        why=why,
        remedy="Set MINIO_ACCESS_KEY and MINIO_SECRET_KEY, or name the Secret in models.secret of config.yaml.",
    )
