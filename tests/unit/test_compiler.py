"""Compiling: a pipeline function, a file or a notebook becomes a package, or an error that points at the line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from kfops import compiler
from kfops.errors import CompileError, CompileExited, CompileTimeout, ConfigError, InvalidInput
from kfops.types import Package

ROOT = Path(__file__).resolve().parents[2]

CHURN = '''
from kfp import dsl
from kfp.v2.dsl import Dataset, Input, Metrics, Model, Output, component
from kfops.model import materialize_model


@component(base_image="python:3.9")
def prepare(rows: int, data: Output[Dataset]):
    with open(data.path, "w") as file:
        file.write("x" * rows)


@component(base_image="python:3.9")
def train(data: Input[Dataset], rate: float, model: Output[Model]):
    """Fit."""
    import os

    os.mkdir(model.path)


@component(base_image="python:3.9")
def evaluate(model: Input[Model], metrics: Output[Metrics]):
    metrics.log_metric("accuracy", 0.9)


@dsl.pipeline(name="churn", description="Who leaves")
def churn(
    rate: float = 0.1,
    rows: int = 10,
    label: str = "a",
    deep: bool = True,
    depths: list = [1, 2],
    more: dict = {},
):
    prepared = prepare(rows)
    trained = train(data=prepared.outputs["data"], rate=rate)
    evaluate(model=trained.outputs["model"])
    materialize_model(model=trained.outputs["model"])
'''


@pytest.fixture(scope="module", autouse=True)
def _no_process_left() -> Any:
    yield
    compiler.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "churn.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


def template(package: Package, name: str) -> dict[str, Any]:
    return next(t for t in package.workflow["spec"]["templates"] if t["name"] == name)


def env(package: Package, name: str) -> dict[str, Any]:
    return {v["name"]: v.get("value", v.get("valueFrom")) for v in template(package, name)["container"]["env"]}


@pytest.mark.parametrize("mode", ["V1_LEGACY", "V2_COMPATIBLE"])
def test_a_pipeline_that_materializes_its_model_compiles_in_either_mode(write, mode: str) -> None:
    package = compiler.compile(write(CHURN), mode=mode)

    assert (package.name, package.description, package.mode) == ("churn", "Who leaves", mode)
    assert {step.name for step in package.graph.steps} == {"prepare", "train", "evaluate", "materialize model"}
    edges = {(edge.source, edge.target) for edge in package.graph.edges}
    assert edges == {("prepare", "train"), ("train", "evaluate"), ("train", "materialize-model")}
    step = template(package, "materialize-model")
    assert step["metadata"]["annotations"]["kfops.dev/materialize"] == "true"
    assert step["metadata"]["annotations"]["pipelines.kubeflow.org/max_cache_staleness"] == "P0D"
    assert step["metadata"]["labels"]["pipelines.kubeflow.org/enable_caching"] == "false"
    given = env(package, "materialize-model")
    assert given["KFOPS_RUN_ID"] == "{{workflow.uid}}"
    assert given["KFOPS_VERSION_ID"] == "{{workflow.parameters.version_id}}"
    assert given["KFOPS_PIPELINE"] == "churn"
    assert given["MINIO_SECRET_KEY"]["secretKeyRef"]["optional"] is True
    assert {"name": "version_id", "value": ""} in package.workflow["spec"]["arguments"]["parameters"]


@pytest.mark.parametrize("mode", ["V1_LEGACY", "V2_COMPATIBLE"])
def test_parameters_have_types_and_defaults_and_injected_ones_stay_hidden(write, mode: str) -> None:
    parameters = {p.name: (p.type, p.default, p.required) for p in compiler.compile(write(CHURN), mode=mode).parameters}

    assert parameters == {
        "rate": ("float", 0.1, False),
        "rows": ("integer", 10, False),
        "label": ("string", "a", False),
        "deep": ("boolean", True, False),
        "depths": ("list", [1, 2], False),
        "more": ("dict", {}, False),
    }


def test_a_parameter_without_default_is_required_and_one_without_annotation_takes_its_defaults_type(write) -> None:
    path = write(
        """
        from kfp import dsl
        @dsl.pipeline(name="p")
        def p(needed: int, rate=0.5, on=False, text="t"):
            dsl.ContainerOp(name="a", image="i", command=["echo", str(needed)])
        """
    )
    parameters = {p.name: p for p in compiler.compile(path, mode="V1_LEGACY").parameters}

    assert (parameters["needed"].type, parameters["needed"].required) == ("integer", True)
    assert (parameters["rate"].type, parameters["rate"].default) == ("float", 0.5)
    assert (parameters["on"].type, parameters["on"].default) == ("boolean", False)
    assert (parameters["text"].type, parameters["text"].default) == ("string", "t")


def test_the_text_is_the_workflow_and_says_where_it_came_from(write) -> None:
    path = write(CHURN)
    package = compiler.compile(path)

    assert yaml.safe_load(package.text) == json.loads(json.dumps(package.workflow))
    assert package.size == len(package.text.encode())
    annotations = package.workflow["metadata"]["annotations"]
    source = json.loads(annotations["kfops.dev/source"])
    assert (source["kind"], source["path"]) == ("file", "churn.py")
    assert source["sha256"] == package.source.sha256
    assert json.loads(annotations["kfops.dev/images"]) == []


@pytest.mark.needs("git")
def test_the_commit_of_a_file_is_noted_and_whether_the_file_differs_from_it(write) -> None:
    path = write(CHURN)

    def git(*arguments: str) -> str:
        author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        command = ["git", "-C", str(path.parent), *author, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    assert compiler.compile(path).source.git_commit == ""
    git("init", "-q")
    git("add", "churn.py")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert compiler.compile(path).source.git_commit == commit
    assert compiler.compile(write(CHURN + "\nimport os\nos.closerange(3, 100)\n")).source.git_commit == ""
    assert compiler.compile(write(CHURN + "\n")).source.git_commit == f"{commit}-dirty"


def test_strings_that_go_would_read_as_numbers_or_truth_values_are_quoted(write) -> None:
    path = write(
        """
        from kfp import dsl
        @dsl.pipeline(name="p")
        def p():
            dsl.ContainerOp(name="a", image="i", arguments=["1e3", "y", "0b1", "no", "007", "plain"])
        """
    )
    text = compiler.compile(path, mode="V1_LEGACY").text

    assert all(f"'{word}'" in text for word in ("1e3", "y", "0b1", "no", "007"))
    assert "'plain'" not in text


def test_the_text_does_not_depend_on_hash_seeds(write) -> None:
    path = write(CHURN)
    program = (
        "import sys, re; from kfops import compiler; p = compiler.compile(sys.argv[1]); "
        "print(re.sub(r'pipeline_compilation_time: .*', '', p.text))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program, str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(texts) == 1


def test_a_function_is_compiled_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from kfp import components, dsl

    def add(a: int, b: int) -> int:
        return a + b

    step = components.create_component_from_func(add)

    @dsl.pipeline(name="sum of two")
    def decorated(a: int = 1):
        step(a, 2)

    def plain(a: int = 1):
        step(a, 2)

    named = compiler.compile(decorated, mode="V1_LEGACY")
    undecorated = compiler.compile(plain, mode="V2_COMPATIBLE", name="another")

    assert (named.name, named.source.kind) == ("sum of two", "function")
    parameters = {p["name"]: p.get("value") for p in undecorated.workflow["spec"]["arguments"]["parameters"]}
    assert (undecorated.name, parameters["pipeline-name"]) == ("another", "pipeline/another")


def test_compiling_from_several_threads_gives_each_its_own_package(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    from concurrent.futures import ThreadPoolExecutor

    from kfp import dsl

    def make(number: int) -> Callable[[], None]:
        @dsl.pipeline(name=f"pipeline-{number}")
        def pipeline() -> None:
            for step in range(number):
                time.sleep(0.002)  # the others' turn
                dsl.ContainerOp(name=f"step-{number}-{step}", image="i", command=["true"])

        return pipeline

    with ThreadPoolExecutor(4) as pool:
        packages = list(pool.map(lambda n: compiler.compile(make(n), mode="V1_LEGACY"), range(1, 9)))

    for number, package in enumerate(packages, 1):
        expected = sorted(f"step-{number}-{step}" for step in range(number))
        assert sorted(step.name for step in package.graph.steps) == expected


def test_the_mode_of_config_yaml_is_honoured_and_an_argument_goes_before_it(write) -> None:
    path = write(CHURN)
    write("pipeline:\n  name: churn\n  pipeline_execution_mode: V1_LEGACY\n", "config.yaml")

    assert compiler.compile(path).mode == "V1_LEGACY"
    assert compiler.compile(path, mode="V2_COMPATIBLE").mode == "V2_COMPATIBLE"


def test_the_engine_mode_is_refused() -> None:
    with pytest.raises(InvalidInput, match="V2_ENGINE"):
        compiler.compile(lambda: None, mode="V2_ENGINE")


def test_what_is_no_pipeline_is_refused() -> None:
    with pytest.raises(InvalidInput, match="A int cannot be compiled"):
        compiler.compile(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="cannot be read"):
        compiler.compile("/nowhere/pipeline.py")
    with pytest.raises(InvalidInput, match="neither a Python file nor a notebook"):
        compiler.compile(str(Path(__file__).with_suffix(".txt")))


def test_a_versioned_image_declares_version_id_and_is_listed(write) -> None:
    write(
        """
        pipeline:
          name: churn
        image_builder:
          container_registry_uri: registry.example.com/team
          images:
            - name: trainer
              dockerfile_folder_path: docker
        """,
        "config.yaml",
    )
    path = write(
        """
        from kfp import dsl
        from kfops.tagger import versioned_image
        @dsl.pipeline(name="p")
        def p():
            dsl.ContainerOp(name="a", image=versioned_image("trainer"))
            dsl.ContainerOp(name="b", image="registry.example.com/team/other:1")
        """
    )
    package = compiler.compile(path, mode="V1_LEGACY")

    assert package.images == ["trainer"]
    assert template(package, "a")["container"]["image"] == (
        "registry.example.com/team/trainer:{{workflow.parameters.version_id}}"
    )
    assert {"name": "version_id", "value": ""} in package.workflow["spec"]["arguments"]["parameters"]
    assert package.parameters == []


def test_a_pipeline_without_own_images_gets_no_version_id(write) -> None:
    path = write('from kfp import dsl\n@dsl.pipeline(name="p")\ndef p(): dsl.ContainerOp(name="a", image="i")\n')

    assert compiler.compile(path, mode="V1_LEGACY").workflow["spec"]["arguments"] == {"parameters": []}


def test_an_image_that_is_not_known_names_the_line_and_what_to_add(write) -> None:
    path = write(
        """
        from kfp import dsl
        from kfops.tagger import versioned_image
        IMAGE = versioned_image("trainer")
        """
    )
    with pytest.raises(ConfigError) as caught:
        compiler.compile(path)

    assert caught.value.details["line"] == 4
    assert caught.value.message == "There is no image trainer (line 4)."
    assert "%%kfops image trainer" in caught.value.remedy


MISTAKES = {
    "a wrong type": (
        'train(data=prepared.outputs["data"], rate=rate)\n    evaluate(model=prepared.outputs["data"])',
        'The input "model" of Evaluate takes a Model, and is given a Dataset.',
    ),
    "a missing argument": ('train(data=prepared.outputs["data"])', "missing 1 required positional argument: 'rate'"),
    "a wrong argument": ("train(dta=1)", "unexpected keyword argument 'dta'"),
    "a wrong output": ('train(data=prepared.outputs["dota"], rate=rate)', "The step has no output 'dota'."),
    "a step for an output": ("train(data=prepared, rate=rate)", "Pass a single output instead."),
    "an error of Python": ("1 / 0", "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("body", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_gives_the_reason_and_the_line_without_a_traceback(write, body: tuple[str, str]) -> None:
    code, reason = body
    text = CHURN.split("    trained =")[0] + f"    {code}\n"
    with pytest.raises(CompileError) as caught:
        compiler.compile(write(text))

    error = caught.value
    assert reason in error.why
    assert len(str(error).splitlines()) <= 4
    assert "Traceback" not in str(error)
    assert error.details["path"].endswith("churn.py")
    assert error.details["source"] == code.split("\n")[-1].strip()
    assert f"line {error.details['line']}" in error.message


def test_a_parameter_without_type_says_which_annotation_it_needs(write) -> None:
    with pytest.raises(CompileError) as caught:
        compiler.compile(write(CHURN.replace("rows: int = 10", "rows=10")))

    assert caught.value.remedy == "Annotate it in the pipeline's signature: rows: int"


def test_a_mistake_in_an_imported_file_is_found_there(write) -> None:
    write("def broken():\n    raise ValueError('not today')\n", "steps.py")
    with pytest.raises(CompileError) as caught:
        compiler.compile(write("import steps\nsteps.broken()\n"))

    assert caught.value.details["path"].endswith("steps.py")
    assert caught.value.details["line"] == 2


def test_a_syntax_error_names_its_line(write) -> None:
    with pytest.raises(CompileError) as caught:
        compiler.compile(write("import os\nx = (1,\n"))

    assert caught.value.details["line"] == 2
    assert caught.value.why.startswith("SyntaxError")


def test_none_or_several_pipelines_say_how_to_choose(write) -> None:
    with pytest.raises(CompileError, match="no pipeline function") as none:
        compiler.compile(write("x = 1\n"))
    two = write(
        """
        from kfp import dsl
        @dsl.pipeline(name="a")
        def first(): dsl.ContainerOp(name="a", image="i")
        @dsl.pipeline(name="b")
        def second(): dsl.ContainerOp(name="b", image="i")
        """
    )
    with pytest.raises(CompileError, match="2 pipeline functions") as several:
        compiler.compile(two, mode="V1_LEGACY")
    with pytest.raises(CompileError, match="no pipeline function third") as wrong:
        compiler.compile(two, mode="V1_LEGACY", function="third")

    assert "kfp.dsl.pipeline" in none.value.remedy
    assert several.value.details["functions"] == ["first", "second"]
    assert "first, second" in wrong.value.why
    assert compiler.compile(two, mode="V1_LEGACY", function="second").name == "b"


def test_config_yaml_chooses_among_several(write) -> None:
    write("pipeline:\n  name: p\n  pipeline_function_name: second\n", "config.yaml")
    path = write(
        """
        from kfp import dsl
        @dsl.pipeline(name="a")
        def first(): dsl.ContainerOp(name="a", image="i")
        @dsl.pipeline(name="b")
        def second(): dsl.ContainerOp(name="b", image="i")
        """
    )

    assert compiler.compile(path, mode="V1_LEGACY").name == "b"


def test_what_the_code_prints_is_kept_with_the_package_and_with_the_error(write) -> None:
    path = write(CHURN + "\nprint('hello')\n")

    assert compiler.compile(path).output == "hello\n"
    with pytest.raises(CompileError) as caught:
        compiler.compile(path, content="print('before')\nraise ValueError('no')\n")
    assert caught.value.details["output"] == "before\n"


def test_unsaved_text_is_compiled_in_place_of_the_file(write) -> None:
    path = write("raise SystemExit\n")

    assert compiler.compile(path, content=CHURN).name == "churn"
    assert path.read_text() == "raise SystemExit\n"


def test_the_code_sees_the_environment_of_the_moment(write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("import os\nprint(os.environ.get('KFOPS_TEST_LATE'))\n" + CHURN)

    assert compiler.compile(path).output == "None\n"
    monkeypatch.setenv("KFOPS_TEST_LATE", "now")
    assert compiler.compile(path).output == "now\n"


def test_the_block_for_scripts_is_not_run(write) -> None:
    path = write(CHURN + '\nif __name__ == "__main__":\n    raise SystemExit(1)\n')

    assert compiler.compile(path).name == "churn"


def test_code_that_exits_or_does_not_end_harms_only_itself(write) -> None:
    with pytest.raises(CompileExited, match=r"sys\.exit") as exited:
        compiler.compile(write("import sys\nsys.exit(2)\n"))
    with pytest.raises(CompileTimeout, match=r"longer than 0\.5 s"):
        compiler.compile(write("while True: pass\n"), time_limit=0.5)

    assert exited.value.details["line"] == 2
    assert compiler.compile(write(CHURN)).name == "churn"
