"""What a step is told, by its placeholders and its arguments, is what Argo tells it."""

from __future__ import annotations

from typing import Any

from tests.fakes.engine import dag, shell, task, workflow
from tests.fakes.played import Played

GIVEN = {"parameters": [{"name": "v"}]}


def script(run: Played) -> str:
    """Return the shell text of the step that was started last."""
    return str(run.last.start[-1].template["container"]["command"][2])


def saying(text: str, **options: Any) -> dict[str, Any]:
    return shell("say", text, inputs=GIVEN, **options)


def test_a_parameter_may_be_a_text_about_the_step_that_gets_it() -> None:
    made = dag("main", task("say", v="{{inputs.parameters.place}}"), inputs={"parameters": [{"name": "place"}]})
    run = Played(
        workflow(made, saying("{{inputs.parameters.v}}"), parameters={"place": "{{workflow.name}}/{{pod.name}}"})
    )
    run.plan()
    node = run.node("say")
    assert script(run) == f"wf/{node['id']}"
    assert node["inputs"]["parameters"] == [{"name": "v", "value": f"wf/{node['id']}"}]


def test_a_parameter_of_a_retried_step_is_about_its_attempt() -> None:
    made = dag("main", task("say", v="{{pod.name}} {{retries}}"))
    run = Played(workflow(made, saying("{{inputs.parameters.v}}", retryStrategy={"limit": 1})))
    run.plan()
    assert script(run) == f"{run.node('say(0)')['id']} 0"
    run.end("say(0)", "Failed")
    run.plan()
    assert script(run) == f"{run.node('say(1)')['id']} 1"


def test_a_constant_artifact_may_be_about_the_step() -> None:
    raw = {"name": "a", "path": "/in", "raw": {"data": "{{workflow.name}} {{pod.name}}"}}
    run = Played(workflow(dag("main", task("a")), shell("a", "cat /in", inputs={"artifacts": [raw]})))
    run.plan()
    assert run.last.start[0].inputs.artifacts["a"]["raw"] == {"data": f"wf {run.node('a')['id']}"}


def test_more_than_two_braces_are_no_placeholder() -> None:
    run = Played(
        workflow(dag("main", task("say", v="1")), saying("{{{inputs.parameters.v}}} {{ {{inputs.parameters.v}} }}"))
    )
    run.plan()
    assert script(run) == "{{{inputs.parameters.v}}} {{ 1 }}"


def test_the_time_since_the_run_began_is_known_everywhere() -> None:
    told = shell("a", "{{workflow.duration}}")
    run = Played(workflow(dag("main", task("a"), task("b", "a", after=("a",))), told, onExit="a"))
    run.plan()
    assert script(run) == "0.000000"
    run.now += 1.5
    run.end("a")
    run.plan()
    assert script(run) == "1.500000"
    run.now += 2
    run.end("b")
    run.plan()
    assert script(run) == "3.500000"


def test_a_task_is_told_how_another_one_ended() -> None:
    asked = " ".join(f"{{{{tasks.a.{name}}}}}" for name in ("id", "status", "exitCode", "startedAt", "finishedAt"))
    made = dag("main", task("a"), task("say", after=("a",), v=asked))
    run = Played(workflow(made, shell("a", "true", retryStrategy={"limit": 1}), saying("{{inputs.parameters.v}}")))
    run.plan()
    run.end("a(0)", "Failed")
    run.now += 1.25
    run.plan()
    last = run.node("a(1)")
    last["outputs"] = {"exitCode": "0"}
    run.end("a(1)")
    run.plan()
    assert script(run) == f"{last['id']} Succeeded 0 1970-01-01T00:16:41Z 1970-01-01T00:16:41Z"


def test_a_parameter_of_a_skipped_task_stays_the_placeholder() -> None:
    made = dag("main", task("a", when="1 == 2"), task("say", after=("a",), v="{{tasks.a.outputs.parameters.o}}"))
    run = Played(workflow(made, shell("a", "true"), saying("{{inputs.parameters.v}}")))
    assert run.play() == [["say"]]
    assert run.node("say")["inputs"]["parameters"][0]["value"] == "{{tasks.a.outputs.parameters.o}}"


def test_an_artifact_of_a_skipped_task_is_an_error_of_the_step_that_wants_it() -> None:
    wanting = shell("b", "true", inputs={"artifacts": [{"name": "f", "path": "/f"}]})
    made = dag("main", task("a", when="1 == 2"), task("b", after=("a",)))
    asked = "{{tasks.a.outputs.artifacts.f}}"
    made["dag"]["tasks"][1]["arguments"] = {"artifacts": [{"name": "f", "from": asked}]}
    run = Played(workflow(made, shell("a", "true"), wanting))
    assert run.play() == []
    node = run.node("b")
    assert (node["type"], node["phase"], node["message"]) == ("Skipped", "Error", f"Unable to resolve: {asked}")


def test_an_output_that_a_skipped_task_did_not_make_is_an_error_of_the_group() -> None:
    asked = "{{tasks.a.outputs.parameters.o}}"
    inner = dag(
        "inner", task("a", when="1 == 2"), outputs={"parameters": [{"name": "o", "valueFrom": {"parameter": asked}}]}
    )
    run = Played(workflow(dag("main", task("inner")), inner, shell("a", "true")))
    run.play()
    node = run.node("inner")
    assert (node["type"], node["phase"]) == ("DAG", "Error")
    assert node["message"] == f"task 'wf.inner' errored: Unable to resolve: {asked}"


def test_gathered_outputs_are_json_as_argo_writes_it() -> None:
    made = dag("main", task("a", withItems=[1, 2]), task("say", after=("a",), v="{{tasks.a.outputs.parameters.o}}"))
    run = Played(workflow(made, shell("a", "true"), saying("{{inputs.parameters.v}}")))
    run.plan()
    run.end("a(0:1)", o='a "b"')
    run.end("a(1:2)", o="<é>")
    run.plan()
    assert script(run) == r'["a \"b\"","\u003cé\u003e"]'


def test_an_empty_loop_has_no_outputs_not_even_those_of_what_follows_it() -> None:
    asked = "{{tasks.a.outputs.parameters.o}}"
    made = dag("main", task("a", withParam="[]"), task("b", "a", after=("a",)), task("say", after=("a", "b"), v=asked))
    run = Played(workflow(made, shell("a", "true"), saying("{{inputs.parameters.v}}")))
    run.plan()
    run.end("b", o="1")
    run.plan()
    assert script(run) == asked


def test_a_later_attempt_is_executed_no_longer_than_all_attempts_may_take() -> None:
    strategy = {"limit": 3, "backoff": {"duration": "10", "maxDuration": "1m"}}
    run = Played(workflow(dag("main", task("a")), shell("a", "true", retryStrategy=strategy, activeDeadlineSeconds=45)))
    run.plan()
    assert run.last.start[0].template["activeDeadlineSeconds"] == 45
    run.now += 10
    run.end("a(0)", "Failed")
    run.plan()
    run.now += 10
    run.plan()
    assert run.last.start[0].template["activeDeadlineSeconds"] == 40
