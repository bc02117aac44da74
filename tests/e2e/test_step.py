"""A step in the run view: its attempts, what it asks for, where its outputs came from, its source, and its live log."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.behind import Backend, shell_workflow
from tests.e2e.conftest import LabServer
from tests.e2e.notebook import KfopsPanel, RunPage
from tests.e2e.test_live import Asked

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]

PROGRAM = "def train(rate: float):\n    print('trained at', rate)\n\n\ntrain(0.1)\n"


def opened(page: Page, lab: LabServer) -> tuple[KfopsPanel, Backend]:
    """Open JupyterLab with the panel, and reach the backend that it has started."""
    page.goto(lab.page_url())
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    return panel, Backend(lab)


def show(panel: KfopsPanel, run: str) -> RunPage:
    """Open a run from the side panel."""
    panel.part("refresh").click()
    panel.node.locator(f'[data-run="{run}"] [data-kfops="run-open"]').click()
    return RunPage(panel.page)


def test_a_step_that_was_tried_again_has_its_attempts_each_with_its_log(lab: LabServer, page: Page) -> None:
    panel, backend = opened(page, lab)
    workflow = shell_workflow({"train": "echo it is number {{retries}}; [ {{retries}} -ge 2 ]"})
    workflow["spec"]["templates"][1]["retryStrategy"] = {"limit": 3, "retryPolicy": "Always"}
    view = show(panel, backend.start("tried again", workflow))
    view.wait_for("succeeded")
    view.tab("steps")
    view.step("train").click()
    attempts = view.part("attempt")
    expect(attempts).to_have_count(3)
    expect(attempts.nth(0)).to_have_attribute("data-state", "failed")
    expect(attempts.nth(0)).to_contain_text("exit code 1")
    expect(attempts.nth(2)).to_have_attribute("data-state", "succeeded")
    expect(attempts.nth(2)).to_have_attribute("aria-current", "true")
    expect(view.part("step-log")).to_have_text("it is number 2\n")
    attempts.nth(0).click()
    expect(view.part("step-log")).to_have_text("it is number 0\n")
    expect(view.part("attempt").nth(0)).to_have_attribute("aria-current", "true")
    view.part("step-resources").locator("summary").click()
    expect(view.part("step-resources")).to_contain_text("up to 3 (Always)")


def test_what_a_step_asks_for_and_what_it_executes_can_be_read(lab: LabServer, page: Page) -> None:
    panel, backend = opened(page, lab)
    workflow = shell_workflow({"train": "true"})
    template = workflow["spec"]["templates"][1]
    template["container"].update(
        image="python:3.9",
        command=["python3", "-c", PROGRAM],
        resources={"requests": {"memory": "2G"}, "limits": {"nvidia.com/gpu": "1"}},
    )
    template.update(nodeSelector={"disk": "ssd"}, activeDeadlineSeconds=90)
    view = show(panel, backend.start("asking", workflow))
    view.wait_for("succeeded")
    asked = view.part("step-resources")
    asked.locator("summary").click()
    for text in ("memory, at least", "2G", "nvidia.com/gpu, at most", "Node with disk", "ssd", "1:30"):
        expect(asked).to_contain_text(text)
    expect(view.part("step-ignored")).to_contain_text("Not enforced by this backend")
    expect(view.part("step-ignored")).to_contain_text("nvidia.com/gpu")
    source = view.part("step-source")
    source.locator("summary").click()
    expect(source).to_contain_text("python:3.9")
    expect(source.get_by_label("Command", exact=True)).to_contain_text("python3 -c … the source …")
    expect(source.get_by_label("Program", exact=True)).to_have_text(PROGRAM)


def test_a_cached_step_leads_to_the_run_that_its_outputs_are_from(lab: LabServer, page: Page) -> None:
    panel, backend = opened(page, lab)
    workflow = shell_workflow({"train": f"echo cached in JupyterLab {lab.major} > /tmp/out"})
    template = workflow["spec"]["templates"][1]
    template["metadata"] = {"labels": {"pipelines.kubeflow.org/enable_caching": "true"}}
    template["outputs"] = {"parameters": [{"name": "out", "valueFrom": {"path": "/tmp/out"}}]}
    first = backend.start("the first", workflow)
    show(panel, first).wait_for("succeeded")
    view = show(panel, backend.start("the second", workflow))
    view.wait_for("succeeded")
    expect(view.part("step-detail")).to_contain_text("Cached")
    view.part("step-resources").locator("summary").click()
    expect(view.part("step-resources")).to_contain_text("on, for outputs of any age")
    view.part("step-cached-from").get_by_role("button", name="the first").click()
    expect(page.locator(f'[data-kfops="run-view"][data-run="{first}"]')).to_be_visible()


def test_a_run_leads_to_the_file_that_its_pipeline_was_made_from(lab4: LabServer, page: Page) -> None:
    (lab4.root / "origin.py").write_text(
        "from kfp import dsl\nfrom kfp.components import create_component_from_func\n\n\n"
        "def say():\n    print('said')\n\n\n"
        '@dsl.pipeline(name="origin")\ndef origin():\n    create_component_from_func(say)()\n',
        encoding="utf-8",
    )
    page.goto(lab4.page_url("origin.py"))
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    panel.part("upload").click()
    expect(panel.part("version")).to_be_visible(timeout=60_000)
    panel.part("run").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    view = RunPage(page)
    view.wait_for("succeeded")
    view.part("step-source").locator("summary").click()
    expect(view.part("step-source")).to_contain_text("print('said')")
    view.part("run-source").click()
    expect(page.locator(".jp-FileEditor:visible")).to_contain_text("create_component_from_func")


@pytest.fixture
def seen() -> Iterator[Path]:
    """A folder that steps see too: each has an empty /tmp of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def waiting(path: Path) -> str:
    return f"until [ -e {path} ]; do sleep 0.05; done"


