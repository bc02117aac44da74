"""The Kubernetes Job that builds one image with Kaniko, as data.

Kaniko reads the context from S3 (MinIO) itself and writes the image's digest where Kubernetes picks it up as the
container's termination message. Keys stand in Secrets; the manifest only refers to them.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

from kfops.images.reference import parse

#: Kaniko's own image, of a fixed version: ``latest`` would be another program tomorrow.
EXECUTOR = "gcr.io/kaniko-project/executor:v1.23.2"

#: The Secret with docker's config.json, where the registry wants a log-in.
DOCKER_CONFIG = "docker-config"

#: Seconds after which a build is given up, and after which a finished Job is removed if we could not do it.
DEADLINE = 2 * 3600
KEPT = 3600


@dataclass(frozen=True)
class ContextObject:
    """The context in an S3 store: ``<scheme>://<endpoint>``, and the Secret with the keys to it."""

    endpoint: str
    bucket: str
    key: str
    secret: str
    access_key_field: str = "accesskey"
    secret_key_field: str = "secretkey"  # noqa: S105 - the name of a field
    secure: bool = False


def job_name(image: str) -> str:
    """Return a new name for the build of an image: valid for a Job and for the labels of its pod, and unique."""
    readable = re.sub(r"[^a-z0-9]+", "-", image.lower()).strip("-")[:40].rstrip("-")
    return f"kfops-build-{readable}-{secrets.token_hex(4)}"


def manifest(
    name: str, *, image: str, reference: str, context: ContextObject, insecure: bool = False
) -> dict[str, Any]:
    """Return the Job.

    Parameters
    ----------
    name
        The Job's name, as ``job_name`` makes it.
    image
        What the pipeline calls the image.
    reference
        ``<registry>/<name>:<tag>``, what is pushed.
    context
        Where the context is, as a tar.gz.
    insecure
        The registry speaks plain HTTP.

    Returns
    -------
    dict
        A ``batch/v1`` Job. It is tried once: a Dockerfile that fails would fail again.
    """
    target = parse(reference)
    labels = {
        "app.kubernetes.io/managed-by": "kfops",
        "app.kubernetes.io/component": "image-build",
        "kfops.dev/image": _label(image),
        "kfops.dev/version-id": _label(target.tag),
    }
    container = {
        "name": "kaniko",
        "image": EXECUTOR,
        "args": _arguments(str(target), context, insecure=insecure),
        "env": _environment(context),
        "resources": {
            "requests": {"cpu": "500m", "memory": "1Gi"},
            "limits": {"cpu": "2", "memory": "4Gi"},
        },
        # The digest when it went well, the log's end when it did not.
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "docker-config", "mountPath": "/kaniko/.docker", "readOnly": True}],
    }
    pod: dict[str, Any] = {
        # Istio's sidecar never ends by itself, and a Job ends when all of its containers have.
        "metadata": {"labels": dict(labels), "annotations": {"sidecar.istio.io/inject": "false"}},
        "spec": {
            "restartPolicy": "Never",
            # What a Dockerfile runs has no business with the Kubernetes API.
            "automountServiceAccountToken": False,
            "containers": [container],
            "volumes": [{"name": "docker-config", "secret": {"secretName": DOCKER_CONFIG, "optional": True}}],
        },
    }
    # Istio reads the label where it is new and the annotation where it is old.
    pod["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE,
            "ttlSecondsAfterFinished": KEPT,
            "template": pod,
        },
    }


def _arguments(reference: str, context: ContextObject, *, insecure: bool) -> list[str]:
    target = parse(reference)
    arguments = [
        f"--context=s3://{context.bucket}/{context.key}",
        "--dockerfile=Dockerfile",
        f"--destination={reference}",
        "--cache=true",
        # Beside the image, not below it as by default: Docker Hub has no repositories below repositories.
        f"--cache-repo={target.host}/{target.repository}-cache",
        "--digest-file=/dev/termination-log",
        "--push-retry=3",
    ]
    if insecure:
        arguments += ["--insecure", f"--insecure-registry={target.host}"]
    return arguments


def _environment(context: ContextObject) -> list[dict[str, Any]]:
    def kept(variable: str, key: str) -> dict[str, Any]:
        return {"name": variable, "valueFrom": {"secretKeyRef": {"name": context.secret, "key": key}}}

    return [
        kept("AWS_ACCESS_KEY_ID", context.access_key_field),
        kept("AWS_SECRET_ACCESS_KEY", context.secret_key_field),
        {"name": "AWS_REGION", "value": "us-east-1"},
        {"name": "S3_ENDPOINT", "value": f"{'https' if context.secure else 'http'}://{context.endpoint}"},
        {"name": "S3_FORCE_PATH_STYLE", "value": "true"},
    ]


def _label(text: str) -> str:
    """Return ``text`` as the value of a label: at most 63 characters, beginning and ending with one that counts."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:63].strip("-._")
