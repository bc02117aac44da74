"""What of a notebook is executed when its pipeline is compiled, and where a mistake in it is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from kfops import compiler
from kfops.compiling.source import Program, read_source
from kfops.errors import CompileError, InvalidInput

PIPELINE = """%%kfops pipeline
@dsl.pipeline(name="churn")
def churn(rate: float = RATE):
    step(rate)
"""
STEP = """from kfp import components, dsl
def train(rate: float):
    print(rate)

step = components.create_component_from_func(train)
"""


@pytest.fixture(scope="module", autouse=True)
def _no_process_left() -> Any:
    yield
    compiler.close()


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    def write(*cells: str) -> Path:
        found = [{"cell_type": "markdown", "source": "# Churn"}]
        found += [{"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": []} for cell in cells]
        path = tmp_path / "churn.ipynb"
        path.write_text(json.dumps({"cells": found, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
        return path

    return write


def executed(program: Program) -> str:
    """Return the statements that are executed, as Python writes them."""
    import ast

    return "\n".join(ast.unparse(unit.tree) for unit in program.units)


def test_of_plain_cells_only_what_the_pipeline_needs_is_executed(notebook) -> None:
    path = notebook(
        "%matplotlib inline\nimport pandas as pd\ndata = pd.read_csv('large.csv')\ndata.plot()",
        "RATE = 0.5\nOTHER = open('/nowhere')\nprint('not me')",
        STEP,
        PIPELINE,
        "RATE = 0.7\nraise SystemExit",
    )
    code = executed(read_source(path))

    assert "RATE = 0.5" in code
    assert "create_component_from_func" in code
    assert all(word not in code for word in ("pandas", "read_csv", "OTHER", "print('not me')", "0.7", "SystemExit"))
    package = compiler.compile(path, mode="V1_LEGACY")
    assert package.parameters[0].default == 0.5
    assert (package.source.kind, package.source.path) == ("notebook", "churn.ipynb")


def test_the_source_of_steps_is_found_so_that_kfp_can_put_it_into_the_package(notebook) -> None:
    path = notebook(
        "RATE = 1.0\nfrom kfp import dsl\nfrom kfp.v2.dsl import component, Output, Model",
        "%%kfops pipeline\n@component\ndef step(rate: float, model: Output[Model]):\n    print('in the notebook')\n"
        + PIPELINE.split("\n", 1)[1],
    )

    assert "print('in the notebook')" in compiler.compile(path).text


def test_without_a_pipeline_cell_the_decorated_function_is_taken(notebook) -> None:
    path = notebook("!pip install kfp", STEP, "RATE = 2.0\nRATE", PIPELINE.split("\n", 1)[1], "churn(1)")

    assert compiler.compile(path, mode="V1_LEGACY").parameters[0].default == 2.0


def test_an_undecorated_function_can_be_named(notebook) -> None:
    path = notebook(STEP, "def flow(rate: float = 1.5):\n    step(rate)")

    assert compiler.compile(path, mode="V1_LEGACY", function="flow").parameters[0].default == 1.5
    with pytest.raises(CompileError, match="no pipeline function"):
        compiler.compile(path, mode="V1_LEGACY")


def test_what_only_ipython_understands_is_left_out_and_text_that_looks_like_it_is_kept(notebook) -> None:
    path = notebook(
        STEP,
        "files = !ls \\\n  -l\nDOC = '''\n%not a magic\n!nor this\n'''\n%time x = 1\nlen?\nRATE = float(len(DOC))",
        "%%bash\nexit 1",
        "%%time\nHIDDEN = 1\nRATE = RATE + HIDDEN",
        PIPELINE,
    )

    assert compiler.compile(path, mode="V1_LEGACY").parameters[0].default == len("\n%not a magic\n!nor this\n") + 1


def test_a_statement_that_changes_what_is_needed_is_executed_too(notebook) -> None:
    path = notebook(STEP, "SETTINGS = {}\nSETTINGS['rate'] = 0.25\nRATE = SETTINGS['rate']", PIPELINE)

    assert compiler.compile(path, mode="V1_LEGACY").parameters[0].default == 0.25


def test_image_cells_give_dockerfiles_that_versioned_image_knows(notebook, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("image_builder:\n  container_registry_uri: registry.example.com\n")
    path = notebook(
        "%%kfops image trainer\nFROM python:3.9\nRUN pip install x",
        STEP + "from kfops.tagger import versioned_image\nRATE = 1.0",
        PIPELINE.replace("step(rate)", 'dsl.ContainerOp(name="a", image=versioned_image("trainer"))'),
    )
    package = compiler.compile(path, mode="V1_LEGACY")

    assert package.dockerfiles == {"trainer": "FROM python:3.9\nRUN pip install x"}
    assert package.images == ["trainer"]


def test_a_mistake_names_the_cell_and_the_line_in_it(notebook) -> None:
    path = notebook(STEP, "RATE = 0.5", PIPELINE.replace("step(rate)", "\n    step(raet)"))
    with pytest.raises(CompileError) as caught:
        compiler.compile(path, mode="V1_LEGACY")

    error = caught.value
    assert error.message == "churn.ipynb does not compile (cell 4, line 5)."
    assert error.why == "NameError: name 'raet' is not defined"
    assert (error.details["cell"], error.details["line"]) == (4, 5)
    assert error.details["source"] == "step(raet)"
    assert error.details["path"] == str(path)


def test_a_syntax_error_in_the_pipeline_cell_names_it_and_one_elsewhere_does_not_matter(notebook) -> None:
    with pytest.raises(CompileError) as caught:
        compiler.compile(notebook(STEP, "%%kfops pipeline\n\ndef churn(:\n    pass"))
    fine = notebook("this is not Python", STEP, "RATE = 1.0", PIPELINE)

    assert (caught.value.details["cell"], caught.value.details["line"]) == (3, 3)
    assert compiler.compile(fine, mode="V1_LEGACY").name == "churn"


def test_a_notebook_that_cannot_be_parsed_at_all_says_so(notebook) -> None:
    with pytest.raises(CompileError, match="cell 2, line 1"):
        compiler.compile(notebook("def churn(:\n    pass"))


def test_unsaved_cells_are_compiled_in_place_of_the_saved_ones(notebook) -> None:
    path = notebook(STEP, "RATE = 0.5", PIPELINE)
    cells = json.loads(path.read_text())
    path.write_text("{}")

    assert compiler.compile(path, mode="V1_LEGACY", content=json.dumps(cells)).name == "churn"
    with pytest.raises(InvalidInput, match="not a notebook"):
        compiler.compile(path)


def test_the_last_definition_of_a_name_wins_as_in_the_notebook(notebook) -> None:
    path = notebook(STEP + "RATE = 0.1", PIPELINE, PIPELINE.replace("RATE", "RATE * 2"))

    assert compiler.compile(path, mode="V1_LEGACY").parameters[0].default == 0.2
