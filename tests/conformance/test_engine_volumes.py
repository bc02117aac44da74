"""Volumes as folders: claims that outlive a run, what only one step has, and what containers of one step share."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import kfp
import pytest
import yaml
from kfp import dsl
from kfp.dsl._resource_op import kubernetes_resource_delete_op

from kfops.errors import UnsupportedWorkflow
from kfops.local.engine import check
from kfops.local.executors.process import ProcessExecutor
from tests.fakes.engine import Ended, dag, engine_in, executed, shell, task, workflow

MANIFEST = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: '%s'}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
"""


def compiled(pipeline: Any, folder: Path) -> dict[str, Any]:
    package = folder / "pipeline.yaml"
    kfp.compiler.Compiler().compile(pipeline, str(package))
    return yaml.safe_load(package.read_text())  # type: ignore[no-any-return]


def claim(name: str, action: str = "create", **fields: Any) -> dict[str, Any]:
    resource = {"action": action, "manifest": MANIFEST % name, **fields}
    return {"name": f"{action}-claim", "resource": resource}


def mounting(name: str, script: str, volume: dict[str, Any], **mount: Any) -> dict[str, Any]:
    """Return a template of a step with one volume, seen at /mnt/data."""
    made = shell(name, script, volumes=[{"name": "v", **volume}])
    made["container"]["volumeMounts"] = [{"name": "v", "mountPath": "/mnt/data", **mount}]
    return made


def pvc(name: str, **fields: Any) -> dict[str, Any]:
    return {"persistentVolumeClaim": {"claimName": name, **fields}}


