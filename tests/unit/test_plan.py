"""What a run starts next follows from its workflow and its nodes alone."""

from __future__ import annotations

import pytest

from kfops.local.workflow.plan import Planner
from tests.fakes.engine import dag, shell, task, workflow
from tests.fakes.played import Played

A, B, C, D = (shell(name, "true") for name in "abcd")


def test_a_chain_starts_one_after_the_other() -> None:
    run = Played(workflow(dag("main", task("c", after=("b",)), task("a"), task("b", after=("a",))), A, B, C))
    assert run.play() == [["a"], ["b"], ["c"]]
    assert run.last.phase == "Succeeded"


def test_the_middle_of_a_diamond_starts_together() -> None:
    diamond = dag("main", task("a"), task("b", after=("a",)), task("c", after=("a",)), task("d", after=("b", "c")))
    run = Played(workflow(diamond, A, B, C, D))
    assert run.play() == [["a"], ["b", "c"], ["d"]]


def test_a_step_is_started_once_while_it_is_executed_and_again_when_nobody_executes_it() -> None:
    run = Played(workflow(dag("main", task("a")), A))
    assert run.plan() == ["a"]
    assert run.plan() == []
    run.started.clear()  # the backend was killed
    assert run.plan() == ["a"]


def test_nodes_are_named_and_connected_as_argo_does() -> None:
    run = Played(workflow(dag("main", task("a"), task("b", after=("a",))), A, B))
    run.play()
    root, a, b = run.node(""), run.node("a"), run.node("b")
    assert (root["id"], root["type"], a["type"]) == ("wf", "DAG", "Pod")
    assert a["id"] == "wf-2962115457"
    assert (a["displayName"], a["templateName"], a["boundaryID"]) == ("a", "a", "wf")
    assert root["children"] == [a["id"]]
    assert a["children"] == [b["id"]]
    assert root["outboundNodes"] == [b["id"]]
    assert "boundaryID" not in root


def test_after_a_failure_what_depends_on_it_is_omitted_and_the_rest_goes_on() -> None:
    made = dag("main", task("a"), task("b", after=("a",)), task("c", after=("b",)), task("d"))
    run = Played(workflow(made, A, B, C, D))
    assert run.play(lambda name: "Failed" if name == "a" else "Succeeded") == [["a", "d"]]
    assert run.phases() == {"": "Failed", "a": "Failed", "b": "Omitted", "c": "Omitted", "d": "Succeeded"}
    assert run.node("b")["type"] == "Skipped"
    assert run.node("b")["message"] == "omitted: depends condition not met"


def test_a_run_fails_only_when_nothing_of_it_is_executed_any_more() -> None:
    run = Played(workflow(dag("main", task("a"), task("b")), A, B))
    run.plan()
    run.end("a", "Failed")
    run.plan()
    assert run.last.phase == "Running"
    run.end("b")
    run.plan()
    assert run.last.phase == "Failed"


def test_a_false_condition_skips_and_what_follows_runs() -> None:
    made = dag("main", task("a", when="1 > 2"), task("b", after=("a",)))
    run = Played(workflow(made, A, B))
    assert run.play() == [["b"]]
    assert run.phases() == {"": "Succeeded", "a": "Skipped", "b": "Succeeded"}
    assert run.node("a")["message"] == "when '1 > 2' evaluated false"


def test_a_condition_over_an_output_is_decided_when_the_output_is_there() -> None:
    coin = '"{{tasks.a.outputs.parameters.side}}" == "heads"'
    made = dag("main", task("a"), task("b", after=("a",), when=coin))
    run = Played(workflow(made, A, B))
    run.plan()
    run.end("a", side="heads")
    assert run.plan() == ["b"]


def test_a_condition_that_cannot_be_decided_is_an_error() -> None:
    run = Played(workflow(dag("main", task("a", when="x > 1")), A))
    assert run.play() == []
    assert (run.last.phase, run.node("a")["phase"]) == ("Error", "Error")
    assert "x" in run.node("a")["message"]


def test_a_skipped_sub_dag_runs_nothing_of_itself() -> None:
    inner = dag("inner", task("b"))
    run = Played(workflow(dag("main", task("inner", when="1 == 2")), inner, B))
    assert run.play() == []
    assert run.phases() == {"": "Succeeded", "inner": "Skipped"}


