"""A build with Kaniko against an object that answers as the cluster's API does."""

from __future__ import annotations

import base64
import copy
import json
import threading
import time
from types import SimpleNamespace

import pytest

from kfops.config_schema import Config
from kfops.errors import BuildFailed, ConfigError
from kfops.images import builder
from kfops.images.context import from_text
from kfops.images.kaniko import KanikoBuilder, Keys, keys_in_config

DIGEST = "sha256:" + "5f" * 32
CONTEXT = from_text("trainer", "FROM scratch")
REFERENCE = "ghcr.io/acme/trainer:5f0c"


class RefusedError(Exception):
    """As kubernetes.client.ApiException."""

    def __init__(self, status, reason):
        super().__init__(f"({status})\nHTTP response headers: Authorization: Bearer s3cret")
        self.status, self.reason = status, reason


def pod(state=None, phase="Running", **status):
    containers = [{"name": "kaniko", "state": state}] if state else []
    content = {"metadata": {"name": "pod-1"}, "status": {"phase": phase, "container_statuses": containers, **status}}
    return SimpleNamespace(to_dict=lambda: copy.deepcopy(content))


PENDING = pod(phase="Pending")
RUNNING = pod({"running": {"started_at": "now"}})
SUCCEEDED = pod({"terminated": {"exit_code": 0, "message": DIGEST}}, phase="Succeeded")


class Cluster:
    """BatchV1Api, CoreV1Api and the object store in one, remembering what was done."""

    def __init__(self, *pods, logs=(b"",), secret=None, fail=()):
        self.pods = list(pods)
        self.logs = list(logs)
        self.secret = {"accesskey": "minio", "secretkey": "minio123"} if secret is None else secret
        self.fail = dict(fail)
        self.done = []
        self.bodies = []
        self.objects = {}
        self.keys = None

    def _do(self, what, body=None):
        if what in self.fail:
            raise self.fail[what]
        self.done.append(what)
        if body is not None:
            self.bodies.append(copy.deepcopy(body))

    def create_namespaced_job(self, namespace, body):
        assert namespace == "ada"
        self._do("create job", body)
        return SimpleNamespace(metadata=SimpleNamespace(uid="uid-1"))

    def delete_namespaced_job(self, name, namespace, propagation_policy):
        assert propagation_policy == "Background"
        self._do("delete job")

    def create_namespaced_secret(self, namespace, body):
        self._do("create secret", body)

    def patch_namespaced_secret(self, name, namespace, body):
        self._do("own secret", body)

    def delete_namespaced_secret(self, name, namespace):
        self._do("delete secret")

    def read_namespaced_secret(self, name, namespace):
        self._do(f"read secret {name}")
        return SimpleNamespace(data={k: base64.b64encode(v.encode()).decode() for k, v in self.secret.items()})

    def list_namespaced_pod(self, namespace, label_selector):
        self.selector = label_selector
        now = self.pods.pop(0) if len(self.pods) > 1 else self.pods[0]
        if isinstance(now, Exception):
            raise now
        return SimpleNamespace(items=[now] if now else [])

    def read_namespaced_pod_log(self, name, namespace, follow, _preload_content):
        assert follow
        assert not _preload_content
        log = self.logs.pop(0) if len(self.logs) > 1 else self.logs[0]
        pieces = [log[start : start + 7] for start in range(0, len(log), 7)]
        return SimpleNamespace(stream=lambda: iter(pieces), release_conn=lambda: None)

    def bucket_exists(self, bucket):
        self._do("look for bucket")
        return bucket in self.objects

    def make_bucket(self, bucket):
        self._do("make bucket")
        self.objects[bucket] = {}

    def put_object(self, bucket, key, stream, size, content_type):
        self.objects[bucket][key] = stream.read()
        assert len(self.objects[bucket][key]) == size

    def remove_object(self, bucket, key):
        del self.objects[bucket][key]
        self._do("remove object")


def kaniko(cluster, **minio):
    settings = {"container_registry_uri": "ghcr.io/acme", "minio": minio}
    config = Config.model_validate({"image_builder": settings})

    def objects(endpoint, keys, secure):
        cluster.endpoint, cluster.keys, cluster.secure = endpoint, keys, secure
        return cluster

    return KanikoBuilder(config, batch=cluster, core=cluster, objects=objects, namespace="ada", interval=0.01)


