"""What Argo can do, kfp never writes, and nobody emulates here is refused by its name, before anything of it runs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kfops.errors import InvalidInput, UnsupportedWorkflow
from kfops.local.engine import check
from tests.fakes.engine import dag, shell, task, workflow

RUN = shell("run", "true")
OUT = {"parameters": [{"name": "o", "valueFrom": {"path": "/o"}}]}


def template(**fields: Any) -> dict[str, Any]:
    """Return a workflow of one container template with these fields beside its own."""
    return workflow({**RUN, **fields}, entrypoint="run")


def of_task(**fields: Any) -> dict[str, Any]:
    return workflow(dag("main", {"name": "t", "template": "run", **fields}), RUN)


def of_dag(**fields: Any) -> dict[str, Any]:
    return workflow({"name": "main", "dag": {"tasks": [task("run")], **fields}}, RUN)


def of_spec(**fields: Any) -> dict[str, Any]:
    return workflow(RUN, entrypoint="run", **fields)


def only(**fields: Any) -> dict[str, Any]:
    return workflow({"name": "run", **fields}, entrypoint="run")


def container(**fields: Any) -> dict[str, Any]:
    made = copy.deepcopy(RUN)
    made["container"].update(fields)
    return workflow(made, entrypoint="run")


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (only(script={"source": "x", "image": "i", "command": ["sh"]}), "script templates"),
        (only(steps=[[{"name": "a", "template": "run"}]]), "steps templates"),
        (only(suspend={}), "suspend templates"),
        (only(data={"source": {}}), "data templates"),
        (only(http={"url": "x"}), "HTTP templates"),
        (only(containerSet={"containers": []}), "container sets"),
        (only(plugin={"x": {}}), "plugins"),
        (only(templateRef={"name": "x", "template": "y"}), "references to other workflows' templates"),
        (only(template="run"), "templates that stand for another one"),
        (only(inline={}), "inline templates"),
        (only(container=RUN["container"], dag={"tasks": []}), "several things at once"),
        (template(sidecars=[{"name": "s", "image": "i"}]), "sidecars"),
        (template(daemon=True), "daemon containers"),
        (template(memoize={"key": "k"}), "memoize"),
        (template(synchronization={"mutex": {"name": "m"}}), "synchronization"),
        (template(timeout="10s"), "timeout"),
        (template(failFast=True), "failFast"),
        (template(hooks={"exit": {"template": "run"}}), "lifecycle hooks"),
        (template(retryStrategy={"expression": "true"}), "retryStrategy.expression"),
        (template(retryStrategy={"retryPolicy": "OnTransientError"}), "retryPolicy OnTransientError"),
        (template(outputs={"parameters": [{"name": "o", "valueFrom": {"jqFilter": "."}}]}), "taken by jqFilter"),
        (template(outputs={"parameters": [{"name": "o", "valueFrom": {"supplied": {}}}]}), "taken by supplied"),
        (template(outputs={"parameters": [{"name": "o", "valueFrom": {"expression": "1"}}]}), "taken by expression"),
        (template(outputs={"parameters": [{**OUT["parameters"][0], "globalName": "g"}]}), "globalName of output"),
        (template(outputs={"artifacts": [{"name": "a", "path": "/a", "globalName": "g"}]}), "globalName of output"),
        (template(outputs={"artifacts": [{"name": "a", "path": "/a", "s3": {"key": "k"}}]}), "'a' in s3"),
        (template(inputs={"artifacts": [{"name": "a", "path": "/a", "gcs": {"key": "k"}}]}), "'a' in gcs"),
        (template(inputs={"artifacts": [{"name": "a", "path": "/a", "git": {"repo": "r"}}]}), "'a' in git"),
        (template(inputs={"artifacts": [{"name": "a", "path": "/a", "http": {"url": "u"}}]}), "'a' in http"),
        (
            template(inputs={"parameters": [{"name": "p", "valueFrom": {"configMapKeyRef": {"name": "c"}}}]}),
            "taken by configMapKeyRef",
        ),
        (container(lifecycle={"postStart": {}}), "lifecycle hooks of containers"),
        (container(command=None), "containers without a command"),
        (container(args=["{{=sprig.trim('x')}}"]), "expression placeholders"),
        (container(args=["{{workflow.outputs.parameters.x}}"]), "workflow.outputs"),
        (of_task(withSequence={"count": 3}), "loops over a sequence"),
        (of_task(depends="a.Failed"), "`depends` expressions"),
        (of_task(continueOn={"failed": True}), "continueOn"),
        (of_task(hooks={"exit": {"template": "run"}}), "lifecycle hooks"),
        (of_task(onExit="run"), "exit handlers of a single task"),
        (of_task(templateRef={"name": "x", "template": "y"}), "templateRef"),
        (of_task(inline={"container": {}}), "inline templates"),
        (of_task(arguments={"parameters": [{"name": "p", "valueFrom": {"expression": "1"}}]}), "taken by expression"),
        (of_task(arguments={"artifacts": [{"name": "a", "s3": {"key": "k"}}]}), "'a' in s3"),
        (of_task(arguments={"artifacts": [{"name": "a", "fromExpression": "x"}]}), "fromExpression"),
        (of_task(when="{{tasks.t.outputs.result}} == 1"), "outputs.result"),
        (of_dag(target="run"), "only a part is wanted"),
        (of_spec(workflowTemplateRef={"name": "w"}), "workflow templates"),
        (of_spec(suspend=True), "suspended workflows"),
        (of_spec(shutdown="Stop"), "shutdown"),
        (of_spec(synchronization={"mutex": {"name": "m"}}), "synchronization"),
        (of_spec(volumeClaimTemplates=[{"metadata": {"name": "w"}}]), "volumeClaimTemplates"),
        (of_spec(hooks={"exit": {"template": "run"}}), "lifecycle hooks"),
        (of_spec(templateDefaults={"timeout": "1s"}), "templateDefaults"),
        (of_spec(podSpecPatch="{}"), "podSpecPatch of the whole workflow"),
        (of_spec(retryStrategy={"limit": 1}), "retryStrategy of the whole workflow"),
    ],
)
def test_it_is_refused_and_named(made: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedWorkflow) as refused:
        check(made)
    assert named in str(refused.value)
    assert any(named in feature for feature in refused.value.details["features"])


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ("{", "neither JSON nor YAML"),
        ("[]", "must be an object"),
        ('{"containers": [{"image": "i"}]}', "has no name"),
        ('{"containers": [{"name": "other"}]}', "adding container 'other'"),
        ('{"initContainers": [{"name": "other"}]}', "adding container 'other'"),
        ('{"containers": [{"name": "main", "env": [{"name": "A", "$patch": "delete"}]}]}', "the directive $patch"),
        ('{"hostname": "h"}', "podSpecPatch of hostname"),
        ('{"containers": [{"name": "main", "lifecycle": {"preStop": {}}}]}', "lifecycle hooks"),
        (
            '{"containers": [{"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}',
            "volume 'v' (unknown)",
        ),
        (
            """{"containers": [{"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
            "volumes": [{"name": "v", "hostPath": {"path": "{{inputs.parameters.p}}"}}]}""",
            "volume 'v' (hostPath)",
        ),
    ],
)
def test_what_a_patch_asks_for_is_refused_and_named(patch: str, named: str) -> None:
    with pytest.raises(UnsupportedWorkflow) as refused:
        check(template(podSpecPatch=patch, inputs={"parameters": [{"name": "p", "value": "x"}]}))
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "made",
    [
        template(
            nodeSelector={"a": "b"},
            tolerations=[{"operator": "Exists"}],
            affinity={"nodeAffinity": {}},
            priorityClassName="high",
            securityContext={"runAsUser": 1},
            metrics={"prometheus": []},
            daemon=False,
            sidecars=[],
        ),
        container(
            resources={"limits": {"nvidia.com/gpu": 1}}, livenessProbe={}, ports=[{"containerPort": 1}], tty=True
        ),
        of_spec(
            ttlStrategy={"secondsAfterCompletion": 1},
            podGC={"strategy": "OnPodCompletion"},
            imagePullSecrets=[{"name": "s"}],
            podDisruptionBudget={"minAvailable": 1},
            dnsConfig={"nameservers": ["1.1.1.1"]},
            nodeSelector={"a": "b"},
        ),
        template(
            podSpecPatch='{"containers": [{"name": "main", "resources": {"limits": {"cpu": "1"}}}], "nodeName": "n"}'
        ),
        template(
            podSpecPatch='{"containers": {{inputs.parameters.p}}}', inputs={"parameters": [{"name": "p", "value": ""}]}
        ),
    ],
)
def test_what_only_asks_the_cluster_for_something_is_let_through(made: dict[str, Any]) -> None:
    check(made)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (
            of_task(arguments={"parameters": [{"name": "p", "value": "{{inputs.parameters.no}}"}]}),
            "{{inputs.parameters.no}}",
        ),
        (of_task(when="{{workflow.parameters.no}} == 1"), "{{workflow.parameters.no}}"),
        (of_task(withParam="{{tasks.no.outputs.parameters.o}}"), "{{tasks.no.outputs.parameters.o}}"),
        (container(args=["{{inputs.artifacts.no.path}}"]), "{{inputs.artifacts.no.path}}"),
        (container(args=["{{workflow.nmae}}"]), "{{workflow.nmae}}"),
        (container(args=["{{pod.ip}}"]), "{{pod.ip}}"),
        (
            workflow(
                dag("main", task("a", "run"), task("b", "run", when="{{tasks.a.outputs.parameters.o}} == 1")),
                {**RUN, "outputs": OUT},
            ),
            "templates.main.tasks.b failed to resolve {{tasks.a.outputs.parameters.o}}",
        ),
        (
            workflow(
                dag(
                    "main",
                    task("a", "run"),
                    task("b", "run", after=("a",), when="{{tasks.a.outputs.parameters.x}} == 1"),
                ),
                {**RUN, "outputs": OUT},
            ),
            "{{tasks.a.outputs.parameters.x}}",
        ),
        (
            workflow(
                dag(
                    "main",
                    task("run"),
                    outputs={
                        "parameters": [{"name": "o", "valueFrom": {"parameter": "{{tasks.run.outputs.parameters.x}}"}}]
                    },
                ),
                RUN,
            ),
            "templates.main.outputs failed to resolve",
        ),
    ],
)
def test_a_placeholder_of_argos_that_leads_nowhere_is_refused_as_argo_does(made: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(made)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "{{$.inputs.parameters['x']}}",
        "{{x}}",
        "{{ a | b }}",
        "{{pod.name}}",
        "{{item}}",
        "{{ tasks.first.name }}",
        "{{ workflow.title }}",
        "{{{inputs.parameters.no}}}",
        "{{workflow.creationTimestamp.Y}} {{workflow.duration}} {{workflow.labels.x}}",
    ],
)
def test_other_placeholders_are_nobodys_business(text: str) -> None:
    check(container(args=[text]))


WANTS = {**RUN, "name": "wants", "inputs": {"parameters": [{"name": "x"}], "artifacts": [{"name": "a", "path": "/a"}]}}
GIVEN = {"parameters": [{"name": "x", "value": "1"}], "artifacts": [{"name": "a", "raw": {"data": "1"}}]}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (
            workflow(dag("main", task("t", "wants")), WANTS),
            "templates.main.tasks.t templates.wants inputs.parameters.x was not supplied",
        ),
        (
            workflow(dag("main", {**task("t", "wants"), "arguments": {"parameters": GIVEN["parameters"]}}), WANTS),
            "templates.main.tasks.t templates.wants inputs.artifacts.a was not supplied",
        ),
        (
            workflow(dag("main", task("t", "run")), RUN, WANTS, onExit="wants"),
            "spec.arguments templates.wants inputs.parameters.x was not supplied",
        ),
        (workflow(dag("main")), "templates.main must have at least one task"),
        (
            workflow({**dag("main", task("t", "run")), "activeDeadlineSeconds": 3}, RUN),
            "templates.main.activeDeadlineSeconds is only valid for leaf templates",
        ),
        (
            workflow(dag("main", task("t", "says")), shell("says", "echo {{workflow.status}}"), onExit="says"),
            "templates.says failed to resolve {{workflow.status}}, which only an exit handler is told",
        ),
    ],
)
def test_what_argo_refuses_before_it_starts_is_refused(made: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(made)
    assert why in refused.value.why


def test_what_is_supplied_one_way_or_another_is_let_through() -> None:
    made_by_a = {"parameters": [{"name": "x", "value": "{{tasks.t.id}}"}], "artifacts": GIVEN["artifacts"]}
    optional = {"parameters": [{"name": "x", "default": "1"}], "artifacts": [{"name": "a", "optional": True}]}
    check(workflow(dag("main", {**task("t", "wants"), "arguments": GIVEN}), WANTS))
    check(workflow(dag("main", task("t", "wants")), {**WANTS, "inputs": optional}))
    check(workflow({**WANTS, "name": "main"}, arguments=GIVEN))
    second = {**task("u", "wants"), "arguments": made_by_a, "dependencies": ["t"]}
    check(workflow(dag("main", task("t", "run"), second), RUN, WANTS))
    check(workflow(dag("main", task("t", "run")), RUN, shell("says", "echo {{workflow.status}}"), onExit="says"))