def test_a_loop_starts_all_its_items_and_is_named_by_them() -> None:
    looped = shell("a", "echo {{inputs.parameters.x}}", inputs={"parameters": [{"name": "x"}]})
    made = dag("main", task("a", x="{{item}}", withItems=["p", 2, {"k": "v"}]), task("b", after=("a",)))
    run = Played(workflow(made, looped, B))
    names = run.plan()
    assert names == ["a(0:p)", "a(1:2)", "a(2:k:v)"]
    assert [start.template["container"]["command"][2] for start in run.last.start] == [
        "echo p",
        "echo 2",
        'echo {"k":"v"}',
    ]
    for name in names:
        run.end(name)
    assert run.plan() == ["b"]
    assert run.node("a")["type"] == "TaskGroup"
    assert [run.nodes[child]["children"] for child in run.node("a")["children"]] == [[run.node("b")["id"]]] * 3


def test_an_empty_loop_succeeds() -> None:
    run = Played(workflow(dag("main", task("a", withItems=[]), task("b", after=("a",))), A, B))
    assert run.play() == [["b"]]
    assert run.node("a")["phase"] == "Succeeded"


def test_what_follows_an_empty_loop_does_not_take_each_other_for_iterations_or_attempts() -> None:
    retried = shell("b", "true", retryStrategy={"limit": 1})
    made = dag("main", task("a", withItems=[]), task("b", after=("a",)), task("c", after=("a",)))
    run = Played(workflow(made, A, retried, C))
    run.play(lambda name: "Failed" if name == "b(0)" else "Succeeded")
    assert (run.node("b")["phase"], run.node("b(1)")["phase"], run.last.phase) == ("Succeeded",) * 3
    assert set(run.node("a")["children"]) == {run.node("b")["id"], run.node("c")["id"]}


def test_one_failed_item_fails_the_loop_when_all_have_ended() -> None:
    run = Played(workflow(dag("main", task("a", withItems=[1, 2, 3]), task("b", after=("a",))), A, B))
    run.plan()
    run.end("a(1:2)", "Failed")
    run.plan()
    assert run.node("a")["phase"] == "Running"
    run.end("a(0:1)")
    run.end("a(2:3)")
    run.plan()
    assert (run.node("a")["phase"], run.node("b")["phase"], run.last.phase) == ("Failed", "Omitted", "Failed")


def test_nested_loops_over_fields_and_outer_items() -> None:
    inner = dag(
        "inner",
        task("a", x="{{inputs.parameters.o}}-{{item}}", withItems=[1, 2]),
        inputs={"parameters": [{"name": "o"}]},
    )
    step = shell("a", "echo {{inputs.parameters.x}}", inputs={"parameters": [{"name": "x"}]})
    run = Played(workflow(dag("main", task("inner", o="{{item.k}}", withItems=[{"k": "p"}, {"k": "q"}])), inner, step))
    run.plan()
    commands = [start.template["container"]["command"][2] for start in run.last.start]
    assert commands == ["echo p-1", "echo p-2", "echo q-1", "echo q-2"]


def test_a_loop_over_an_output_and_its_gathered_outputs() -> None:
    collecting = shell("b", "echo '{{inputs.parameters.all}}'", inputs={"parameters": [{"name": "all"}]})
    made = dag(
        "main",
        task("list"),
        task("a", after=("list",), withParam="{{tasks.list.outputs.parameters.items}}"),
        task("b", after=("a",), all="{{tasks.a.outputs.parameters.out}}"),
    )
    run = Played(workflow(made, shell("list", "true"), A, collecting))
    run.plan()
    run.end("list", items='["x", [1]]')
    assert run.plan() == ["a(0:x)", "a(1:[1])"]
    run.end("a(0:x)", out="first")
    run.end("a(1:[1])", out="[2, 3]")
    run.plan()
    assert run.last.start[0].inputs.parameters == {"all": '["first","[2, 3]"]'}


def test_a_loop_over_what_is_no_list_is_an_error() -> None:
    run = Played(workflow(dag("main", task("a", withParam="no list")), A))
    run.play()
    assert (run.last.phase, run.node("a")["phase"]) == ("Error", "Error")
    assert "could not be parsed as a JSON list" in run.node("a")["message"]


def test_a_retried_step_has_one_node_for_each_attempt() -> None:
    run = Played(
        workflow(dag("main", task("a"), task("b", after=("a",))), shell("a", "true", retryStrategy={"limit": 2}), B)
    )
    assert run.play(lambda name: "Failed" if name == "a(0)" else "Succeeded") == [["a(0)"], ["a(1)"], ["b"]]
    assert run.node("a")["type"] == "Retry"
    assert run.node("a")["phase"] == "Succeeded"
    assert run.node("a(0)")["phase"] == "Failed"
    assert run.node("a(1)")["children"] == [run.node("b")["id"]]