def test_a_build_uploads_runs_follows_and_cleans_up():
    cluster = Cluster(
        None, PENDING, RUNNING, RUNNING, SUCCEEDED, logs=[b"INFO one\nINFO two\n", b"INFO one\nINFO two\nend"]
    )
    lines = []
    assert kaniko(cluster).build(CONTEXT, REFERENCE, on_log=lines.append) == DIGEST
    assert lines == ["INFO one", "INFO two", "end"]
    assert cluster.done == [
        "read secret mlpipeline-minio-artifact",
        "look for bucket",
        "make bucket",
        "create job",
        "delete job",
        "remove object",
    ]
    assert (cluster.endpoint, cluster.secure) == ("minio-service.kubeflow:9000", False)
    assert cluster.keys == Keys("minio", "minio123")
    assert cluster.objects == {"image-build-artifacts": {}}
    [job] = cluster.bodies
    assert cluster.selector == f"job-name={job['metadata']['name']}"
    assert "minio123" not in json.dumps(job)


def test_keys_of_config_yaml_go_into_a_secret_of_the_builds_own_and_nowhere_else():
    cluster = Cluster(SUCCEEDED)
    credentials = {"endpoint": "https://s3.example.org", "access_key": "AKIA", "secret_key": "s3cret"}
    assert kaniko(cluster, credentials=credentials).build(CONTEXT, REFERENCE) == DIGEST
    secret, job, owner = cluster.bodies
    assert secret["stringData"] == {"accesskey": "AKIA", "secretkey": "s3cret"}
    assert secret["metadata"]["name"] == job["metadata"]["name"]
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["env"][1]["valueFrom"]["secretKeyRef"] == {"name": secret["metadata"]["name"], "key": "secretkey"}
    assert "s3cret" not in json.dumps(job)
    assert owner["metadata"]["ownerReferences"][0]["uid"] == "uid-1"
    assert cluster.done[-3:] == ["delete job", "remove object", "delete secret"]
    assert (cluster.endpoint, cluster.secure) == ("s3.example.org", True)


def test_keys_named_as_variables_are_read_from_the_environment():
    minio = Config.model_validate(
        {"image_builder": {"container_registry_uri": "x", "minio": {"access_key_env": "A", "secret_key_env": "S"}}}
    ).image_builder.minio
    assert keys_in_config(minio, {"A": "one", "S": "two"}) == Keys("one", "two")
    with pytest.raises(ConfigError, match="S is not set"):
        keys_in_config(minio, {"A": "one"})
    assert "two" not in repr(Keys("one", "two"))


def test_a_build_that_fails_tells_its_last_lines_and_is_cleaned_up():
    failed = pod({"terminated": {"exit_code": 1, "message": "tail"}}, phase="Failed")
    cluster = Cluster(RUNNING, failed, logs=[b"INFO RUN false\nerror building image: exit status 1\n"])
    with pytest.raises(BuildFailed, match="trainer") as caught:
        kaniko(cluster).build(CONTEXT, REFERENCE)
    assert caught.value.why == "error building image: exit status 1"
    assert caught.value.details["log"] == "INFO RUN false\nerror building image: exit status 1"
    assert cluster.done[-2:] == ["delete job", "remove object"]


def test_a_pod_that_ends_well_without_a_digest_is_no_success():
    cluster = Cluster(pod({"terminated": {"exit_code": 0, "message": ""}}, phase="Succeeded"))
    with pytest.raises(BuildFailed):
        kaniko(cluster).build(CONTEXT, REFERENCE)


def test_a_push_that_fails_is_no_success_though_kaniko_has_written_the_digest_before_it():
    failed = pod({"terminated": {"exit_code": 1, "message": DIGEST}}, phase="Failed")
    with pytest.raises(BuildFailed) as caught:
        kaniko(Cluster(failed, logs=[b"error pushing image: UNAUTHORIZED\n"])).build(CONTEXT, REFERENCE)
    assert caught.value.why == "error pushing image: UNAUTHORIZED"


