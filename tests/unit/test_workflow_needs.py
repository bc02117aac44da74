"""What a workflow takes from its namespace, as far as that is known before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from kfops.local.workflow.needs import CLAIM, CONFIG_MAP, SECRET, Need, needs
from kfops.local.workflow.spec import parse


def workflow(*templates: dict[str, Any], **parameters: str) -> Any:
    arguments = {"parameters": [{"name": name, "value": value} for name, value in parameters.items()]}
    tasks = [{"name": template["name"], "template": template["name"]} for template in templates]
    listed = [{"name": "main", "dag": {"tasks": tasks}}, *templates]
    return parse(
        {"metadata": {"name": "wf"}, "spec": {"entrypoint": "main", "arguments": arguments, "templates": listed}}
    )


def step(name: str = "use", *, volumes: Any = (), unmounted: Any = (), **container: Any) -> dict[str, Any]:
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
    container = {"image": "a", "command": ["true"], "volumeMounts": mounts, **container}
    return {"name": name, "container": container, "volumes": [*volumes, *unmounted]}


def variable(**source: Any) -> dict[str, Any]:
    return {"name": "A", "valueFrom": source}


def claim(name: str) -> dict[str, Any]:
    return {"name": "v", "persistentVolumeClaim": {"claimName": name}}


def making(name: str) -> dict[str, Any]:
    manifest = f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: '{name}'\n"
    return {"name": "make", "resource": {"action": "create", "manifest": manifest}}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (step(env=[variable(secretKeyRef={"name": "s", "key": "k"})]), (SECRET, "s", "k")),
        (step(env=[variable(configMapKeyRef={"name": "c", "key": "k"})]), (CONFIG_MAP, "c", "k")),
        (step(envFrom=[{"secretRef": {"name": "s"}}]), (SECRET, "s", "")),
        (step(envFrom=[{"configMapRef": {"name": "c"}}]), (CONFIG_MAP, "c", "")),
        (step(volumes=[{"name": "v", "secret": {"secretName": "s"}}]), (SECRET, "s", "")),
        (
            step(volumes=[{"name": "v", "configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}}]),
            (CONFIG_MAP, "c", "k"),
        ),
        (
            step(volumes=[{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]),
            (SECRET, "s", ""),
        ),
        (step(volumes=[claim("data")]), (CLAIM, "data", "")),
        (step(volumes=[claim("{{workflow.parameters.word}}-{{workflow.name}}")]), (CLAIM, "w-wf", "")),
        (
            {
                **step(),
                "podSpecPatch": '{"containers": [{"name": "main", "envFrom": [{"secretRef": {"name": "s"}}]}]}',
            },
            (SECRET, "s", ""),
        ),
        ({**step(), "initContainers": [step("i", envFrom=[{"secretRef": {"name": "s"}}])["container"] | {"name": "i"}]},
         (SECRET, "s", "")),
    ],
)  # fmt: skip
def test_what_has_to_be_there_is_named(template: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert needs(workflow(template, word="w")) == [Need(*expected, "use")]


@pytest.mark.parametrize(
    "template",
    [
        step(env=[variable(secretKeyRef={"name": "s", "key": "k", "optional": True})]),
        step(envFrom=[{"configMapRef": {"name": "c", "optional": True}}]),
        step(volumes=[{"name": "v", "secret": {"secretName": "s", "optional": True}}]),
        step(unmounted=[{"name": "v", "secret": {"secretName": "s"}}]),
        step(volumes=[claim("{{inputs.parameters.name}}")]) | {"inputs": {"parameters": [{"name": "name"}]}},
        step(env=[variable(fieldRef={"fieldPath": "metadata.name"})], volumes=[{"name": "v", "emptyDir": {}}]),
    ],
)
def test_what_is_optional_or_not_known_yet_is_not(template: dict[str, Any]) -> None:
    assert needs(workflow(template)) == []


def test_a_claim_that_a_step_makes_need_not_be_there() -> None:
    assert needs(workflow(making("{{workflow.name}}-data"), step(volumes=[claim("wf-data")]))) == []
    assert needs(workflow(making("{{workflow.name}}-data"), step(volumes=[claim("other")]))) != []
    assert needs(workflow(making("{{inputs.parameters.x}}"), step(volumes=[claim("other")]))) == []
