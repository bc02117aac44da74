"""A workflow that kfops compiles is the one that kfp's own compiler writes, and kfp is afterwards as it was before."""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import uuid
from pathlib import Path
from typing import Any, Callable

import kfp.compiler
import pytest
import yaml
from kfp import dsl
from kubernetes.client.configuration import Configuration

from kfops import compiler
from kfops.compiling import build, lean, text
from kfops.compiling.parameters import SPEC_ANNOTATION
from kfops.compiling.quiet import without_kfps_warnings
from kfops.errors import CompileError
from tests.fakes import pipelines

TIME_ANNOTATION = "pipelines.kubeflow.org/pipeline_compilation_time"
CHANGED = (
    "kfp.components.modelbase",
    "kfp.compiler._data_passing_rewriter",
    "kfp.compiler._k8s_helper",
    "kfp.compiler._op_to_template",
    "kfp.compiler.compiler",
    "kfp.dsl",
    "kfp.dsl._pipeline",
    "kfp.dsl._pipeline_param",
)
CASES = [
    *((name, mode) for name in pipelines.OF_ANY_MODE for mode in build.MODES),
    *((name, "V1_LEGACY") for name in pipelines.OF_V1),
]


@pytest.fixture(scope="module", autouse=True)
def _no_process_left() -> Any:
    yield
    compiler.close()


@pytest.fixture
def same_ids(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes the ids that kfp gives to loops begin anew."""

    def begin() -> None:
        numbers = itertools.count(1)
        monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=next(numbers) << 96))

    return begin


def by_kfp(function: Callable[..., Any], mode: str, folder: Path) -> Any:
    """Return what kfp's own compiler writes into a package, as data."""
    path = folder / f"{mode}.yaml"
    with without_kfps_warnings():
        kfp.compiler.Compiler(mode=dsl.PipelineExecutionMode[mode]).compile(function, str(path))
    return compared(yaml.safe_load(path.read_text()))


def compared(workflow: Any) -> Any:
    """Return a workflow without the time, and without the types of parameters, which kfops adds where kfp has none."""
    workflow["metadata"]["annotations"].pop(TIME_ANNOTATION)
    spec = json.loads(workflow["metadata"]["annotations"][SPEC_ANNOTATION])
    for entry in spec.get("inputs", ()):
        entry.pop("type", None)
    workflow["metadata"]["annotations"][SPEC_ANNOTATION] = spec
    return workflow


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_a_workflow_is_the_one_that_kfp_writes(
    name: str, mode: str, tmp_path: Path, same_ids: Callable[[], None]
) -> None:
    function = {**pipelines.OF_ANY_MODE, **pipelines.OF_V1}[name]
    same_ids()
    expected = by_kfp(function, mode, tmp_path)
    same_ids()
    workflow = build.workflow_of(function, mode)

    written = yaml.safe_load(text.dump(workflow))
    assert compared(workflow) == expected
    assert json.dumps(compared(written)) == json.dumps(expected)  # in the same order, too


def test_a_file_gives_the_same_workflow_as_kfp(tmp_path: Path) -> None:
    package = compiler.compile(pipelines.__file__, function="conditions", mode="V1_LEGACY")

    expected = by_kfp(pipelines.conditions, "V1_LEGACY", tmp_path)
    assert package.workflow["spec"] == expected["spec"]
    assert yaml.safe_load(package.text)["spec"] == expected["spec"]


@pytest.mark.parametrize("replacements", [item.__name__ for item in lean.REPLACEMENTS])
@pytest.mark.parametrize("missing", [ImportError, AttributeError, KeyError])
def test_what_another_kfp_does_not_have_is_left_alone(
    replacements: str, missing: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def not_there() -> Any:
        if missing is KeyError:
            return [(kfp.compiler.compiler, "no_such_function", None)]
        raise missing

    kept = [not_there if item.__name__ == replacements else item for item in lean.REPLACEMENTS]
    monkeypatch.setattr(lean, "REPLACEMENTS", kept)

    workflow = build.workflow_of(pipelines.decorated, "V2_COMPATIBLE")
    assert compared(workflow) == by_kfp(pipelines.decorated, "V2_COMPATIBLE", tmp_path)


@pytest.mark.parametrize(
    "template",
    [
        {"args": ["{{inputs.parameters.a-b_C.1}} and {{workflow.uid}}", {"{{in.a.key}}": [1, None, True]}]},
        {"broken": ["{{half", "}}", "{{ spaced }}", "{{new\nline}}", "{{caf\u00e9}}", '{{"quoted"}}', "{{{{twice}}}}"]},
        {"empty": {}, "none": [], "nested": {"deeper": ("{{in.a.tuple}}", {"x": {"y": "{{z}}"}})}},
    ],
)
def test_the_same_placeholders_are_found_text_by_text(template: Any) -> None:
    original = kfp.compiler._data_passing_rewriter.extract_all_placeholders
    with lean.lean():
        found = kfp.compiler._data_passing_rewriter.extract_all_placeholders(template)
    assert found == original(template)


def test_kfp_is_as_it_was_after_a_compile_that_ends_well_and_after_one_that_does_not() -> None:
    def broken() -> None:
        pipelines.add(1)
        assert not gc.isenabled()
        assert vars(Configuration)["__init__"] is not before[1]["__init__"]
        raise KeyboardInterrupt

    def state() -> Any:
        return [dict(vars(importlib.import_module(name))) for name in CHANGED], dict(vars(Configuration))

    before = state()
    build.workflow_of(pipelines.chain, "V1_LEGACY")
    assert state() == before
    with pytest.raises(KeyboardInterrupt):
        compiler.compile(broken, mode="V1_LEGACY", name="broken")

    assert state() == before
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        build.workflow_of(pipelines.chain, "V1_LEGACY")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_the_pipelines_own_code_puts_into_kfp_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Configuration, "__init__", Configuration.__init__)

    def own(self: Any) -> None:
        raise AssertionError

    def pipeline() -> None:
        pipelines.add(1)
        Configuration.__init__ = own

    with pytest.raises(CompileError):
        compiler.compile(pipeline, mode="V2_COMPATIBLE", name="own")
    assert Configuration.__init__ is own


def test_each_configuration_is_one_of_its_own_while_a_pipeline_compiles() -> None:
    found = []

    def pipeline() -> None:
        pipelines.add(1)
        found.extend([Configuration(), Configuration(), Configuration(host="http://other")])

    build.workflow_of(pipeline, "V1_LEGACY", "own")
    one, other, given = found
    one.api_key["authorization"] = "x"
    one.host = "http://one"

    assert (other.api_key, given.host, other.host) == ({}, "http://other", "http://localhost")
    assert set(vars(one)) == set(vars(Configuration()))