def one(template: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return workflow(dag("main", task(template["name"])), template, **spec)


def failure(ended: Ended, node: str) -> str:
    assert ended.nodes[node]["phase"] in ("Failed", "Error"), ended.nodes[node]
    return str(ended.nodes[node]["message"])


@pytest.mark.parametrize("namespaces", [True, False], ids=["isolated", "rewritten"])
def test_steps_hand_on_files_in_a_claim_that_the_pipeline_creates(tmp_path: Path, namespaces: bool) -> None:
    @dsl.pipeline(name="volume")
    def pipeline() -> None:
        volume = dsl.VolumeOp(name="create", resource_name="data", size="2Gi", modes=dsl.VOLUME_MODE_RWM)
        first = dsl.ContainerOp(
            "first", "busybox", ["sh", "-c", "echo one >/mnt/data/file"], pvolumes={"/mnt/data": volume.volume}
        )
        dsl.ContainerOp(
            "second",
            "busybox",
            ["sh", "-c", f"cat /other/file; echo {volume.outputs['name']} {volume.outputs['size']}"],
            pvolumes={"/other": first.pvolume},
        )

    ended = executed(compiled(pipeline, tmp_path), tmp_path, executor=ProcessExecutor(namespaces=namespaces))
    assert ended.phase == "Succeeded", ended.status
    assert ended.log("second") == "one\nwf-data 2Gi\n"
    manifest = json.loads(ended.output("create", "create-manifest"))
    assert manifest["metadata"]["name"] == "wf-data"
    assert manifest["status"]["phase"] == "Bound"
    assert ended.nodes["create"]["type"] == "Pod"
    assert "persistentvolumeclaim/wf-data created" in ended.log("create")


def test_a_claim_outlives_its_run_until_it_is_deleted(tmp_path: Path) -> None:
    made = workflow(dag("main", task("create-claim"), task("a", after=("create-claim",))), claim("data"))
    made["spec"]["templates"].append(mounting("a", "echo kept >/mnt/data/file", pvc("data")))
    assert executed(made, tmp_path).phase == "Succeeded"
    assert executed(one(mounting("a", "cat /mnt/data/file", pvc("data"))), tmp_path).log("a") == "kept\n"

    @dsl.pipeline(name="cleanup")
    def cleanup() -> None:
        kubernetes_resource_delete_op(name="data", kind="PersistentVolumeClaim")

    deleted = executed(compiled(cleanup, tmp_path), tmp_path)
    assert deleted.phase == "Succeeded", deleted.status
    assert deleted.log("kubernetes-resource-delete") == "persistentvolumeclaim/data\n"
    assert 'persistentvolumeclaim "data" not found' in failure(
        executed(one(mounting("a", "true", pvc("data"))), tmp_path), "a"
    )


def test_a_claim_that_exists_is_not_created_again(tmp_path: Path) -> None:
    assert executed(one(claim("data")), tmp_path).phase == "Succeeded"
    again = executed(one(claim("data")), tmp_path / "." / ".")
    assert again.phase == "Succeeded", "the same step again, as after a crash of the backend"
    other = workflow(dag("main", task("x", "create-claim")), claim("data"))
    ended = executed(other, tmp_path)
    assert (ended.phase, ended.nodes["x"]["phase"]) == ("Failed", "Failed")
    assert 'persistentvolumeclaims "data" already exists' in failure(ended, "x")
    assert executed(one(claim("data", "apply")), tmp_path).phase == "Succeeded"
    assert executed(one(claim("data", "get")), tmp_path).phase == "Succeeded"
    assert executed(one(claim("data", "delete")), tmp_path).phase == "Succeeded"
    assert "not found" in failure(executed(one(claim("data", "delete")), tmp_path), "delete-claim")
    assert executed(one(claim("data", "delete", flags=["--ignore-not-found"])), tmp_path).phase == "Succeeded"


def test_a_folder_made_by_hand_is_a_claim(tmp_path: Path) -> None:
    (tmp_path / "volumes" / "mine").mkdir(parents=True)
    (tmp_path / "volumes" / "mine" / "file").write_text("by hand\n")
    (tmp_path / "volumes" / "linked").symlink_to(tmp_path / "volumes" / "mine")
    for name in ("mine", "linked"):
        assert executed(one(mounting(name, "cat /mnt/data/file", pvc(name))), tmp_path).log(name) == "by hand\n"
    assert executed(one(claim("linked", "delete")), tmp_path).phase == "Succeeded"
    assert (tmp_path / "volumes" / "mine" / "file").exists(), "what a link leads to is not ours to delete"


def test_a_claim_that_nobody_made_fails_the_step_and_says_what_to_do(tmp_path: Path) -> None:
    ended = executed(one(mounting("a", "true", pvc("none"))), tmp_path)
    assert ended.nodes["a"]["phase"] == "Error"
    message = failure(ended, "a")
    assert message.startswith('persistentvolumeclaim "none" not found')
    assert str(tmp_path / "volumes" / "none") in message


def test_claims_are_not_taken_from_the_cache(tmp_path: Path) -> None:
    cached = claim("{{workflow.name}}-data")
    cached["metadata"] = {"labels": {"pipelines.kubeflow.org/enable_caching": "true"}}

    async def twice() -> None:
        async with engine_in(tmp_path) as runs:
            for name in ("first", "second"):
                assert (await runs.run(one(cached), run_id=name, name=name)).phase == "Succeeded"

    asyncio.run(twice())
    assert sorted(path.name for path in tmp_path.glob("volumes/*-data")) == ["first-data", "second-data"]


@pytest.mark.parametrize("namespaces", [True, False], ids=["isolated", "rewritten"])
def test_a_part_of_a_volume_is_mounted_by_its_sub_path(tmp_path: Path, namespaces: bool) -> None:
    (tmp_path / "volumes" / "data").mkdir(parents=True)
    template = mounting("a", "echo x >/mnt/data/y", pvc("data"), subPath="runs/{{workflow.name}}")
    ended = executed(one(template), tmp_path, executor=ProcessExecutor(namespaces=namespaces))
    assert ended.phase == "Succeeded", ended.status
    assert (tmp_path / "volumes" / "data" / "runs" / "wf" / "y").read_text() == "x\n"


def test_a_sub_path_must_not_lead_out_of_its_volume(tmp_path: Path) -> None:
    (tmp_path / "volumes" / "data").mkdir(parents=True)
    (tmp_path / "volumes" / "data" / "link").symlink_to("/etc")
    for inner in ("../other", "/etc", "link"):
        message = failure(executed(one(mounting("a", "true", pvc("data"), subPath=inner)), tmp_path), "a")
        assert "subPath" in message


def test_a_read_only_mount_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "volumes" / "data").mkdir(parents=True)
    for template in (
        mounting("a", "touch /mnt/data/x", pvc("data"), readOnly=True),
        mounting("a", "touch /mnt/data/x", pvc("data", readOnly=True)),
    ):
        ended = executed(one(template), tmp_path)
        assert ended.phase == "Failed"
        assert "Read-only" in ended.log("a")


