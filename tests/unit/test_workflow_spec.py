"""A workflow that cannot be run here is refused before it starts, and the refusal names what is in the way."""

from __future__ import annotations

from typing import Any

import pytest

from kfops.errors import InvalidInput, UnsupportedWorkflow
from kfops.local.engine import check
from tests.fakes.engine import dag, shell, task, workflow


def container(**fields: Any) -> dict[str, Any]:
    made = shell("a", "true")
    made["container"].update(fields)
    return made


def test_what_can_be_run_is_let_through() -> None:
    check(
        workflow(
            dag("main", task("a"), task("b", "a", after=("a",), when="1 == 1"), task("c", "main", withItems=[1])),
            shell("a", "true", nodeSelector={"x": "y"}, tolerations=[{"operator": "Exists"}], volumes=[{"name": "v"}]),
            onExit="a",
        )
    )


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ({"name": "a", "resource": {"action": "create", "manifest": "{kind: Pod, metadata: {}}"}}, "create a Pod"),
        ({"name": "a", "script": {"source": "x"}}, "script"),
        ({"name": "a", "steps": [[]]}, "steps"),
        ({"name": "a", "suspend": {}, "http": {"url": "x"}}, "http"),
        ({"name": "a"}, "neither a container nor a dag"),
        (shell("a", "true", sidecars=[{"name": "s"}]), "sidecars"),
        (shell("a", "true", initContainers=[{"name": "first"}]), "init container 'first' without a command"),
        (shell("a", "true", podSpecPatch='{"containers":[{"env":[]}]}'), "podSpecPatch"),
        (shell("a", "echo {{=1+1}}"), "{{=...}}"),
        (container(command=None), "without a command"),
        (container(volumeMounts=[{"name": "nowhere", "mountPath": "/x"}]), "volume 'nowhere'"),
        (
            {
                **container(volumeMounts=[{"name": "v", "mountPath": "/x"}]),
                "volumes": [{"name": "v", "hostPath": {"path": "/c"}}],
            },
            "hostPath",
        ),
        (dag("a", {"name": "t", "template": "a", "withSequence": {"count": 3}}), "withSequence"),
        (dag("a", {"name": "t", "template": "a", "depends": "x.Failed"}), "depends"),
        (dag("a", {"name": "t", "template": "a", "continueOn": {"failed": True}}), "continueOn"),
        (dag("a", {"name": "t", "templateRef": {"name": "x"}}), "templateRef"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(template: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedWorkflow) as refused:
        check(workflow(template, entrypoint="a"))
    assert named in str(refused.value)
    assert any(named in feature for feature in refused.value.details["features"])


def test_everything_that_is_in_the_way_is_named_at_once() -> None:
    with pytest.raises(UnsupportedWorkflow) as refused:
        check(
            workflow(
                dag("main", task("a"), task("b")),
                shell("a", "true", sidecars=[{"name": "s"}]),
                {"name": "b", "resource": {"action": "get", "manifest": "{kind: Pod, metadata: {}}"}},
                hooks={"exit": {"template": "a"}},
            )
        )
    assert len(refused.value.details["features"]) == 3


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({}, "no `spec`"),
        (workflow(shell("a", "true"), entrypoint=""), "spec.entrypoint is required"),
        (workflow(shell("a", "true"), entrypoint="b"), "'b'"),
        (workflow(shell("main", "true"), onExit="gone"), "'gone'"),
        (workflow(shell("main", "true"), shell("main", "true")), "two templates"),
        (workflow(dag("main", task("a", "gone"))), "'gone'"),
        (workflow(dag("main", task("a", "main", after=("z",)))), "'z'"),
        (workflow(dag("main", task("a", "main", after=("b",)), task("b", "main", after=("a",)))), "circle"),
        (workflow(dag("main", task("a", "main"), task("a", "main"))), "same name"),
        (workflow(shell("main", "true"), parameters={"rate": None}), "spec.arguments.rate.value is required"),
    ],
)
def test_what_argo_would_refuse_is_refused(made: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(made)
    assert why in str(refused.value)