def test_an_executor_that_cannot_be_pulled_ends_the_build_at_once():
    cluster = Cluster(pod({"waiting": {"reason": "ImagePullBackOff", "message": "gcr.io: no route"}}, phase="Pending"))
    with pytest.raises(BuildFailed, match="did not start") as caught:
        kaniko(cluster).build(CONTEXT, REFERENCE)
    assert caught.value.why == "ImagePullBackOff: gcr.io: no route"
    assert "delete job" in cluster.done


def test_an_evicted_pod_is_told_with_its_reason():
    cluster = Cluster(RUNNING, pod(phase="Failed", message="The node was low on resource: ephemeral-storage."))
    with pytest.raises(BuildFailed) as caught:
        kaniko(cluster).build(CONTEXT, REFERENCE)
    assert "ephemeral-storage" in caught.value.why


def test_waiting_for_a_node_is_said_once():
    waiting = [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient memory"}]
    unscheduled = pod(phase="Pending", conditions=waiting)
    lines = []
    kaniko(Cluster(unscheduled, unscheduled, SUCCEEDED)).build(CONTEXT, REFERENCE, on_log=lines.append)
    assert lines == ["waiting for a node: 0/3 nodes: Insufficient memory"]


def test_a_cluster_that_stumbles_is_asked_again():
    cluster = Cluster(RefusedError(500, "oops"), RUNNING, ConnectionError("reset"), SUCCEEDED)
    assert kaniko(cluster).build(CONTEXT, REFERENCE) == DIGEST


def test_a_cluster_that_is_gone_ends_the_build():
    cluster = Cluster(RefusedError(500, "oops"))
    with pytest.raises(BuildFailed, match="cannot be asked"):
        kaniko(cluster).build(CONTEXT, REFERENCE)


@pytest.mark.parametrize(
    ("what", "told"),
    [("create job", "create Jobs"), ("read secret mlpipeline-minio-artifact", "image_builder.minio.secret")],
)
def test_what_the_service_account_may_not_do_is_named_and_no_token_is_shown(what, told):
    cluster = Cluster(SUCCEEDED, fail={what: RefusedError(403, "Forbidden")})
    with pytest.raises(BuildFailed) as caught:
        kaniko(cluster).build(CONTEXT, REFERENCE)
    assert told in caught.value.remedy
    assert "403 Forbidden" in caught.value.why
    assert "s3cret" not in str(caught.value)


def test_a_store_that_refuses_is_named():
    cluster = Cluster(SUCCEEDED, fail={"look for bucket": OSError("connection refused")})
    with pytest.raises(BuildFailed, match=r"minio-service\.kubeflow:9000"):
        kaniko(cluster).build(CONTEXT, REFERENCE)
    assert "create job" not in cluster.done


def test_a_secret_without_the_keys_is_named():
    with pytest.raises(BuildFailed, match="my-keys") as caught:
        kaniko(Cluster(SUCCEEDED, secret={"user": "x"}), secret="my-keys").build(CONTEXT, REFERENCE)
    assert "accesskey" in caught.value.why


def test_cancelling_ends_a_silent_build_and_removes_its_job():
    cluster = Cluster(RUNNING)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    start = time.monotonic()
    with pytest.raises(BuildFailed, match="cancelled"):
        kaniko(cluster).build(CONTEXT, REFERENCE, cancelled=stop)
    assert time.monotonic() - start < 20
    assert cluster.done[-2:] == ["delete job", "remove object"]


def test_the_real_client_takes_the_manifest():
    """The kubernetes client turns attribute names and models; ours is plain data, which it must pass as it is."""
    client = pytest.importorskip("kubernetes").client
    job = kaniko_job()
    assert client.ApiClient().sanitize_for_serialization(job) == job


def kaniko_job():
    cluster = Cluster(SUCCEEDED)
    kaniko(cluster).build(CONTEXT, REFERENCE)
    return cluster.bodies[0]


def test_outside_a_cluster_kaniko_is_not_chosen_and_says_so(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    config = Config.model_validate({"image_builder": {"container_registry_uri": "x", "builder": "kaniko"}})
    with pytest.raises(builder.NoBuilder, match="kaniko") as caught:
        builder.choose(config)
    assert "not in a cluster" in caught.value.why
