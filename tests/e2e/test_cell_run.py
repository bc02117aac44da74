"""A run in a cell's output: live while it goes on, and still there when the notebook is saved, opened again or sent."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.e2e.conftest import LabServer, Watched, running_lab
from tests.e2e.notebook import RUN, NotebookPage, RunPage
from tests.e2e.test_accessibility import use_theme, violations

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]

MIME = "application/vnd.kfops.run+json"

#: Its second step goes on until somebody listens at a port.
PIPELINE = """\
%%kfops pipeline
from kfp import dsl
from kfp.components import create_component_from_func

def prepare() -> int:
    return 7

def train(rows: int, port: int):
    import socket, time
    print("rows to train on:", rows, flush=True)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)

@dsl.pipeline(name="waits")
def waits(port: int):
    create_component_from_func(train)(create_component_from_func(prepare)().output, port)
"""


class Gate:
    """Holds the pipeline's second step up until it is opened."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Let steps pass."""
        with socket.create_server(("127.0.0.1", self.port)):
            yield


def write_notebook(path: Path, *cells: str, outputs: list[dict[str, Any]] | None = None) -> None:
    """Write a notebook of code cells; the last has the outputs."""
    made: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for n, source in enumerate(cells)
    ]
    made[-1]["outputs"] = outputs or []
    metadata = {"kernelspec": {"name": "kfops", "display_name": "Python (kfp 1.7)", "language": "python"}}
    notebook = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")


def last_output(path: Path) -> dict[str, Any]:
    """Return what the last cell's only output is, by MIME type."""
    (output,) = json.loads(path.read_text(encoding="utf-8"))["cells"][-1]["outputs"]
    data = output["data"]
    return {kind: "".join(value) if isinstance(value, list) else value for kind, value in data.items()}


def asked_of(page: Page) -> list[str]:
    """Return a list to which is added what the page asks of kfops."""
    paths: list[str] = []

    def note(request: Request) -> None:
        if "/kfops/" in request.url:
            paths.append(request.url.split("/kfops/", 1)[1])

    page.on("request", note)
    return paths


def cell_run(page: Page) -> Locator:
    return page.locator('[data-kfops="cell-run"]')


def open_and_run(page: Page, lab: LabServer, name: str, *cells: str) -> NotebookPage:
    write_notebook(lab.root / name, "%load_ext kfops_lab", PIPELINE, "%kfops upload", *cells)
    notebook = NotebookPage(page, lab, name)
    notebook.wait_for_kernel()
    notebook.run_all()
    notebook.show_cell(2 + len(cells))
    return notebook


def save(notebook: NotebookPage) -> None:
    notebook.menu("File", "docmanager:save")
    expect(notebook.page.locator(".jp-mod-current.jp-mod-dirty, .lm-mod-current.jp-mod-dirty")).to_have_count(0)