def test_retries_come_to_an_end() -> None:
    run = Played(workflow(dag("main", task("a")), shell("a", "true", retryStrategy={"limit": 2})))
    assert run.play(lambda name: "Failed") == [["a(0)"], ["a(1)"], ["a(2)"]]
    assert run.node("a")["message"] == "No more retries left"
    assert run.last.phase == "Failed"


def test_a_retry_waits_for_its_pause() -> None:
    strategy = {"limit": 2, "backoff": {"duration": "30s"}}
    run = Played(workflow(dag("main", task("a")), shell("a", "true", retryStrategy=strategy)))
    run.plan()
    run.end("a(0)", "Failed")
    assert run.plan() == []
    assert run.last.wake_at == run.now + 30
    assert run.node("a")["message"] == "Backoff for 30 seconds"
    run.now += 30
    assert run.plan() == ["a(1)"]
    assert "message" not in run.node("a")


def test_the_outputs_of_the_last_attempt_are_the_steps() -> None:
    using = shell("b", "{{inputs.parameters.v}}", inputs={"parameters": [{"name": "v"}]})
    made = dag("main", task("a"), task("b", after=("a",), v="{{tasks.a.outputs.parameters.v}}"))
    run = Played(workflow(made, shell("a", "true", retryStrategy={"limit": 1}), using))
    run.plan()
    run.end("a(0)", v="7")
    run.plan()
    assert run.last.start[0].inputs.parameters == {"v": "7"}


@pytest.mark.parametrize(
    ("main", "handler", "ends"),
    [
        ("Succeeded", "Succeeded", "Succeeded"),
        ("Failed", "Succeeded", "Failed"),
        ("Succeeded", "Failed", "Failed"),
        ("Error", "Failed", "Error"),
    ],
)
def test_the_exit_handler_runs_after_success_and_failure(main: str, handler: str, ends: str) -> None:
    run = Played(workflow(dag("main", task("a")), A, shell("bye", "echo {{workflow.status}}"), onExit="bye"))
    assert run.plan() == ["a"]
    run.end("a", main)
    assert run.plan() == ["onExit"]
    assert run.last.start[0].template["container"]["command"][2] == f"echo {main}"
    assert run.last.phase == "Running"
    run.end("onExit", handler)
    run.plan()
    assert run.last.phase == ends


def test_a_template_can_call_itself() -> None:
    again = dag("again", task("a"), task("again", after=("a",), when="{{tasks.a.outputs.parameters.more}} > 0"))
    run = Played(workflow(dag("main", task("again")), again, A))
    for name, more in (("again.a", "1"), ("again.again.a", "1"), ("again.again.again.a", "0")):
        assert run.plan() == [name]
        run.end(name, more=more)
    run.plan()
    assert run.last.phase == "Succeeded"
    assert run.node("again.again.again.again")["phase"] == "Skipped"


def test_the_parallelism_of_the_workflow_holds() -> None:
    run = Played(workflow(dag("main", task("a"), task("b"), task("c")), A, B, C, parallelism=2))
    assert run.plan() == ["a", "b"]
    run.end("a")
    assert run.plan() == ["c"]


def test_the_parallelism_of_a_dag_holds_for_its_loop() -> None:
    run = Played(workflow(dag("main", task("a", withItems=[1, 2, 3]), parallelism=1), A))
    assert run.play() == [["a(0:1)"], ["a(1:2)"], ["a(2:3)"]]


def test_under_a_limit_a_group_begins_when_there_is_room_for_a_step_of_it() -> None:
    inner = dag("inner", task("deep"))
    deep = dag("deep", task("a"), task("b", after=("a",)))
    retried = {**B, "retryStrategy": {"limit": 1}}
    run = Played(workflow(dag("main", task("inner", withItems=[1, 2, 3])), inner, deep, A, retried, parallelism=2))
    assert run.plan() == ["inner(0:1).deep.a", "inner(1:2).deep.a"]
    assert "inner(2:3)" not in run.phases()
    run.end("inner(0:1).deep.a")
    assert run.plan() == ["inner(0:1).deep.b(0)"]
    run.end("inner(1:2).deep.a")
    run.end("inner(0:1).deep.b(0)")
    assert run.plan() == ["inner(1:2).deep.b(0)", "inner(2:3).deep.a"]


def test_outputs_of_a_dag_come_from_its_tasks() -> None:
    inner = dag(
        "inner",
        task("a"),
        outputs={"parameters": [{"name": "o", "valueFrom": {"parameter": "{{tasks.a.outputs.parameters.v}}"}}]},
    )
    using = shell("b", "{{inputs.parameters.v}}", inputs={"parameters": [{"name": "v"}]})
    made = dag("main", task("inner"), task("b", after=("inner",), v="{{tasks.inner.outputs.parameters.o}}"))
    run = Played(workflow(made, inner, A, using))
    run.plan()
    run.end("inner.a", v="42")
    assert run.plan() == ["b"]
    assert run.last.start[0].inputs.parameters == {"v": "42"}


