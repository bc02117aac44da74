"""A run's output in a notebook: data for the panel's renderer, a picture and words for everyone else."""

from __future__ import annotations

import base64
import json
import re
from xml.dom import minidom

import pytest

from kfops.types import Edge, Graph, Run, Step
from kfops_lab.display.run import still
from kfops_lab.display.saved import FORM, MIME, MOST_STEPS


def a_run(steps: int = 2, **more) -> Run:
    made = [
        Step(
            f"id-{number}",
            f"step {number} <b>",
            state="succeeded",
            started_at="2026-01-01T10:00:00Z",
            finished_at="2026-01-01T10:00:12Z",
            inputs={"password": "letmein"},
        )
        for number in range(steps)
    ]
    edges = [Edge(one.id, other.id) for one, other in zip(made, made[1:])]
    graph = Graph("churn", state="succeeded", steps=made, edges=edges, done=steps, total=steps)
    return Run(
        "4f2a", "churn <script>", "succeeded", parameters={"key": "hush"}, done=steps, total=steps, graph=graph, **more
    )


def bundle_of(run: Run):
    return still(run, {})._repr_mimebundle_()


def test_the_output_has_the_run_as_data_as_html_and_as_text() -> None:
    bundle = bundle_of(a_run())
    data = json.loads(json.dumps(bundle[MIME], allow_nan=False))
    assert data["form"] == FORM
    assert data["run"]["id"] == "4f2a" and data["run"]["state"] == "succeeded"
    assert [step["id"] for step in data["run"]["graph"]["steps"]] == ["id-0", "id-1"]
    assert data["run"]["graph"]["edges"] == [{"source": "id-0", "target": "id-1"}]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["saved_at"])
    assert "Succeeded" in bundle["text/plain"] and "step 1" in bundle["text/plain"]


def test_the_data_has_no_parameters_and_no_inputs() -> None:
    written = json.dumps(bundle_of(a_run())[MIME])
    assert "hush" not in written and "letmein" not in written


def test_the_html_needs_neither_scripts_nor_styles_and_names_every_step() -> None:
    html = bundle_of(a_run())["text/html"]
    assert not re.search(r"<(script|style|svg|iframe|object)|\son\w+=", html)
    without_styles = re.sub(r' style="[^"]*"', "", html)
    words = re.sub(r"<[^>]+>", " ", without_styles)
    for word in ("churn &lt;script&gt;", "Succeeded", "2 of 2 steps", "step 0 &lt;b&gt;", "0:12"):
        assert word in words


def test_the_picture_is_the_graph_on_a_ground_of_its_own() -> None:
    source = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle_of(a_run())["text/html"])
    assert source is not None
    picture = minidom.parseString(base64.b64decode(source.group(1))).documentElement
    assert "background:#fff" in picture.getAttribute("style")
    assert "step 0 <b>" in [text.firstChild.data for text in picture.getElementsByTagName("text")]


@pytest.mark.parametrize("steps", [0, 1000])
def test_a_graph_that_cannot_be_read_is_left_out_of_the_html(steps: int) -> None:
    assert "<img" not in bundle_of(a_run(steps))["text/html"]


def test_what_is_saved_of_a_large_run_is_small_and_hangs_together() -> None:
    run = a_run(5000, error="x" * 100_000)
    data = bundle_of(run)[MIME]
    graph = data["run"]["graph"]
    assert len(graph["steps"]) == MOST_STEPS and data["run"]["total"] == 5000
    ids = {step["id"] for step in graph["steps"]}
    assert all({edge["source"], edge["target"]} <= ids for edge in graph["edges"])
    assert len(json.dumps(data)) < 200_000


def test_a_run_without_a_graph_is_saved_too() -> None:
    bundle = bundle_of(Run("4f2a", "churn", "pending"))
    assert bundle[MIME]["run"]["graph"] is None and "Pending" in bundle["text/html"]
