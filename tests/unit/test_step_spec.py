"""What a step asks for, read from its template as kfp writes it."""

from __future__ import annotations

import json

import pytest
import yaml
from kfp import dsl
from kfp.compiler import Compiler
from kfp.components import create_component_from_func

from kfops.errors import NotFound
from kfops.step_spec import spec_of, step_spec
from tests.fakes.backend import scripted_backend

#: What kfp has to say of its own ways.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{text}")
    for text in ("(?s).*will be removed in future releases", "V2_COMPATIBLE", "APIs imported from the v1 namespace")
]
MODES = [dsl.PipelineExecutionMode.V1_LEGACY, dsl.PipelineExecutionMode.V2_COMPATIBLE]


def add_one(number: int) -> int:
    return number + 1


@dsl.pipeline(name="asking")
def asking(number: int = 1):
    task = create_component_from_func(add_one, base_image="python:3.9", packages_to_install=["pandas"])(number)
    task.set_cpu_limit("2").set_gpu_limit("1").set_memory_request("1G").add_node_selector_constraint("disk", "ssd")
    task.set_timeout(30)
    task.set_retry(3, policy="Always", backoff_duration="5s", backoff_factor=2, backoff_max_duration="60s")
    task.execution_options.caching_strategy.max_cache_staleness = "P1D"


@pytest.fixture(params=MODES, ids=["v1", "v2"])
def workflow(request, tmp_path):
    package = tmp_path / "p.yaml"
    Compiler(mode=request.param).compile(asking, str(package))
    return yaml.safe_load(package.read_text())


def settled(workflow, executor):
    settings = json.dumps({"executor": executor})
    workflow["metadata"].setdefault("annotations", {})["kfops/local-settings"] = settings
    return workflow


def test_what_a_step_asks_for_is_found_in_what_kfp_writes(workflow):
    found = spec_of(workflow, "add-one")
    assert found.image == "python:3.9"
    assert found.source.startswith("def add_one(number):\n    return number + 1\n")
    assert found.source in [*found.command, *found.args]
    assert found.limits == {"cpu": "2", "nvidia.com/gpu": "1"}
    assert found.requests == {"memory": "1G"}
    assert found.node_selector == {"disk": "ssd"}
    assert found.timeout == 30
    assert (found.retry_limit, found.retry_policy, found.retry_backoff) == (3, "Always", ["5s", "2", "60s"])
    by_launcher = found.command[0] == "/kfp-launcher/launch"  # which remembers outputs of any age
    assert (found.caching, found.max_staleness) == (True, "" if by_launcher else "P1D")
    assert found.ignored == []


@pytest.mark.parametrize("executor", ["process", "warm"])
def test_processes_follow_nothing_of_what_is_asked_of_a_cluster(workflow, executor):
    found = spec_of(settled(workflow, executor), "add-one", embedded=True)
    assert found.ignored == ["requests", "node_selector", "limits.cpu", "limits.nvidia.com/gpu"]


def test_containers_are_given_their_limits_of_processors_and_memory(workflow):
    found = spec_of(settled(workflow, "container"), "add-one", embedded=True)
    assert found.ignored == ["requests", "node_selector", "limits.nvidia.com/gpu"]


def shell(command, **more):
    template = {"name": "a", "container": {"image": "none", "command": command}, **more}
    main = {"name": "main", "dag": {"tasks": [{"name": "a", "template": "a"}]}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "shell-"},
        "spec": {"entrypoint": "main", "arguments": {"parameters": []}, "templates": [main, template]},
    }


@pytest.mark.parametrize("script", ["echo a\necho b\n", "true\n", "for i in 1 2; do\n  echo $i\ndone\n"])
def test_a_script_of_a_shell_is_no_python(script):
    assert spec_of(shell(["sh", "-c", script]), "a").source == ""


def test_a_program_for_a_newer_python_is_one():
    program = "def f[T](x: T) -> T:\n    return x\n"
    assert spec_of(shell(["python", "-c", program]), "a").source == program


def test_what_is_not_asked_for_is_not_there():
    found = spec_of(shell(["true"]), "a", embedded=True)
    assert (found.timeout, found.retry_limit, found.retry_backoff, found.caching) == (0, 0, [], False)
    assert (found.requests, found.limits, found.node_selector, found.ignored) == ({}, {}, {}, [])


def test_retries_without_a_limit_go_on_until_it_succeeds():
    found = spec_of(shell(["true"], retryStrategy={}), "a")
    assert (found.retry_limit, found.retry_policy) == (-1, "OnFailure")


def test_an_unknown_step_is_not_found():
    with pytest.raises(NotFound):
        spec_of(shell(["true"]), "b")


def test_a_cached_step_names_the_run_that_its_outputs_came_from(tmp_path):
    with scripted_backend(tmp_path / "data") as backend:

        def start(name):
            body = {"name": name, "pipeline_spec": {"workflow_manifest": json.dumps(shell(["true"]))}}
            return backend.connection.post_json("/apis/v1beta1/runs", body)["run"]["id"]

        first, second = start("the first"), start("the second")
        backend.move(second, "Succeeded", {"a": ("Succeeded", f"Cached from run {first}")})
        workflow = backend.do(lambda: backend._store.progress.workflow(second))
        step_id = next(n for n in workflow["status"]["nodes"] if n != workflow["metadata"]["name"])
        backend.do(lambda: _reuse(backend, second, workflow, step_id))
        found = step_spec(second, step_id, backend.connection)
        assert (found.cached_from, found.cached_from_name) == (first, "the first")
        backend.connection.delete(f"/apis/v1beta1/runs/{first}")
        found = step_spec(second, step_id, backend.connection)
        assert (found.cached_from, found.cached_from_name) == (first, "")


def _reuse(backend, run_id, workflow, step_id):
    workflow["status"]["nodes"][step_id]["reusedFromCache"] = True
    backend._store.progress.save_status(run_id, workflow["status"])


def test_in_a_cluster_a_cached_step_names_the_workflow_of_another_run():
    workflow = shell(["true"])
    node = {"id": "shell-2-a", "name": "shell-2.a", "type": "Pod", "phase": "Succeeded"}
    key = "artifacts/shell-1/2026/01/02/shell-1-a/data.tgz"
    node["outputs"] = {"artifacts": [{"name": "data", "s3": {"key": key}}]}
    workflow["metadata"]["name"] = "shell-2"
    workflow["status"] = {"phase": "Succeeded", "nodes": {"shell-2-a": node}}
    found = spec_of(workflow, "shell-2-a")
    assert (found.cached_from, found.cached_from_name) == ("", "shell-1")