@pytest.mark.parametrize("namespaces", [True, False], ids=["isolated", "rewritten"])
def test_outputs_are_taken_from_volumes_and_inputs_put_there(tmp_path: Path, namespaces: bool) -> None:
    (tmp_path / "volumes" / "data").mkdir(parents=True)
    producer = mounting("a", "echo 1 >/mnt/data/number; echo 2 >/mnt/data/artifact", pvc("data"))
    producer["outputs"] = {
        "parameters": [{"name": "n", "valueFrom": {"path": "/mnt/data/number"}}],
        "artifacts": [{"name": "f", "path": "/mnt/data/artifact"}],
    }
    consumer = mounting("b", "cat /mnt/data/in/put", pvc("data"))
    consumer["inputs"] = {"artifacts": [{"name": "f", "path": "/mnt/data/in/put"}]}
    passed = task(
        "b", after=("a",), arguments={"artifacts": [{"name": "f", "from": "{{tasks.a.outputs.artifacts.f}}"}]}
    )
    ended = executed(
        workflow(dag("main", task("a"), passed), producer, consumer),
        tmp_path,
        executor=ProcessExecutor(namespaces=namespaces),
    )
    assert ended.phase == "Succeeded", ended.status
    assert ended.output("a", "n") == "1"
    assert ended.log("b") == "2\n"


def test_volumes_of_the_workflow_are_mounted_by_name(tmp_path: Path) -> None:
    (tmp_path / "volumes" / "data").mkdir(parents=True)
    (tmp_path / "volumes" / "data" / "file").write_text("shared\n")
    template = mounting("a", "cat /mnt/data/file", {})
    template["volumes"] = []
    shared = [{"name": "v", **pvc("{{workflow.parameters.claim}}")}]
    assert executed(one(template, volumes=shared, parameters={"claim": "data"}), tmp_path).log("a") == "shared\n"


def test_secrets_and_config_maps_are_files(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("login: {user: me, word: '42'}\nsettings: {app.ini: 'a=1'}\n")
    template = shell(
        "a",
        "cd /etc/login; ls; cat user; stat -c %a user; cat /etc/some/dir/renamed /etc/app.ini; touch user || echo no",
        volumes=[
            {"name": "s", "secret": {"secretName": "login", "defaultMode": 0o400}},
            {"name": "i", "secret": {"secretName": "login", "items": [{"key": "word", "path": "dir/renamed"}]}},
            {"name": "c", "configMap": {"name": "settings"}},
            {"name": "o", "configMap": {"name": "none", "optional": True}},
        ],
    )
    template["container"]["volumeMounts"] = [
        {"name": "s", "mountPath": "/etc/login"},
        {"name": "i", "mountPath": "/etc/some"},
        {"name": "c", "mountPath": "/etc/app.ini", "subPath": "app.ini"},
        {"name": "o", "mountPath": "/etc/empty"},
    ]
    ended = executed(one(template), tmp_path)
    assert ended.phase == "Succeeded", ended.status
    lines = ended.log("a").splitlines()
    assert lines[:2] == ["user", "word"]
    assert lines[2] == "me400"
    assert lines[3].startswith("42a=1")
    assert lines[-1] == "no"
    assert not list(tmp_path.glob("runs/**/user")), "a secret stays on the disk only while the step runs"


def test_a_secret_that_does_not_exist_fails_the_step_and_says_where_to_write_it(tmp_path: Path) -> None:
    ended = executed(one(mounting("a", "true", {"secret": {"secretName": "none"}})), tmp_path)
    assert 'secret "none" not found: write it to ' in failure(ended, "a")
    (tmp_path / "secrets.yaml").write_text("none: {a: b}\n")
    missing = {"secret": {"secretName": "none", "items": [{"key": "k", "path": "p"}]}}
    assert 'key "k" of secret "none" not found' in failure(executed(one(mounting("a", "true", missing)), tmp_path), "a")


def test_fields_of_the_pod_are_files(tmp_path: Path) -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "team", "fieldRef": {"fieldPath": "metadata.labels['team']"}},
        {"path": "memory", "resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
    ]
    template = mounting(
        "a",
        "cat /mnt/data/team; echo; cat /mnt/data/labels; echo; cat /mnt/data/memory",
        {"projected": {"sources": [{"downwardAPI": {"items": items}}]}},
    )
    template["metadata"] = {"labels": {"team": "blue"}}
    template["container"]["resources"] = {"limits": {"memory": "2Gi"}}
    log = executed(one(template), tmp_path).log("a").splitlines()
    assert (log[0], log[-1]) == ("blue", "2048")
    assert 'team="blue"' in log


