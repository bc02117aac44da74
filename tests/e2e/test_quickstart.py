"""The quickstart, from top to bottom in a real browser: the acceptance test."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LabServer, Watched
from tests.e2e.notebook import RUN, KfopsPanel, NotebookPage, RunPage, ids

pytestmark = pytest.mark.needs("chromium")

STEPS = ("prepare", "train", "evaluate", "materialize model")


def test_the_quickstart_runs_and_the_panel_shows_the_same(lab: LabServer, page: Page, watched: Watched) -> None:
    notebook = NotebookPage(page, lab, "quickstart.ipynb")
    notebook.wait_for_kernel()
    panel = KfopsPanel(page).open()
    notebook.run_all()

    # while it runs: a live view in the cell, and the same run in the panel
    in_cell = notebook.widget.locator('[data-kfops="cell-run"]')
    expect(in_cell).to_be_visible(timeout=RUN)
    expect(panel.part("run-row").first).to_be_visible(timeout=RUN)

    # the last cell has predicted with the model that the run made
    notebook.widget.locator(".jp-CodeCell").last.scroll_into_view_if_needed()
    expect(notebook.widget.locator(".jp-CodeCell").last).to_contain_text("predicted [", timeout=RUN)
    assert notebook.widget.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0

    status = notebook.show_cell(0)
    expect(status).to_contain_text("Embedded backend")
    expect(status).to_contain_text("kfp 1.7.0")
    pipeline = notebook.show_cell(1)
    expect(pipeline).to_contain_text("4 steps")
    expect(pipeline.locator("svg").first).to_be_visible()
    version_id = ids(notebook.show_cell(2).inner_text())[0]
    run = notebook.show_cell(3)
    expect(run).to_contain_text("4 of 4 steps")
    for step in STEPS:
        expect(run).to_contain_text(step)
    run_id = in_cell.get_attribute("data-run") or ""
    models = notebook.show_cell(4)
    expect(models).to_contain_text(run_id[:8])
    expect(models).to_contain_text(version_id[:8])

    # the panel: the run with its steps and logs, the pipeline with its version, the model
    row = panel.node.locator(f'[data-kfops="run-row"][data-run="{run_id}"]')
    expect(row).to_have_attribute("data-state", "succeeded", timeout=15_000)
    row.locator('[data-kfops="run-open"]').click()
    view = RunPage(page)
    view.wait_for("succeeded")
    view.tab("steps")
    for step in STEPS:
        expect(view.step(step)).to_have_attribute("data-state", "succeeded")
    view.step("prepare").click()
    expect(view.part("step-log")).to_contain_text("rows to train on")
    panel.unfold("models")
    expect(panel.node.locator(f'[data-kfops="model-row"][data-model="{run_id}"]')).to_be_visible()
    panel.unfold("pipelines")
    panel.part("pipeline-toggle").first.click()
    expect(panel.node.locator(f'[data-kfops="version-row"][data-version="{version_id}"]')).to_be_visible()
    assert watched.elsewhere == [], "JupyterLab fetched something from the network"


def test_the_panel_alone_goes_the_whole_way(lab: LabServer, page: Page) -> None:
    NotebookPage(page, lab, "quickstart.ipynb")
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()

    panel.part("compile").click()
    expect(panel.part("package-steps")).to_have_text("4 steps", timeout=60_000)
    panel.part("open-graph").click()
    expect(page.locator('[data-kfops="graph"]:visible [data-kfops="graph-step"]')).to_have_count(4)

    panel.part("upload").click()
    expect(panel.part("version")).to_be_visible(timeout=60_000)

    panel.part("run").click()
    form = page.locator('[data-kfops="run-form"]')
    rate = form.locator('[data-kfops="parameter-rate"]')
    expect(rate).to_have_value("0.05")
    rate.fill("a lot")
    send = page.locator(".jp-Dialog .jp-mod-accept")
    send.click()
    expect(form.locator('[data-kfops="problem-rate"]')).to_be_visible()
    rate.fill("0.2")
    send.click()
    expect(form).to_have_count(0, timeout=30_000)

    view = RunPage(page)
    expect(view.node).to_be_visible(timeout=30_000)
    run_id = view.node.get_attribute("data-run")
    expect(panel.node.locator(f'[data-kfops="run-row"][data-run="{run_id}"]')).to_be_visible()
    view.wait_for("succeeded")
    view.tab("steps")
    view.step("evaluate").click()
    expect(view.part("step-log")).to_contain_text("accuracy", timeout=15_000)
    view.tab("parameters")
    expect(view.part("run-parameters")).to_contain_text("0.2")
    expect(view.part("run-model")).to_be_visible()
    panel.unfold("models")
    expect(panel.node.locator(f'[data-kfops="model-row"][data-model="{run_id}"]')).to_be_visible(timeout=15_000)


def test_a_mistake_in_the_pipeline_is_told_in_the_panel_with_its_line(lab: LabServer, page: Page) -> None:
    (lab.root / "broken.py").write_text(
        'from kfp import dsl\n\n\n@dsl.pipeline(name="broken")\ndef broken():\n    missing_step()\n', encoding="utf-8"
    )
    page.goto(lab.page_url("broken.py"))
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    panel.part("compile").click()
    problem = panel.part("problem")
    expect(problem).to_contain_text("line 6", timeout=60_000)
    expect(problem).to_contain_text("missing_step")
    expect(problem).not_to_contain_text("Traceback")


def test_a_run_can_be_stopped_from_its_view(lab4: LabServer, page: Page) -> None:
    (lab4.root / "naps.py").write_text(
        "from kfp import dsl\n"
        "from kfp.components import create_component_from_func\n\n\n"
        "def nap(seconds: float):\n    import time\n\n    print('asleep', flush=True)\n    time.sleep(seconds)\n\n\n"
        '@dsl.pipeline(name="naps")\n'
        "def naps(seconds: float = 300.0):\n    create_component_from_func(nap)(seconds)\n",
        encoding="utf-8",
    )
    page.goto(lab4.page_url("naps.py"))
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    panel.part("upload").click()
    expect(panel.part("version")).to_be_visible(timeout=60_000)
    panel.part("run").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    view = RunPage(page)
    view.tab("steps")
    view.step("nap").click()
    expect(view.part("step-log")).to_contain_text("asleep", timeout=30_000)  # live, while the step sleeps
    view.part("stop").click()
    view.wait_for("stopped")