def reads(asked: Asked) -> int:
    """Return how often a log was asked for."""
    return len([path for path in asked.looks() if path.endswith("/log")])


def test_a_log_grows_on_every_page_by_itself_and_asks_for_nothing_while_it_does_not(
    lab: LabServer, page: Page, browser: Browser, seen: Path
) -> None:
    panel, backend = opened(page, lab)
    go_on, end = seen / "go-on", seen / "end"
    command = f"echo first line; {waiting(go_on)}; echo second line; {waiting(end)}; echo last line"
    run = backend.start("talks", shell_workflow({"talk": command}))
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        other = context.new_page()
        views = [show(panel, run), show(opened(other, lab)[0], run)]
        for view in views:
            expect(view.part("step-log")).to_contain_text("first line", timeout=60_000)
        page.wait_for_timeout(2_000)  # that the step runs may be told when its log is already there
        asked = [Asked(page), Asked(other)]
        page.wait_for_timeout(5_000)
        assert [reads(each) for each in asked] == [0, 0]
        go_on.touch()
        for view in views:
            expect(view.part("step-log")).to_contain_text("second line")
        assert [reads(each) for each in asked] == [1, 1]
        end.touch()
        for view in views:
            expect(view.part("step-log")).to_contain_text("last line")
            expect(view.node.locator(".kfops-Live")).to_have_count(0)
    finally:
        go_on.touch()
        end.touch()
        context.close()


def test_a_long_log_begins_with_its_end_and_is_kept_whole_as_a_file(lab: LabServer, page: Page) -> None:
    panel, backend = opened(page, lab)
    view = show(panel, backend.start("long", shell_workflow({"count": "seq 1 1000000"})))
    view.wait_for("succeeded")
    log = view.part("step-log")
    expect(log).to_contain_text("1000000")
    shown = len(log.inner_text())
    assert shown < 300_000
    expect(view.part("log-start")).to_contain_text("are not shown")
    view.part("log-earlier").click()
    page.wait_for_function(
        "before => document.querySelector('[data-kfops=\"step-log\"]').textContent.length > before", arg=shown + 1000
    )
    with page.expect_download() as download:
        view.part("log-download").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text == "".join(f"{number}\n" for number in range(1, 1_000_001))
