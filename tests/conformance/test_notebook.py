"""The magics in a real kernel, against the real embedded backend."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from tests.fakes.registry import running_registry

EXAMPLES = Path(__file__).parents[2] / "examples"

SLOW = """\
%%kfops pipeline
from kfp import dsl
from kfp.components import create_component_from_func

def nap(seconds: float):
    import time
    print("asleep", flush=True)
    time.sleep(seconds)

@dsl.pipeline(name="naps")
def naps(seconds: float = 60.0):
    create_component_from_func(nap)(seconds)
"""


class Notebook:
    """A kernel and what its cells gave."""

    def __init__(self, folder):
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder))

    def start(self, source):
        return self.client.execute(source)

    def wait_for(self, message, *words):
        """Wait until a cell that was started has shown some words."""
        shown = ""
        while not all(word in shown for word in words):
            reply = self.client.get_iopub_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == message:
                shown += json.dumps(reply["content"])

    def finish(self, message, timeout=120):
        """Return (status, what is on the screen as text) of a cell that was started."""
        shown = {}
        printed = []
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            reply = self.client.get_iopub_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") != message:
                continue
            kind, content = reply["msg_type"], reply["content"]
            if kind in ("display_data", "update_display_data"):
                name = content.get("transient", {}).get("display_id", len(shown))
                shown[name] = content["data"]
            elif kind == "stream":
                printed.append(content["text"])
            elif kind == "error":
                printed.append("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                answer = self.client.get_shell_msg(timeout=10)
                while answer["parent_header"].get("msg_id") != message:
                    answer = self.client.get_shell_msg(timeout=10)
                return (
                    answer["content"]["status"],
                    shown,
                    "\n".join([*(data.get("text/plain", "") for data in shown.values()), *printed]),
                )
        raise AssertionError("the cell did not end")

    def run(self, source, timeout=120):
        return self.finish(self.start(source), timeout)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(tmp_path / "local"))
    monkeypatch.setenv("JPY_SESSION_NAME", "work/churn.ipynb")
    made = Notebook(tmp_path)
    yield made
    made.run("import kfops.local.daemon as d; d.stop()", timeout=30)
    made.close()


def cells():
    quickstart = json.loads((EXAMPLES / "quickstart.ipynb").read_text(encoding="utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in quickstart["cells"] if cell["cell_type"] == "code"}


def test_the_quickstart_gives_the_same_result_twice(notebook):
    for number, rate in ((1, "0.1"), (2, "0.2")):
        outcome = {}
        for name, source in cells().items():
            status, shown, text = notebook.run(source.replace("rate=0.1", f"rate={rate}"))
            assert status == "ok", text
            outcome[name] = (shown, text)
        assert "Embedded backend" in outcome["load"][1]
        assert "4 steps" in outcome["pipeline"][1]
        assert f"version {number}, id " in outcome["upload"][1]
        ended = outcome["run"][1]
        assert "4 of 4 steps" in ended and "Succeeded" in ended
        assert "Model: " in ended
        # the widget has given way to a still picture that a saved notebook can show, logs included
        final = next(iter(outcome["run"][0].values()))
        assert "application/vnd.jupyter.widget-view+json" not in final
        assert "Train Loss" in final["text/html"]
        # another rate trains again, in a /tmp where /tmp/models does not exist; what has not changed is not run again
        assert ("prepare\u2003Cached" in ended) == (number == 2) and "train\u2003Succeeded" in ended
        assert outcome["models"][1].count("breast-cancer ") == number
        assert "predicted" in outcome["predict"][1]


def test_an_interrupted_cell_stops_the_watching_and_not_the_run(notebook):
    assert notebook.run("%load_ext kfops_lab")[0] == "ok"
    assert notebook.run(SLOW)[0] == "ok"
    assert notebook.run("%kfops upload")[0] == "ok"
    watching = notebook.start("%kfops run --wait seconds=60")
    notebook.wait_for(watching, "asleep", "0 of 1 steps")
    notebook.manager.interrupt_kernel()
    status, _, text = notebook.finish(watching, timeout=20)
    assert status == "error"
    assert "Stopped watching" in text
    again = text[text.rindex("%kfops watch") :].split("\n")[0].strip()
    assert "Traceback" not in text
    assert "Running" in notebook.run("%kfops runs")[2]
    assert notebook.run("%kfops stop")[0] == "ok"
    status, _, text = notebook.run(again, timeout=30)
    assert status == "error" and "Stopped" in text


def test_a_failed_run_fails_the_cell_and_names_step_and_reason(notebook):
    notebook.run("%load_ext kfops_lab")
    broken = SLOW.replace('print("asleep", flush=True)', 'raise SystemExit("no data today")')
    assert notebook.run(broken)[0] == "ok"
    notebook.run("%kfops upload")
    status, _, text = notebook.run("%kfops run --wait")
    assert status == "error"
    assert "nap: exit code 1" in text.lower()
    assert "no data today" in notebook.run("%kfops logs nap")[2]


def test_a_folder_becomes_a_model_that_names_the_notebook(notebook, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.txt").write_text("1 2 3")
    notebook.run("%load_ext kfops_lab")
    status, _, text = notebook.run("%kfops materialize ./model --name churn")
    assert status == "ok", text
    assert "churn" in text and "churn.ipynb" in text
    assert "churn" in notebook.run("%kfops models")[2]


IMAGE = """\
%%kfops image greeter
FROM scratch
LABEL greeting=hello
"""

USER = """\
%%kfops pipeline
from kfp import dsl
from kfp.components import create_component_from_func
from kfops.tagger import versioned_image

def greet():
    print("hello")

@dsl.pipeline(name="greetings")
def greetings():
    create_component_from_func(greet, base_image=versioned_image("greeter"))()
"""


@pytest.mark.needs("buildah", "docker-registry")
def test_an_image_cell_is_built_under_the_versions_id_before_the_version_runs(notebook, tmp_path):
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry") as host:
        (tmp_path / "config.yaml").write_text(f"image_builder: {{container_registry_uri: {host}/team, images: []}}")
        notebook.run("%load_ext kfops_lab")
        status, _, text = notebook.run(IMAGE)
        assert status == "ok", text
        assert f"{host}/team/greeter:{{{{workflow.parameters.version_id}}}}" in text
        assert notebook.run(USER)[0] == "ok"
        status, _, text = notebook.run("%kfops upload")
        assert "missing" in text and "Next: %kfops build" in text
        version_id = text.split("id ")[1].split()[0]
        status, _, text = notebook.run("%kfops run")
        assert status == "error" and "ImagesMissing" in text and "%kfops build" in text
        status, _, text = notebook.run("%kfops build")
        assert status == "ok", text
        assert f"{host}/team/greeter:{version_id}" in text and "ready" in text
        assert "LABEL greeting=hello" in text, "the builder's log is streamed"
        assert notebook.run("%kfops run --wait")[0] == "ok"
