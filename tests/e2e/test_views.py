"""What opens in the main area, and the sections that are folded at first."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.behind import Backend, shell_workflow
from tests.e2e.conftest import LabServer, Watched
from tests.e2e.notebook import KfopsPanel, RunPage
from tests.e2e.previewed import KINDS, previewed_workflow

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]

#: In every field that a stranger can fill in; run, it would leave a mark on the page.
HOSTILE = "<img src=x onerror=\"window.wasHit='yes'\"><script>window.wasHit='yes'</script>"


def opened(page: Page, lab: LabServer) -> tuple[KfopsPanel, Backend]:
    """Open JupyterLab with the panel, and reach the backend that it has started."""
    page.goto(lab.page_url())
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    return panel, Backend(lab)


def test_runs_are_listed_narrowed_down_compared_and_put_away(lab: LabServer, page: Page) -> None:
    panel, backend = opened(page, lab)
    arguments = {"parameters": [{"name": "rate", "value": "0.1"}]}
    good = backend.start("looked at, good", shell_workflow({"train": "echo fine"}, arguments=arguments))
    bad = backend.start("looked at, bad", shell_workflow({"train": "exit 3"}))
    panel.part("all-runs").click()
    view = page.locator('[data-kfops="runs-view"]')
    row = view.locator('[data-kfops="table-run"]')
    view.locator('[data-kfops="runs-text"]').fill("looked at")
    expect(row).to_have_count(2)
    expect(view.locator(f'[data-run="{bad}"]')).to_have_attribute("data-state", "failed", timeout=30_000)
    expect(view.locator(f'[data-run="{good}"]')).to_have_attribute("data-state", "succeeded", timeout=30_000)
    view.locator('[data-kfops="runs-state"]').select_option("failed")
    expect(row).to_have_count(1)
    view.locator('[data-kfops="runs-state"]').select_option("")
    expect(row).to_have_count(2)
    view.locator('[data-kfops="sort-name"]').click()
    expect(row.first).to_have_attribute("data-run", good)
    for run in (good, bad):
        view.locator(f'[data-run="{run}"] [data-kfops="choose-run"]').check()
    view.locator('[data-kfops="compare-runs"]').click()
    compared = page.locator('[data-kfops="compare-view"]')
    expect(compared.locator('[data-kfops="compared-parameters"]')).to_contain_text("rate")
    expect(compared.locator("thead")).to_contain_text("looked at, bad")
    panel.part("all-runs").click()
    view.locator('[data-kfops="archive-runs"]').click()
    expect(row).to_have_count(0)
    view.locator('[data-kfops="runs-archived"]').check()
    view.locator('[data-kfops="runs-text"]').fill("looked at")
    expect(row).to_have_count(2)
    view.locator(f'[data-run="{bad}"] [data-kfops="choose-run"]').check()
    view.locator('[data-kfops="delete-runs"]').click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(row).to_have_count(1)


def test_a_version_shows_its_package_and_its_changes_and_is_scheduled(lab: LabServer, page: Page) -> None:
    panel, backend = opened(page, lab)
    name = f"changed-{lab.major}"
    first = backend.upload(name, shell_workflow({"train": "echo one"}, name))
    second = backend.upload("version 2", shell_workflow({"train": "echo two", "report": "true"}, name), first)
    panel.part("refresh").click()
    pipeline = page.locator(f'[data-pipeline="{first}"]')
    pipeline.locator('[data-kfops="pipeline-toggle"]').click()
    pipeline.locator(f'[data-version="{second}"] [data-kfops="version-open"]').click()
    view = page.locator('[data-kfops="version-view"]:visible')
    view.locator('[data-kfops="tab-package"]').click()
    expect(view.locator('[data-kfops="package-text"]')).to_contain_text("echo two")
    view.locator('[data-kfops="tab-changes"]').click()
    changes = view.locator('[data-kfops="changes"]')
    expect(changes.locator('[data-change="added"]')).to_contain_text("report")
    expect(changes.locator('[data-change="changed"]')).to_contain_text("train")
    expect(view.locator('[data-kfops="changes-text"]')).to_contain_text("echo one")
    started = backend.run(second, "of the second version")
    view.locator('[data-kfops="version-runs"]').click()
    its_runs = page.locator('[data-kfops="runs-view"]:visible')
    expect(its_runs.locator("h2")).to_contain_text(f"{name} · version 2")
    expect(its_runs.locator('[data-kfops="table-run"]')).to_have_count(1)
    expect(its_runs.locator(f'[data-run="{started}"]')).to_be_visible()
    page.locator(".lm-TabBar-tab, .p-TabBar-tab").filter(has_text="version 2").first.click()
    view.locator('[data-kfops="version-schedule"]').click()
    page.locator('[data-kfops="schedule"]').fill("every now and then")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator('.jp-Dialog [data-kfops="problem"]')).to_be_visible()
    page.locator('[data-kfops="schedule"]').fill("0 47 5 * * *")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    panel.unfold("recurring")
    recurring = panel.part("recurring-row").filter(has_text="0 47 5 * * *").first
    expect(recurring.locator('[data-kfops="recurring-next"]')).to_contain_text("next in")
    recurring.locator('[data-kfops="recurring-runs"]').click()
    expect(page.locator('[data-kfops="runs-view"]:visible')).to_contain_text("No run")
    recurring.locator('[data-kfops="recurring-pause"]').click()
    expect(recurring).to_have_attribute("data-enabled", "false")
    recurring.locator('[data-kfops="recurring-delete"]').click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(recurring).to_have_count(0)


def test_artifacts_are_shown_where_they_stand(lab: LabServer, page: Page, watched: Watched) -> None:
    panel, backend = opened(page, lab)
    run = backend.start("previewed", previewed_workflow())
    panel.part("refresh").click()
    panel.node.locator(f'[data-run="{run}"] [data-kfops="run-open"]').click()
    view = RunPage(page)
    view.wait_for("succeeded")
    view.tab("steps")
    view.step("train").click()
    artifacts = view.part("artifact")
    expect(artifacts).to_have_count(len(KINDS))
    assert [artifact.get_attribute("data-kind") for artifact in artifacts.all()] == KINDS
    table, markdown, roc, matrix, html, image, data, model = artifacts.all()
    expect(table.locator("th")).to_have_text(["rate", "accuracy", "loss"])
    expect(markdown.locator("h1")).to_contain_text("Churn, week 12")
    for plot in (roc, matrix):
        expect(plot.locator(".vega-embed")).to_be_visible(timeout=30_000)
        plot.locator("summary").last.click()
        expect(plot.locator("td").first).to_be_visible()
    expect(html.locator("iframe").content_frame.locator("h1")).to_have_text("Feature importance")
    assert image.locator("img").evaluate("img => [img.naturalWidth, img.naturalHeight]") == [240, 120]
    expect(data).to_contain_text('"depth": 4')
    expect(model).to_contain_text("collections.OrderedDict")
    red = "document.querySelector('.kfops-Mime canvas').getContext('2d').getImageData(1, 1, 1, 1).data[0]"
    assert page.evaluate(red) == 255
    page.evaluate("() => { document.body.dataset.jpThemeLight = 'false' }")  # as JupyterLab does in a dark theme
    page.wait_for_function(f"() => {red} < 100")
    assert watched.elsewhere == []


def test_nothing_of_what_strangers_write_is_run(lab: LabServer, page: Page, watched: Watched) -> None:
    panel, backend = opened(page, lab)
    viewers = [
        {"type": "web-app", "storage": "inline", "source": f"<html>{HOSTILE}<p>a page</p></html>"},
        {"type": "markdown", "storage": "inline", "source": f"# a title\n\n{HOSTILE}"},
        {"type": "table", "storage": "inline", "format": "csv", "header": [HOSTILE], "source": "a,b\n"},
    ]
    command = f"cat <<'END'\n{HOSTILE}\nEND\ncat > /tmp/v <<'END'\n{json.dumps({'outputs': viewers})}\nEND\n"
    workflow = shell_workflow({"train": command}, name=HOSTILE)
    workflow["metadata"]["generateName"] = "hostile-"
    workflow["spec"]["arguments"] = {"parameters": [{"name": "rate", "value": HOSTILE}]}
    workflow["spec"]["templates"][1]["metadata"] = {
        "annotations": {"pipelines.kubeflow.org/task_display_name": HOSTILE}
    }
    workflow["spec"]["templates"][1]["outputs"] = {"artifacts": [{"name": "mlpipeline-ui-metadata", "path": "/tmp/v"}]}
    backend.upload(HOSTILE[:99], workflow)
    run = backend.start(HOSTILE, workflow)
    panel.part("refresh").click()
    panel.node.locator(f'[data-run="{run}"] [data-kfops="run-open"]').click()
    view = RunPage(page)
    view.wait_for("succeeded")
    expect(view.part("step-log")).to_contain_text("<script>")
    artifacts = view.part("artifact")
    expect(artifacts).to_have_count(3)
    expect(artifacts.nth(0).locator("iframe").content_frame.locator("p")).to_have_text("a page")
    expect(artifacts.nth(1).locator("h1")).to_contain_text("a title")
    expect(artifacts.nth(2).locator("th")).to_have_text(HOSTILE)
    for tab in ("steps", "timeline", "parameters"):
        view.tab(tab)
        page.wait_for_timeout(200)
    panel.unfold("experiments")
    assert page.evaluate("window.wasHit") is None
    assert all(frame.evaluate("window.wasHit") is None for frame in page.frames if frame.url.startswith("http"))
    assert watched.elsewhere == []


def test_a_large_run_opens_with_what_can_be_read_and_every_step_can_be_found(lab4: LabServer, page: Page) -> None:
    panel, backend = opened(page, lab4)
    steps = 400
    tasks = [
        {"name": f"n{number}", "template": "go", **({"dependencies": [f"n{(number - 1) // 2}"]} if number else {})}
        for number in range(steps)
    ]
    workflow = shell_workflow({"go": "true"})
    workflow["spec"]["templates"][0]["dag"]["tasks"] = tasks
    run = backend.start("large", workflow)
    panel.part("refresh").click()
    panel.node.locator(f'[data-run="{run}"] [data-kfops="run-open"]').click()
    view = RunPage(page)
    view.wait_for("succeeded")
    view.part("graph-search").fill("n399")
    view.part("graph-search").press("Enter")
    found = view.node.locator('[data-kfops="graph-step"][data-name="n399"]')
    expect(found).to_be_in_viewport()
    expect(view.part("step-detail")).to_contain_text("n399")
    # only what is in sight is in the page
    assert view.part("graph-step").count() < steps / 2
    view.tab("steps")
    expect(view.step("n0")).to_be_visible()
    view.step("n0").focus()
    page.keyboard.press("End")
    expect(view.step("n399")).to_be_focused()