def test_a_missing_argument_is_an_error_of_the_step() -> None:
    run = Played(workflow(dag("main", task("a")), shell("a", "x", inputs={"parameters": [{"name": "v"}]})))
    run.play()
    assert run.last.phase == "Error"
    assert run.node("a")["message"] == "task 'wf.a' errored: inputs.parameters.v was not supplied"


def test_a_step_sees_what_argo_tells_it() -> None:
    made = workflow(
        dag("main", task("a")),
        shell("a", "{{workflow.name}} {{pod.name}} {{workflow.parameters.p}} {{nobody}}"),
        parameters={"p": "1"},
    )
    run = Played(made)
    run.plan()
    assert run.last.start[0].template["container"]["command"][2] == f"wf {run.node('a')['id']} 1 {{{{nobody}}}}"


def test_an_overdue_run_is_stopped_and_its_exit_handler_still_runs() -> None:
    run = Played(
        workflow(
            dag("main", task("a"), task("b", after=("a",))),
            A,
            B,
            shell("bye", "true"),
            onExit="bye",
            activeDeadlineSeconds=5,
        )
    )
    run.plan()
    assert not run.planner.overdue(run.now)
    assert run.last.wake_at == run.now + 5
    run.now += 5
    assert run.planner.overdue(run.now)
    run.started.clear()
    run.planner.stop(run.now, "late")
    assert run.plan() == ["onExit"]
    run.end("onExit")
    run.plan()
    assert (run.last.phase, run.last.message, run.node("a")["phase"]) == ("Failed", "late", "Failed")


def test_planning_again_from_the_saved_nodes_changes_nothing() -> None:
    made = dag("main", task("a"), task("b", after=("a",), withItems=[1, 2]), task("c", after=("b",)))
    run = Played(workflow(made, A, B, C))
    run.plan()
    run.end("a")
    run.plan()
    run.end("b(0:1)")
    run.planner = Planner(run.workflow, run.nodes)
    assert run.plan() == []
    run.end("b(1:2)")
    run.planner = Planner(run.workflow, run.nodes)
    assert run.plan() == ["c"]


def test_no_more_steps_are_returned_than_there_is_room_for() -> None:
    run = Played(workflow(dag("main", task("a", withItems=[1, 2, 3])), A))
    assert len(run.planner.plan(run.now, (), room=2).start) == 2


def test_an_iteration_that_ended_just_before_the_backend_was_killed_counts_all_the_same() -> None:
    """Of such a step only the journal knows, and nothing leads to its node yet."""
    run = Played(workflow(dag("main", task("a", withItems=[1, 2]), task("b", after=("a",))), A, B))
    run.plan()
    run.end("a(0:1)", "Failed")
    ended = run.node("a(0:1)")
    resumed = Played(workflow(dag("main", task("a", withItems=[1, 2]), task("b", after=("a",))), A, B))
    resumed.nodes[ended["id"]] = ended
    resumed.planner = Planner(resumed.workflow, resumed.nodes)
    assert resumed.play() == [["a(1:2)"]]
    assert (resumed.node("a")["phase"], resumed.node("b")["phase"], resumed.last.phase) == (
        "Failed",
        "Omitted",
        "Failed",
    )


def test_a_recursion_may_be_deeper_than_pythons_own() -> None:
    levels = 500
    again = dag("main", task("a"), task("again", "main", after=("a",), when="{{tasks.a.outputs.parameters.o}} > 0"))
    run = Played(workflow(again, A))
    for left in reversed(range(levels)):
        (name,) = run.plan()
        run.end(name, o=str(left))
    assert run.plan() == []
    assert (run.last.phase, len(run.nodes)) == ("Succeeded", 2 * levels + 1)


def test_a_recursion_that_nothing_stops_is_an_error() -> None:
    run = Played(workflow(dag("main", task("again", "main"))))
    with pytest.raises(RecursionError, match="levels"):
        run.plan()


def test_what_a_limit_kept_waiting_goes_on_when_a_group_ends_at_the_same_time() -> None:
    inner = dag("inner", task("b"))
    retried = {**A, "retryStrategy": {"limit": 1}}
    run = Played(workflow(dag("main", task("i", "inner"), task("a"), parallelism=1), inner, retried, B))
    assert run.play() == [["i.b"], ["a(0)"]]