def test_a_run_is_live_in_its_cell_and_its_end_is_saved(lab: LabServer, page: Page, watched: Watched) -> None:
    gate = Gate()
    notebook = open_and_run(page, lab, "waits.ipynb", f"%kfops run --wait port={gate.port}")
    view = cell_run(page)
    expect(view).to_be_visible(timeout=RUN)
    expect(view).to_have_attribute("data-state", "running", timeout=RUN)
    train = view.locator('[data-kfops="graph-step"][data-name="train"]')
    expect(train).to_contain_text("Running", timeout=RUN)
    prompt = notebook.widget.locator(".jp-CodeCell .jp-InputPrompt").last
    expect(prompt).to_have_text("[*]:")  # the kernel is busy
    train.locator("[data-main]").click()
    expect(view.locator('[data-kfops="step-log"]')).to_contain_text("rows to train on: 7", timeout=30_000)
    pairs = view.locator('[data-kfops="step-inputs"]')
    names = [pairs.locator("dt").nth(number).bounding_box() for number in (0, 1)]
    assert names[0] and names[1] and names[0]["x"] == names[1]["x"], "JupyterLab's own style for lists is in the way"
    with gate.opened():
        expect(view).to_have_attribute("data-state", "succeeded", timeout=RUN)
    expect(prompt).to_have_text("[4]:", timeout=30_000)
    expect(view).to_have_attribute("data-state", "succeeded")
    save(notebook)

    # the file: data for this view, a picture and words for everybody else
    output = last_output(lab.root / "waits.ipynb")
    assert sorted(output) == [MIME, "text/html", "text/plain"]
    assert output[MIME]["run"]["state"] == "succeeded"
    assert "waits" in output["text/plain"] and "Succeeded" in output["text/plain"]
    assert "<img alt=" in output["text/html"] and "rows to train on: 7" in output["text/html"]
    subprocess.run(
        [str(lab.venv / "bin" / "python"), "-m", "jupyter", "nbconvert", "--to", "html", "waits.ipynb"],
        cwd=lab.root,
        check=True,
        capture_output=True,
    )
    page_of_it = (lab.root / "waits.html").read_text(encoding="utf-8")
    assert "data:image/svg+xml;base64," in page_of_it and "2 of 2 steps" in page_of_it

    # opened again: the same, and nothing is asked before somebody wants to know more
    page.goto("about:blank")
    asked = asked_of(page)
    NotebookPage(page, lab, "waits.ipynb")
    expect(cell_run(page)).to_have_attribute("data-state", "succeeded", timeout=60_000)
    train = cell_run(page).locator('[data-kfops="graph-step"][data-name="train"]')
    expect(train).to_contain_text("Succeeded")
    page.wait_for_timeout(1_500)
    assert asked == []
    train.locator("[data-main]").click()
    expect(cell_run(page).locator('[data-kfops="step-log"]')).to_contain_text("rows to train on: 7", timeout=60_000)
    cell_run(page).locator('[data-kfops="cell-run-open"]').click()
    RunPage(page).wait_for("succeeded")
    assert watched.elsewhere == []


def test_a_run_that_no_cell_waits_for_is_saved_as_it_has_ended(lab: LabServer, page: Page) -> None:
    gate = Gate()
    notebook = open_and_run(page, lab, "unwatched.ipynb", f"%kfops run port={gate.port}")
    view = cell_run(page)
    expect(view).to_have_attribute("data-state", "running", timeout=RUN)
    save(notebook)
    assert last_output(lab.root / "unwatched.ipynb")[MIME]["run"]["state"] in ("pending", "running")
    page.wait_for_timeout(2_500)
    dirty = page.locator(".jp-mod-current.jp-mod-dirty, .lm-mod-current.jp-mod-dirty")
    expect(dirty).to_have_count(0)  # a run that goes on does not change the notebook
    with gate.opened():
        expect(view).to_have_attribute("data-state", "succeeded", timeout=RUN)
    expect(dirty).to_have_count(1)
    save(notebook)
    output = last_output(lab.root / "unwatched.ipynb")
    assert output[MIME]["run"]["state"] == "succeeded"
    for kind in ("text/html", "text/plain"):
        assert "Succeeded" in output[kind] and "train" in output[kind] and "Running" not in output[kind]


def kept_output() -> dict[str, Any]:
    """Return the output of a run that has ended, somewhere and some time ago."""
    steps = [
        {"id": name, "name": name, "kind": "step", "state": state, "parent": "", "message": message}
        for name, state, message in (("prepare", "succeeded", ""), ("train", "failed", "exit code 1"))
    ]
    graph = {"steps": steps, "edges": [{"source": "prepare", "target": "train"}]}
    run = {"id": "no-such-run", "name": "churn", "state": "failed", "error": "train: exit code 1", "graph": graph}
    data = {MIME: {"form": 1, "run": run}, "text/plain": "churn", "text/html": "<p>churn</p>"}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def test_keys_in_the_view_are_not_the_notebooks(lab: LabServer, page: Page) -> None:
    write_notebook(lab.root / "keys.ipynb", "1", "%kfops run", outputs=[kept_output()])
    notebook = NotebookPage(page, lab, "keys.ipynb")
    view = cell_run(page)
    main = view.locator('[data-main="train"]')
    main.click()
    for key in ("ArrowUp", "a", "x"):
        page.keyboard.press(key)
    expect(view.locator('[data-main="prepare"]')).to_be_focused()
    expect(notebook.widget.locator(".jp-CodeCell")).to_have_count(2)
    expect(notebook.widget.locator(".jp-CodeCell").last).to_have_class(re.compile(r"\bjp-mod-active\b"))