def test_an_empty_dir_is_shared_by_the_containers_of_one_step_and_by_no_other(tmp_path: Path) -> None:
    template = mounting("a", "cat /mnt/data/file; ls /mnt/data/..; rm /mnt/data/file", {"emptyDir": {}})
    init = {"image": "busybox", "volumeMounts": [{"name": "v", "mountPath": "/begin"}]}
    template["initContainers"] = [
        {"name": "first", "command": ["sh", "-c", "echo $0 >/begin/file; touch /tmp/mine", "1"], **init},
        {"name": "second", "command": ["sh", "-c", "echo 2 >>/begin/file; ls /tmp"], **init},
    ]
    made = workflow(dag("main", task("a"), task("b", "a", after=("a",))), template)
    ended = executed(made, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    for node in ("a", "b"):
        assert "1\n2\n" in ended.log(node)
        assert "mine" not in ended.log(node), "each container has a /tmp of its own"
    assert ended.log("a").index("init container second") < ended.log("a").index("main container")
    assert not list((tmp_path / "runs").glob("*/*/volumes"))


@pytest.mark.parametrize(
    ("volume", "named"),
    [
        ({"hostPath": {"path": "/etc"}}, "volume 'v' (hostPath)"),
        ({"nfs": {"server": "s", "path": "/"}}, "volume 'v' (nfs)"),
        ({"gcePersistentDisk": {"pdName": "d"}}, "volume 'v' (gcePersistentDisk)"),
        ({"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}, "projected serviceAccountToken"),
    ],
)
def test_volumes_of_other_kinds_are_refused_by_name(volume: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedWorkflow, match="volume 'v'") as refused:
        check(one(mounting("a", "true", volume)))
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("template", "named"),
    [
        (claim("x", "patch"), "patch a PersistentVolumeClaim"),
        (claim("x", successCondition="status.phase == Lost"), "success condition"),
        (claim("x", flags=["--force"]), "the flag '--force'"),
        ({"name": "a", "resource": {"action": "create", "manifest": "kind: Job\nmetadata: {}"}}, "create a Job"),
        ({"name": "a", "resource": {"action": "create", "manifest": "{{inputs.parameters.x}}"}}, "cannot be read"),
        (
            {
                "name": "a",
                "resource": {"action": "create", "manifest": MANIFEST % "a" + "  dataSource: {kind: VolumeSnapshot}"},
            },
            "made from a VolumeSnapshot",
        ),
        (
            {**claim("x"), "outputs": {"parameters": [{"name": "o", "valueFrom": {"jsonPath": "{.items[*].x}"}}]}},
            "jsonPath",
        ),
        (
            {"name": "a", "container": {"image": "i", "command": ["kubectl", "delete", "pod", "x"]}},
            "'kubectl delete pod'",
        ),
        (
            {"name": "a", "container": {"image": "i", "command": ["kubectl"], "args": ["apply", "-f", "x"]}},
            "kubectl apply",
        ),
        (
            shell("a", "true", initContainers=[{"name": "i", "command": ["kubectl", "delete", "pvc", "x"]}]),
            "kubectl in init container 'i'",
        ),
        (
            {
                "name": "a",
                "container": {"image": "i", "command": ["kubectl", "delete", "pvc", "x"]},
                "outputs": {"parameters": [{"name": "o", "valueFrom": {"path": "/o"}}]},
            },
            "outputs of kubectl",
        ),
    ],
)
def test_other_objects_of_kubernetes_are_refused_by_name(template: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedWorkflow) as refused:
        check(workflow(template, entrypoint=template["name"]))
    assert named in str(refused.value)


def test_a_kubectl_of_the_machine_finds_no_cluster(tmp_path: Path) -> None:
    assert executed(one(shell("a", "echo $KUBECONFIG")), tmp_path).log("a") == "/dev/null\n"
