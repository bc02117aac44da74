"""The magics as a notebook's shell carries them out; what needs a backend stands in tests/conformance."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import textwrap
import warnings

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from kfops.errors import CompileError, CompileExited, InvalidInput
from kfops_lab.arguments import parameters
from kfops_lab.display.failure import concise
from kfops_lab.magics import completion, verbs

PIPELINE = textwrap.dedent(
    """\
    %%kfops pipeline
    from kfp import dsl
    from kfp.v2.dsl import component

    @component
    def greet(name: str) -> str:
        return f"hello {name}"

    @dsl.pipeline(name="greetings")
    def greetings(name: str = "<you>", often: int = 2):
        greet(name=name)
    """
)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    made.run_line_magic("load_ext", "kfops_lab")
    yield made
    atexit.unregister(made.atexit_operations)
    InteractiveShell.clear_instance()


def run(shell, cell):
    """Run a cell; return what it displayed and what it raised."""
    with capture_output() as captured:
        result = shell.run_cell(cell)
    return captured, result.error_in_exec


def text_of(captured):
    return "\n".join(output.data["text/plain"] for output in captured.outputs)


def test_the_magic_alone_lists_every_verb(shell):
    captured, error = run(shell, "%kfops")
    assert error is None
    for name in [*verbs.LINE, *verbs.CELL]:
        assert f"kfops {name}" in text_of(captured)


def test_a_typing_mistake_is_answered_with_the_nearest_verb(shell):
    _, error = run(shell, "%kfops uplaod")
    assert isinstance(error, InvalidInput)
    assert "%kfops upload?" in error.remedy


def test_a_cell_verb_on_a_line_and_a_line_verb_on_a_cell_say_how_to_write_them(shell):
    assert "%%kfops pipeline" in run(shell, "%kfops pipeline")[1].remedy
    assert "%kfops upload" in run(shell, "%%kfops upload\n1")[1].remedy


def test_upload_before_anything_was_compiled_says_what_to_do(shell):
    error = run(shell, "%kfops upload")[1]
    assert "%%kfops pipeline" in error.remedy


def test_an_unknown_option_names_the_usage_and_leaves_the_kernel_alive(shell):
    error = run(shell, "%kfops upload --colour red")[1]
    assert isinstance(error, InvalidInput) and "--pipeline NAME" in error.remedy
    assert run(shell, "1 + 1")[1] is None


def test_a_pipeline_cell_shows_graph_parameters_size_and_hash(shell):
    captured, error = run(shell, PIPELINE)
    assert error is None
    html = "".join(output.data["text/html"] for output in captured.outputs)
    assert "<svg" in html and "greet" in html
    assert "rate" not in html and "often" in html and "integer" in html
    assert "sha256" in html and "kB" in html
    assert "&lt;you&gt;" in html and "<you>" not in html


def test_functions_of_a_pipeline_cell_are_there_for_later_cells(shell):
    run(shell, PIPELINE)
    assert shell.user_ns["greetings"].__name__ == "greetings"


def test_a_mistake_in_the_cell_gives_the_reason_and_the_line_without_a_traceback(shell):
    captured, error = run(shell, PIPELINE.replace("greet(name=name)", "greet(nam=name)"))
    assert isinstance(error, CompileError)
    assert error.details["line"] == 11 and error.details["source"] == "greet(nam=name)"
    shown = captured.stdout + captured.stderr
    assert "nam" in error.why and error.why in shown
    assert "Traceback" not in shown and "kfops_lab" not in shown
    assert len(shown.strip().splitlines()) < 8


def test_an_error_of_the_cell_itself_keeps_the_line_of_the_cell(shell):
    error = run(shell, "%%kfops pipeline\nx = 1\nx / 0\n")[1]
    assert error.details["line"] == 3 and "ZeroDivisionError" in error.why
    error = run(shell, "%%kfops pipeline\nx = 1\ndef f(:\n")[1]
    assert error.details["line"] == 3


def test_exit_in_a_pipeline_cell_does_not_end_the_kernel(shell):
    error = run(shell, "%%kfops pipeline\nimport sys\nsys.exit(3)\n")[1]
    assert isinstance(error, CompileExited)


def test_a_cell_without_a_pipeline_function_says_so(shell):
    error = run(shell, "%%kfops pipeline\nx = 1\n")[1]
    assert "@dsl.pipeline" in error.remedy


def test_a_cell_with_several_pipelines_asks_which(shell):
    two = PIPELINE + '\n@dsl.pipeline(name="other")\ndef other():\n    greet(name="x")\n'
    assert "greetings, other" in run(shell, two)[1].why
    captured, error = run(shell, two.replace("%%kfops pipeline", "%%kfops pipeline --function other"))
    assert error is None and text_of(captured).startswith("other:")


def test_the_execution_mode_of_the_line_is_honoured(shell):
    captured, error = run(shell, PIPELINE.replace("%%kfops pipeline", "%%kfops pipeline --mode V1_LEGACY"))
    assert error is None and "V1_LEGACY" in text_of(captured)


def test_parameters_are_divided_at_the_first_equals_sign():
    assert parameters(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(InvalidInput, match=r"rate:0\.1"):
        parameters(["rate:0.1"])


@pytest.mark.parametrize(
    ("line", "symbol", "expected"),
    [
        ("%kfops ", "", "upload"),
        ("%kfops up", "up", "upload"),
        ("%kfops run --w", "--w", "--wait"),
        ("%%kfops ", "", "pipeline"),
    ],
)
def test_tab_completes_verbs_and_options(line, symbol, expected):
    assert expected in completion.candidates(line, symbol)


def test_a_failure_is_shown_in_the_words_of_the_error():
    error = CompileError("It broke.", why="Because.", remedy="Mend it.", line=4, source="x = y")
    shown = "\n".join(concise(error))
    for part in ("CompileError", "It broke.", "Because.", "Mend it.", "x = y", "4"):
        assert part in shown


def test_the_quickstart_is_a_valid_notebook_without_outputs():
    from pathlib import Path

    notebook = json.loads((Path(__file__).parents[2] / "examples" / "quickstart.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    assert notebook["metadata"]["kernelspec"]["name"] == "kfops"


def test_loading_the_magics_imports_nothing_that_takes_time():
    heavy = ("kfp", "kubernetes", "minio", "pydantic", "requests", "sqlalchemy", "yaml")
    code = f"import sys, kfops_lab.magics; print([name for name in {heavy!r} if name in sys.modules])"
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": ""}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


NOISY = textwrap.dedent(
    """\
    %%kfops pipeline --mode V1_LEGACY
    import warnings
    from kfp import dsl
    warnings.warn("of the cell")
    @dsl.pipeline(name="noisy")
    def noisy():
        dsl.ContainerOp(name="x", image="alpine", command=["true"]).image = "busybox"
        warnings.warn("of the pipeline")
    """
)


def test_a_cell_shows_the_users_warnings_and_none_of_kfps(shell, recwarn):
    warnings.simplefilter("always")
    run(shell, NOISY)
    assert [str(heard.message) for heard in recwarn] == ["of the cell", "of the pipeline"]
    recwarn.clear()
    run(shell, "import kfops; kfops.compile(noisy, mode='V1_LEGACY')")
    assert [str(heard.message) for heard in recwarn] == ["of the pipeline"]


def test_the_filters_for_warnings_that_a_cell_sets_stay(shell):
    with warnings.catch_warnings():
        run(shell, NOISY + "warnings.filterwarnings('ignore', message='of the pipeline')\n")
        assert "of the pipeline" in str(warnings.filters[0])
        assert not any("kfp(" in str(each) for each in warnings.filters)
