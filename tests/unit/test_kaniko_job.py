"""The Job that builds an image in the cluster, as data."""

from __future__ import annotations

import json
import re

import pytest

from kfops.images.kaniko_job import ContextObject, job_name, manifest

PLACE = ContextObject(endpoint="minio-service.kubeflow:9000", bucket="contexts", key="build-1.tar.gz", secret="keys")


def made(**options):
    return manifest("build-1", image="trainer", reference="ghcr.io/acme/trainer:5f0c", context=PLACE, **options)


def kept(variable, field):
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": "keys", "key": field}}}


def test_the_whole_job():
    labels = {
        "app.kubernetes.io/managed-by": "kfops",
        "app.kubernetes.io/component": "image-build",
        "kfops.dev/image": "trainer",
        "kfops.dev/version-id": "5f0c",
    }
    assert made() == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "build-1", "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": 7200,
            "ttlSecondsAfterFinished": 3600,
            "template": {
                "metadata": {
                    "labels": {**labels, "sidecar.istio.io/inject": "false"},
                    "annotations": {"sidecar.istio.io/inject": "false"},
                },
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "containers": [
                        {
                            "name": "kaniko",
                            "image": "gcr.io/kaniko-project/executor:v1.23.2",
                            "args": [
                                "--context=s3://contexts/build-1.tar.gz",
                                "--dockerfile=Dockerfile",
                                "--destination=ghcr.io/acme/trainer:5f0c",
                                "--cache=true",
                                "--cache-repo=ghcr.io/acme/trainer-cache",
                                "--digest-file=/dev/termination-log",
                                "--push-retry=3",
                            ],
                            "env": [
                                kept("AWS_ACCESS_KEY_ID", "accesskey"),
                                kept("AWS_SECRET_ACCESS_KEY", "secretkey"),
                                {"name": "AWS_REGION", "value": "us-east-1"},
                                {"name": "S3_ENDPOINT", "value": "http://minio-service.kubeflow:9000"},
                                {"name": "S3_FORCE_PATH_STYLE", "value": "true"},
                            ],
                            "resources": {
                                "requests": {"cpu": "500m", "memory": "1Gi"},
                                "limits": {"cpu": "2", "memory": "4Gi"},
                            },
                            "terminationMessagePath": "/dev/termination-log",
                            "terminationMessagePolicy": "FallbackToLogsOnError",
                            "volumeMounts": [
                                {"name": "docker-config", "mountPath": "/kaniko/.docker", "readOnly": True}
                            ],
                        }
                    ],
                    "volumes": [{"name": "docker-config", "secret": {"secretName": "docker-config", "optional": True}}],
                },
            },
        },
    }


def test_only_variables_that_are_no_secret_have_a_value():
    [container] = made()["spec"]["template"]["spec"]["containers"]
    assert {entry["name"] for entry in container["env"] if "value" in entry} == {
        "AWS_REGION",
        "S3_ENDPOINT",
        "S3_FORCE_PATH_STYLE",
    }


def test_an_insecure_registry_is_named_to_kaniko_and_only_then():
    arguments = made(insecure=True)["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-2:] == ["--insecure", "--insecure-registry=ghcr.io"]
    assert "insecure" not in json.dumps(made())


def test_docker_hub_gets_a_whole_reference_and_a_cache_that_it_can_have():
    job = manifest("build-1", image="trainer", reference="acme/trainer:5f0c", context=PLACE)
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--destination=docker.io/acme/trainer:5f0c" in arguments
    assert "--cache-repo=docker.io/acme/trainer-cache" in arguments


@pytest.mark.parametrize("image", ["trainer", "a.b_c/d--e", "x" * 200, "9"])
def test_names_and_labels_are_what_kubernetes_takes_and_no_two_alike(image):
    names = {job_name(image) for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) and len(name) <= 63 for name in names)
    job = manifest(names.pop(), image=image, reference=f"ghcr.io/{image}:{'v' * 100}", context=PLACE)
    for value in job["spec"]["template"]["metadata"]["labels"].values():
        assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", value)
        assert len(value) <= 63
