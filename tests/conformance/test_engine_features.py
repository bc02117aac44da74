"""What kfp compiles runs as on Kubeflow Pipelines: pipelines of the suite's own, one or two for each feature."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable

import kfp
import pytest
import yaml
from kfp import dsl
from kubernetes.client import models as k8s

from tests.conftest import lacks
from tests.fakes.engine import Ended, dag, executed, shell, task, workflow

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::PendingDeprecationWarning")


def compiled(function: Callable[..., None], folder: Path, **arguments: str) -> dict[str, Any]:
    package = folder / "pipeline.yaml"
    kfp.compiler.Compiler().compile(dsl.pipeline(name="p")(function), str(package))
    made: dict[str, Any] = yaml.safe_load(package.read_text())
    for parameter in made["spec"]["arguments"]["parameters"]:
        parameter["value"] = arguments.get(parameter["name"], parameter.get("value"))
    return made


def run(function: Callable[..., None], folder: Path, **arguments: str) -> Ended:
    return executed(compiled(function, folder, **arguments), folder)


def op(name: str, script: str, *arguments: Any, **options: Any) -> dsl.ContainerOp:
    return dsl.ContainerOp(
        name=name, image="busybox", command=["sh", "-c", script, name], arguments=list(arguments), **options
    )


def phases(ended: Ended) -> dict[str, str]:
    """Return the phases of nodes, without the numbers that kfp gives to groups and the items of loops."""
    return {re.sub(r":[^)]*\)", ")", name): node["phase"] for name, node in ended.nodes.items() if name}


def steps(ended: Ended, phase: str) -> list[str]:
    """Return the display names of the steps with a phase, without the numbers that kfp adds to equal names."""
    nodes = ended.status["nodes"].values()
    return sorted(node["displayName"] for node in nodes if node["type"] == "Pod" and node["phase"] == phase)


def number(text: str) -> str:
    return f"printf %s {text} >/tmp/out"


@pytest.mark.parametrize(
    ("value", "true"),
    [
        ("7", ["equal", "greater-equal", "less-equal"]),
        ("10", ["different", "greater", "greater-equal"]),
        ("-3", ["different", "less", "less-equal"]),
    ],
)
def test_all_six_comparisons_compare_numbers(tmp_path: Path, value: str, true: list[str]) -> None:
    def pipeline() -> None:
        made = op("number", number(value), file_outputs={"out": "/tmp/out"}).outputs["out"]
        for name, condition in {
            "equal": made == 7,
            "different": made != 7,
            "greater": made > 7,
            "greater-equal": made >= 7,
            "less": made < 7,
            "less-equal": made <= 7,
        }.items():
            with dsl.Condition(condition):
                op(name, "true")

    ended = run(pipeline, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert steps(ended, "Succeeded") == sorted(["number", *true])
    skipped = [node["displayName"] for node in ended.status["nodes"].values() if node["phase"] == "Skipped"]
    assert len(skipped) == 6 - len(true)


def test_texts_are_compared_as_texts_and_what_cannot_be_compared_is_an_error(tmp_path: Path) -> None:
    def pipeline(word: str = "a b") -> None:
        with dsl.Condition(word == "a b"):
            op("same", "true")
        with dsl.Condition(word != "a b"):
            op("other", "true")
        with dsl.Condition(word > 5):
            op("never", "true")

    ended = run(pipeline, tmp_path)
    assert ended.phase == "Error"
    assert steps(ended, "Succeeded") == ["same"]
    broken = [
        node["message"] for node in ended.status["nodes"].values() if node["phase"] == "Error" and "message" in node
    ]
    assert broken and broken[0].startswith("Invalid 'when' expression 'a b > 5'")


@pytest.mark.parametrize(("script", "status"), [("true", "Succeeded"), ("exit 3", "Failed")])
def test_the_exit_handler_runs_after_success_and_failure(tmp_path: Path, script: str, status: str) -> None:
    def pipeline() -> None:
        with dsl.ExitHandler(op("bye", "echo $1 {{workflow.status}} {{workflow.name}} {{workflow.duration}}", "ends")):
            op("work", script)

    ended = run(pipeline, tmp_path)
    assert ended.phase == status
    assert re.fullmatch(rf"ends {status} wf \d+\.\d+\n", ended.log("onExit"))


def test_a_failing_exit_handler_fails_a_run_that_had_succeeded(tmp_path: Path) -> None:
    def pipeline() -> None:
        with dsl.ExitHandler(op("bye", "exit 1")):
            op("work", "true")

    assert run(pipeline, tmp_path).phase == "Failed"


def test_timeouts_of_a_step_and_of_the_whole_run_are_reached(tmp_path: Path) -> None:
    def slow_step() -> None:
        op("slow", "sleep 30").set_timeout(1)

    def slow_run() -> None:
        op("slow", "sleep 30")
        dsl.get_pipeline_conf().set_timeout(1)

    ended = run(slow_step, tmp_path)
    assert (ended.phase, ended.nodes["slow"]["phase"]) == ("Failed", "Failed")
    assert "deadline" in ended.nodes["slow"]["message"]
    assert run(slow_run, tmp_path).phase == "Failed"


def test_a_step_is_retried_by_its_policy_with_growing_pauses(tmp_path: Path) -> None:
    script = "echo x >>$KFOPS_MODEL_STORE/$0; [ $(wc -l <$KFOPS_MODEL_STORE/$0) -gt 2 ]"

    def pipeline() -> None:
        op("flaky", script).set_retry(5, policy="Always", backoff_duration="1s", backoff_factor=2)
        op("one-error", "true", file_outputs={"o": "/tmp/none"}).set_retry(3, policy="OnFailure")
        op("errors", "true", file_outputs={"o": "/tmp/none"}).set_retry(1, policy="OnError")

    ended = run(pipeline, tmp_path)
    assert ended.nodes["flaky"]["phase"] == "Succeeded"
    attempts = [ended.nodes[f"flaky({n})"] for n in range(3)]
    assert [attempt["phase"] for attempt in attempts] == ["Failed", "Failed", "Succeeded"]
    pauses = [
        _seconds(after["startedAt"]) - _seconds(before["finishedAt"]) for before, after in zip(attempts, attempts[1:])
    ]
    assert pauses[0] >= 0.99
    assert pauses[1] >= 1.99
    assert "one-error(1)" not in ended.nodes, "an Error is no failure, and not tried again"
    assert ended.nodes["errors(1)"]["phase"] == "Error"
    assert ended.nodes["errors"]["message"] == "No more retries left"


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.rstrip("Z").split("T")[1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def test_an_attempt_knows_its_number_and_a_limit_may_be_a_parameter(tmp_path: Path) -> None:
    flaky = shell(
        "a",
        "echo {{retries}} {{pod.name}} '{{node.name}}'; [ {{retries}} = 1 ]",
        inputs={"parameters": [{"name": "n"}]},
        retryStrategy={"limit": "{{inputs.parameters.n}}"},
    )
    ended = executed(workflow(dag("main", task("a", n="2")), flaky), tmp_path)
    assert ended.phase == "Succeeded"
    assert ended.log("a(1)") == f"1 {ended.nodes['a(1)']['id']} wf.a(1)\n"
    unreadable = {**flaky, "retryStrategy": {"limit": "many{{inputs.parameters.n}}"}}
    failed = executed(workflow(dag("main", task("a", n="2")), unreadable), tmp_path)
    assert failed.nodes["a"]["phase"] == "Failed"
    assert "many2" in failed.nodes["a"]["message"]


def test_loops_over_lists_inputs_outputs_and_nothing(tmp_path: Path) -> None:
    def pipeline(items: str = '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', word: str = "w") -> None:
        made = op(
            "make",
            "printf '[3, 4]' >/tmp/out; printf '[]' >/tmp/none",
            file_outputs={"o": "/tmp/out", "n": "/tmp/none"},
        )
        with dsl.ParallelFor(items) as item:
            op("of-input", "echo $1-$2", item.a, item.b)
        with dsl.ParallelFor(made.outputs["o"]) as item:
            op("of-output", "echo $1", item)
        with dsl.ParallelFor(made.outputs["n"]) as item:
            op("of-nothing", "echo $1", item)
        with dsl.ParallelFor([{"p": word, "q": "1"}, {"p": made.outputs["o"], "q": "2"}]) as item:
            op("of-placeholders", "echo $1 $2", item.p, item.q)

    ended = run(pipeline, tmp_path, word="given")
    assert ended.phase == "Succeeded", ended.status
    logs = {name: _logs(ended, name) for name in ("of-input", "of-output", "of-nothing", "of-placeholders")}
    assert logs == {
        "of-input": ["1-x", "2-y"],
        "of-output": ["3", "4"],
        "of-nothing": [],
        "of-placeholders": ["[3, 4] 2", "given 1"],
    }
    empty = [
        node for node in ended.status["nodes"].values() if node["type"] == "TaskGroup" and not node.get("children")
    ]
    assert [node["phase"] for node in empty] == ["Succeeded"]


def _logs(ended: Ended, name: str) -> list[str]:
    """Return what all steps of a name printed, sorted."""
    return sorted(ended.log(node).strip() for node in ended.nodes if re.search(rf"(^|\.){name}(\(.*\))?$", node))


def test_nested_loops_and_what_their_steps_gave_gathered(tmp_path: Path) -> None:
    made = workflow(
        dag(
            "main",
            task("outer", withItems=["a", "b"], x="{{item}}"),
            task("show", after=("outer",), all="{{tasks.outer.outputs.parameters.all}}"),
        ),
        dag(
            "outer",
            task("inner", withItems=[1, 2], x="{{inputs.parameters.x}}{{item}}"),
            inputs={"parameters": [{"name": "x"}]},
            outputs={
                "parameters": [{"name": "all", "valueFrom": {"parameter": "{{tasks.inner.outputs.parameters.o}}"}}]
            },
        ),
        shell(
            "inner",
            "printf {{inputs.parameters.x}} >/tmp/o",
            inputs={"parameters": [{"name": "x"}]},
            outputs={"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/o"}}]},
        ),
        shell("show", "echo '{{inputs.parameters.all}}'", inputs={"parameters": [{"name": "all"}]}),
    )
    ended = executed(made, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert [json.loads(inner) for inner in json.loads(ended.log("show"))] == [["a1", "a2"], ["b1", "b2"]]


def test_a_condition_hands_out_parameters_and_artifacts_of_what_is_in_it(tmp_path: Path) -> None:
    def pipeline(flag: str = "yes") -> None:
        with dsl.Condition(flag == "yes"):
            inner = op("inner", "printf 41 >/tmp/o; echo text >/tmp/a", file_outputs={"o": "/tmp/o", "a": "/tmp/a"})
            op("inside", "echo $1", inner.outputs["o"])  # kfp 1.7.0 drops a parameter that nothing in the group uses
        op("parameter", "echo $1", inner.outputs["o"])
        op("artifact", "cat $1", dsl.InputArgumentPath(inner.outputs["a"]))

    ended = run(pipeline, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert (ended.log("parameter"), ended.log("artifact")) == ("41\n", "text\n")


def test_recursion_ends_when_its_condition_does(tmp_path: Path) -> None:
    def pipeline() -> None:
        @dsl.graph_component
        def again(count: Any) -> None:
            with dsl.Condition(count != "xxx"):
                more = op("more", "printf ${1}x >/tmp/o", count, file_outputs={"o": "/tmp/o"})
                again(more.output)

        first = op("first", "printf x >/tmp/o", file_outputs={"o": "/tmp/o"})
        again(first.output)

    ended = run(pipeline, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert len([name for name in ended.nodes if name.endswith(".more")]) == 2


def test_what_a_step_may_ask_of_its_workflow(tmp_path: Path) -> None:
    asked = (
        "{{workflow.name}} {{workflow.namespace}} {{workflow.uid}} {{pod.name}} {{workflow.serviceAccountName}} "
        "{{workflow.creationTimestamp}} {{workflow.creationTimestamp.Y}} {{workflow.parameters.word}} "
        "{{workflow.labels.team}} {{workflow.annotations.note}} {{unknown}} {{$.inputs}} {{ x | y }}"
    )
    made = workflow(
        dag("main", task("a")),
        shell("a", f"cat <<'END'\n{asked}\n{{{{workflow.parameters}}}}\nEND"),
        parameters={"word": "hey"},
        serviceAccountName="runner",
    )
    made["metadata"].update(
        uid="the-run",
        creationTimestamp="2021-08-09T10:11:12Z",
        labels={"team": "blue"},
        annotations={"note": "n"},
        namespace="ns",
    )
    ended = executed(made, tmp_path)
    line, parameters = ended.log("a").splitlines()
    assert line == (
        f"wf ns the-run {ended.nodes['a']['id']} runner 2021-08-09T10:11:12Z 2021 hey blue n "
        "{{unknown}} {{$.inputs}} {{ x | y }}"
    )
    assert json.loads(parameters) == [{"name": "word", "value": "hey"}]


def test_plain_and_referenced_environment(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("login: {user: 'me$(PLAIN)', word: '42'}\nsettings: {a: x, b: y}\n")

    def source(**fields: Any) -> k8s.V1EnvVarSource:
        return k8s.V1EnvVarSource(**fields)

    def field(path: str) -> k8s.V1EnvVarSource:
        return source(field_ref=k8s.V1ObjectFieldSelector(field_path=path))

    def pipeline() -> None:
        step = op("env", "env | grep ^T_ | sort")
        step.add_pod_label("team", "blue").set_memory_limit("64Mi").set_cpu_request("250m")
        container = step.container
        for name, value in {"T_PLAIN": "1", "T_EXPANDED": "$(T_PLAIN)-$(T_NONE)-$$(T_PLAIN)"}.items():
            container.add_env_variable(k8s.V1EnvVar(name=name, value=value))
        for name, value in {
            "T_POD": field("metadata.name"),
            "T_LABEL": field("metadata.labels['team']"),
            "T_IP": field("status.podIP"),
            "T_ACCOUNT": field("spec.serviceAccountName"),
            "T_SECRET": source(secret_key_ref=k8s.V1SecretKeySelector(name="login", key="user")),
            "T_SETTING": source(config_map_key_ref=k8s.V1ConfigMapKeySelector(name="settings", key="a")),
            "T_OPTIONAL": source(secret_key_ref=k8s.V1SecretKeySelector(name="none", key="k", optional=True)),
            "T_MEMORY": source(resource_field_ref=k8s.V1ResourceFieldSelector(resource="limits.memory", divisor="1Mi")),
            "T_CPU": source(resource_field_ref=k8s.V1ResourceFieldSelector(resource="requests.cpu", divisor="1m")),
        }.items():
            container.add_env_variable(k8s.V1EnvVar(name=name, value_from=value))
        container.add_env_from(
            k8s.V1EnvFromSource(prefix="T_ALL_", config_map_ref=k8s.V1ConfigMapEnvSource(name="settings"))
        )

    ended = run(pipeline, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    found = dict(line.split("=", 1) for line in ended.log("env").splitlines())
    assert found == {
        "T_PLAIN": "1",
        "T_EXPANDED": "1-$(T_NONE)-$(T_PLAIN)",
        "T_POD": ended.nodes["env"]["id"],
        "T_LABEL": "blue",
        "T_IP": "127.0.0.1",
        "T_ACCOUNT": "pipeline-runner",
        "T_SECRET": "me$(PLAIN)",
        "T_SETTING": "x",
        "T_MEMORY": "64",
        "T_CPU": "250",
        "T_ALL_a": "x",
        "T_ALL_b": "y",
    }


def test_init_containers_run_first_and_their_failure_is_an_error(tmp_path: Path) -> None:
    def pipeline(word: str = "x") -> None:
        volume = k8s.V1Volume(name="shared", empty_dir=k8s.V1EmptyDirVolumeSource())
        mount = k8s.V1VolumeMount(name="shared", mount_path="/shared")
        good = op("good", "cat /shared/file")
        good.add_volume(volume)
        good.container.add_volume_mount(mount)
        good.add_init_container(
            dsl.UserContainer(
                name="first",
                image="busybox",
                command=["sh", "-c", f"echo {word} $V >/shared/file"],
                env=[k8s.V1EnvVar(name="V", value="1")],
                mirror_volume_mounts=True,
            )
        )
        bad = op("bad", "echo never")
        bad.add_init_container(
            dsl.UserContainer(name="broken", image="busybox", command=["sh", "-c", "echo no; exit 3"])
        )

    ended = run(pipeline, tmp_path, word="given")
    assert ended.nodes["good"]["phase"] == "Succeeded", ended.status
    assert ended.log("good").endswith("given 1\n")
    assert ended.nodes["bad"]["phase"] == "Error"
    assert ended.nodes["bad"]["message"].startswith(
        "Pod failed before main container starts: broken: Error (exit code 3)"
    )
    assert "never" not in ended.log("bad")


def test_an_init_container_sees_the_input_artifacts_that_it_mirrors(tmp_path: Path) -> None:
    template = shell("b", "true", inputs={"artifacts": [{"name": "f", "path": "/tmp/in/f"}]})
    template["initContainers"] = [
        {"name": "first", "image": "busybox", "mirrorVolumeMounts": True, "command": ["cat", "/tmp/in/f"]}
    ]
    given = {"artifacts": [{"name": "f", "raw": {"data": "raw text"}}]}
    ended = executed(workflow(dag("main", task("b", arguments=given)), template), tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert "raw text" in ended.log("b")


def test_a_timeout_counts_for_init_containers_too(tmp_path: Path) -> None:
    template = shell("a", "true", activeDeadlineSeconds=1)
    template["initContainers"] = [{"name": "first", "image": "busybox", "command": ["sleep", "30"]}]
    ended = executed(workflow(dag("main", task("a")), template), tmp_path)
    assert (ended.nodes["a"]["phase"], "deadline" in ended.nodes["a"]["message"]) == ("Failed", True)


def test_limits_that_are_parameters_are_patched_into_the_pod(tmp_path: Path) -> None:
    def pipeline(memory: str = "1Gi") -> None:
        step = op("a", "echo $MEMORY").set_memory_limit(memory)
        source = k8s.V1ResourceFieldSelector(resource="limits.memory", divisor="1Mi")
        step.container.add_env_variable(
            k8s.V1EnvVar(name="MEMORY", value_from=k8s.V1EnvVarSource(resource_field_ref=source))
        )

    made = compiled(pipeline, tmp_path, memory="96Mi")
    assert "podSpecPatch" in json.dumps(made), "kfp writes it so"
    assert executed(made, tmp_path).log("a") == "96\n"


@pytest.mark.parametrize(
    "patch",
    [
        json.dumps({"containers": [{"name": "main", "env": [{"name": "B", "value": "{{inputs.parameters.n}}"}]}]}),
        "containers:\n- name: main\n  env: [{name: B, value: '{{inputs.parameters.n}}'}]\nnodeSelector: {disk: ssd}\n",
    ],
    ids=["json", "yaml"],
)
def test_a_patch_changes_the_container_and_keeps_the_rest(tmp_path: Path, patch: str) -> None:
    template = shell("a", "echo $A $B", inputs={"parameters": [{"name": "n"}]}, podSpecPatch=patch)
    template["container"]["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert executed(workflow(dag("main", task("a", n="3")), template), tmp_path).log("a") == "1 3\n"


def test_a_patch_that_turns_out_to_be_unreadable_is_an_error_of_the_step(tmp_path: Path) -> None:
    template = shell(
        "a", "true", inputs={"parameters": [{"name": "n"}]}, podSpecPatch='{"containers": {{inputs.parameters.n}}}'
    )
    ended = executed(workflow(dag("main", task("a", n="[{}]")), template), tmp_path)
    assert ended.nodes["a"]["phase"] == "Error"
    assert "podSpecPatch" in ended.nodes["a"]["message"]


def test_a_run_says_what_is_asked_of_the_cluster_and_not_followed(tmp_path: Path) -> None:
    def pipeline(memory: str = "1Gi") -> None:
        op("a", "true").set_memory_limit(memory).add_node_selector_constraint("disk", "ssd")

    [condition] = run(pipeline, tmp_path).status["conditions"]
    assert condition["message"].endswith("not followed here: limits of resources, node selectors.")
    [condition] = executed(workflow(shell("main", "true")), tmp_path).status["conditions"]
    assert "not followed" not in condition["message"]


def test_images_may_be_parameters(tmp_path: Path) -> None:
    def pipeline(image: str = "python:3.9") -> None:
        dsl.ContainerOp(name="a", image=image, command=["echo", "ran"])

    assert run(pipeline, tmp_path, image="other:1").log("a") == "ran\n"


def test_defaults_of_inputs_and_outputs_and_optional_artifacts(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", after=("a",), p="{{tasks.a.outputs.parameters.o}}")),
        shell(
            "a",
            "echo {{inputs.parameters.q}}; ls /tmp/in 2>/dev/null || echo none",
            inputs={
                "parameters": [{"name": "q", "default": "own"}],
                "artifacts": [{"name": "i", "path": "/tmp/in/i", "optional": True}],
            },
            outputs={
                "parameters": [{"name": "o", "valueFrom": {"path": "/tmp/none", "default": "instead"}}],
                "artifacts": [{"name": "x", "path": "/tmp/x", "optional": True}],
            },
        ),
        shell("b", "echo {{inputs.parameters.p}}", inputs={"parameters": [{"name": "p"}]}),
    )
    ended = executed(made, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert ended.log("a").startswith("own\n")
    assert ended.log("b") == "instead\n"
    assert "artifacts" not in ended.nodes["a"]["outputs"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"command": ["sh", "-c", "echo a\0b"]}, "its command has a character"),
        ({"env": [{"name": "A", "value": "1\0"}]}, "the variable 'A' has a character"),
        ({"env": [{"name": "A", "value": "\ud800"}]}, "the variable 'A' has a character"),
        ({"env": [{"name": "A=B", "value": "1"}]}, "'A=B' is not the name of a variable"),
        ({"workingDir": "/x\0"}, "a path has a character"),
        ({"volumeMounts": [{"name": "../v", "mountPath": "/a\0b"}]}, "a path has a character"),
    ],
)
def test_what_no_program_can_be_given_fails_its_step_and_no_other(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    bad, good = shell("bad", "true", volumes=[{"name": "../v"}]), shell("good", "sleep 1")
    bad["container"].update(changes)
    ended = executed(workflow(dag("main", task("good"), task("bad")), good, bad), tmp_path)
    assert ended.nodes["bad"]["phase"] == "Error"
    assert why in ended.nodes["bad"]["message"]
    assert ended.nodes["good"]["phase"] == "Succeeded"


def test_a_volume_whose_name_is_a_path_stays_in_its_steps_folder(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("s: {k: v}\n")
    template = shell("a", "ls /s", volumes=[{"name": "../../../out", "secret": {"secretName": "s"}}])
    template["container"]["volumeMounts"] = [{"name": "../../../out", "mountPath": "/s"}]
    ended = executed(workflow(dag("main", task("a")), template), tmp_path)
    assert ended.log("a") == "k\n"
    assert not list(tmp_path.glob("**/out"))


@pytest.mark.parametrize("of", ["workflow", "group"])
def test_parallelism_bounds_the_steps_at_a_time(tmp_path: Path, of: str) -> None:
    busy = "$KFOPS_MODEL_STORE/busy"

    def pipeline() -> None:
        with dsl.SubGraph(parallelism=1 if of == "group" else 9):
            with dsl.ParallelFor([1, 2, 3, 4]) as item:
                op("a", f"echo $1 >>{busy}; sleep 0.2; wc -l <{busy}; : >{busy}", item)
        if of == "workflow":
            dsl.get_pipeline_conf().set_parallelism(1)

    ended = run(pipeline, tmp_path)
    assert ended.phase == "Succeeded", ended.status
    assert _logs(ended, "a") == ["1"] * 4


@pytest.mark.needs("memory cgroup")
def test_a_step_that_was_killed_for_want_of_memory_says_so(tmp_path: Path) -> None:
    assert not lacks("memory cgroup")
    group = f"/sys/fs/cgroup/memory/kfops-test-{tmp_path.name}"
    script = f"""
mkdir -p {group} && echo 30000000 >{group}/memory.limit_in_bytes && echo 0 >{group}/cgroup.procs
exec python3 -c 'x = bytearray(300_000_000); print(len(x))'
"""
    try:
        ended = executed(workflow(dag("main", task("a")), shell("a", script)), tmp_path)
    finally:
        if Path(group).is_dir():
            Path(group).rmdir()
    assert ended.nodes["a"]["phase"] == "Failed"
    assert ended.nodes["a"]["message"] == "OOMKilled (exit code 137)", ended.log("a")