def test_a_wheel_over_the_view_scrolls_the_notebook(lab4: LabServer, page: Page) -> None:
    write_notebook(lab4.root / "wheel.ipynb", "1\n" * 60, "%kfops run", outputs=[kept_output()])
    NotebookPage(page, lab4, "wheel.ipynb").show_cell(1)
    graph = cell_run(page).locator('[data-kfops="graph"]')
    graph.scroll_into_view_if_needed()
    before = graph.bounding_box()
    graph.hover()
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(500)
    after = graph.bounding_box()
    assert before and after and after["y"] > before["y"] + 50


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_wrong_with_the_view(lab4: LabServer, page: Page, theme: str) -> None:
    write_notebook(lab4.root / "axe.ipynb", "%kfops run", outputs=[kept_output()])
    use_theme(lab4, theme)
    try:
        NotebookPage(page, lab4, "axe.ipynb")
        expect(cell_run(page).locator('[data-main="train"]')).to_be_visible()
        for tab in ("graph", "steps", "timeline"):
            cell_run(page).locator(f'[data-kfops="tab-{tab}"]').click()
            assert violations(page) == [], tab
    finally:
        use_theme(lab4, "JupyterLab Light")


HOSTILE = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"


def hostile_output(**run: Any) -> dict[str, Any]:
    step = {"id": "a", "name": HOSTILE, "kind": "step", "state": "failed", "parent": "", "message": HOSTILE}
    graph = {"steps": [step, {**step, "id": "b", "parent": "b"}], "edges": [{"source": "a", "target": "a"}]}
    texts = dict.fromkeys(["name", "pipeline_name", "version_name", "experiment_name", "error", "model"], HOSTILE)
    saved = {"form": 1, "run": {"id": "no-such-run", "state": "running", **texts, "graph": graph, **run}}
    data = {MIME: saved, "text/plain": "the words", "text/html": f"<p>the page</p>{HOSTILE}"}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def test_a_notebook_from_elsewhere_does_nothing_and_shows_what_it_has(lab: LabServer, page: Page) -> None:
    outputs = [hostile_output(), hostile_output(id="../../api/kernels"), hostile_output(state=HOSTILE)]
    write_notebook(lab.root / "elsewhere.ipynb", "%kfops run", outputs=outputs)
    asked = asked_of(page)
    NotebookPage(page, lab, "elsewhere.ipynb")
    views = cell_run(page)
    expect(views).to_have_count(3, timeout=60_000)
    expect(views.first).to_contain_text(HOSTILE)
    expect(views.first.locator('[data-kfops="cell-run-note"]')).to_contain_text("As saved")
    expect(views.first.locator('[data-kfops="stop"]')).to_have_count(0)
    for number in (1, 2):
        expect(views.nth(number)).to_contain_text("the page")
    page.wait_for_timeout(1_500)
    assert asked == []
    views.first.locator('[data-kfops="cell-run-ask"]').click()
    expect(views.first.locator('[data-kfops="cell-run-note"]')).to_contain_text("does not know", timeout=60_000)
    assert page.evaluate("window.pwned") is None
    assert all(re.match(r"(runs/no-such-run|changes)\b", path) for path in asked), asked


def test_where_the_panel_is_not_the_widget_shows_the_run(page: Page, tmp_path: Path) -> None:
    config = tmp_path / "config" / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text(json.dumps({"disabledExtensions": {"kfops-lab": True}}))
    gate = Gate()
    with running_lab(4, tmp_path) as lab:
        open_and_run(page, lab, "plain.ipynb", f"%kfops run --wait port={gate.port}")
        live = page.locator(".kfops-live-run")
        expect(live).to_contain_text("train\u2003Running", timeout=RUN)
        expect(cell_run(page)).to_have_count(0)
        with gate.opened():
            expect(live).to_have_count(0, timeout=RUN)
        output = page.locator(".jp-CodeCell").last.locator(".jp-OutputArea-output")
        expect(output).to_contain_text("2 of 2 steps")
        expect(output.get_by_role("img")).to_be_visible()
