"""The panel without a mouse, without colours, and at twice the size; axe-core reads it as a screen reader would."""

from __future__ import annotations

import json
import urllib.request
from typing import Any, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.behind import Backend, shell_workflow
from tests.e2e.conftest import ROOT, LabServer
from tests.e2e.notebook import KfopsPanel, RunPage
from tests.e2e.previewed import KINDS, previewed_workflow

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SECTIONS = ["source", "runs", "pipelines", "models", "images", "experiments", "recurring"]
ROOTS = [".kfops-Panel", ".kfops-StatusItem", ".kfops-Dialog", ".kfops-CellRun", "[data-kfops$='-view']"]
#: A name that no column is wide enough for.
LONG = "a-quite-long-name-of-a-pipeline-that-somebody-has-really-given-to-it"


class Filled:
    """A backend that has something of everything."""

    def __init__(self, lab: LabServer) -> None:
        backend = Backend(lab)
        viewers = [
            {"type": "markdown", "storage": "inline", "source": "# Report\n\nGood."},
            {"type": "table", "storage": "inline", "format": "csv", "header": ["a", "b"], "source": "1,2\n"},
            {"type": "web-app", "storage": "inline", "source": "<html lang='en'><p>a page</p></html>"},
        ]
        command = f"cat > /tmp/v <<'END'\n{json.dumps({'outputs': viewers})}\nEND\nseq 300\n"
        arguments = {"parameters": [{"name": "rate", "value": "0.1"}, {"name": "where-it-is-kept", "value": "x" * 90}]}
        good = shell_workflow({"prepare": "echo fine", "train-the-model": command}, LONG, arguments=arguments)
        good["spec"]["templates"][2]["outputs"] = {"artifacts": [{"name": "mlpipeline-ui-metadata", "path": "/tmp/v"}]}
        bad = shell_workflow({"prepare": "echo fine", "train": "echo no; exit 3", "report": "true"}, LONG)
        self.pipeline = backend.upload(LONG, good)
        self.version = backend.upload("version 2", bad, self.pipeline)
        self.good = backend.start(f"{LONG} good", good)
        self.bad = backend.start(f"{LONG} bad", bad)
        self.live = backend.start("goes on", shell_workflow({"wait": "sleep 600"}))
        trigger = {"cron_schedule": {"cron": "0 30 6 * * *"}}
        spec = {"workflow_manifest": json.dumps(bad)}
        backend.post(
            "jobs",
            {"name": LONG, "pipeline_spec": spec, "trigger": trigger, "max_concurrency": "1", "enabled": True},
        )


def use_theme(lab: LabServer, theme: str) -> None:
    """Set JupyterLab's theme in the settings of the server, for pages that are opened from now on."""
    place = f"{lab.url}lab/api/settings/@jupyterlab/apputils-extension:themes"
    body = json.dumps({"raw": json.dumps({"theme": theme})}).encode()
    headers = {"Authorization": f"token {lab.token}", "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(place, body, headers, method="PUT"), timeout=30).close()


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"])
def theme(request: pytest.FixtureRequest, lab4: LabServer) -> Iterator[str]:
    """Each theme in turn; JupyterLab keeps the light one."""
    use_theme(lab4, request.param)
    yield request.param
    use_theme(lab4, "JupyterLab Light")


@pytest.fixture(scope="module")
def held() -> dict[str, Filled]:
    """What the backend holds; made by the first test that asks."""
    return {}


def opened(page: Page, lab: LabServer, held: dict[str, Filled]) -> tuple[KfopsPanel, Filled]:
    """Open JupyterLab with the panel, over a backend that has something of everything."""
    page.goto(lab.page_url())
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    if "all" not in held:
        held["all"] = Filled(lab)
        panel.part("refresh").click()
    filled = held["all"]
    expect(panel.node.locator(f'[data-run="{filled.bad}"]')).to_have_attribute("data-state", "failed", timeout=60_000)
    expect(panel.node.locator(f'[data-run="{filled.good}"]')).to_have_attribute("data-state", "succeeded")
    return panel, filled


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong inside of what is ours."""
    page.wait_for_timeout(300)
    if not page.evaluate("Boolean(window.axe)"):
        page.add_script_tag(path=AXE)
    found: list[dict[str, Any]] = page.evaluate(
        """async roots => {
            const nodes = roots.flatMap(root => Array.from(document.querySelectorAll(root)));
            const include = nodes.filter(node => node.checkVisibility());
            const options = { resultTypes: ['violations'], iframes: false };
            return (await axe.run({ include }, options)).violations;
        }""",
        ROOTS,
    )
    return [f"{rule['id']}: {node['html']}\n{node['failureSummary']}" for rule in found for node in rule["nodes"]]


def by_keys(page: Page, target: Locator, key: str = "Tab", most: int = 100) -> None:
    """Press a key until the focus is on the target."""
    for _ in range(most):
        page.keyboard.press(key)
        if target.evaluate("node => node === document.activeElement"):
            return
    pytest.fail(f"{key} does not lead to {target}")


def test_axe_finds_nothing_wrong_with_the_panel(
    lab4: LabServer, page: Page, theme: str, held: dict[str, Filled]
) -> None:
    panel, filled = opened(page, lab4, held)
    for section in SECTIONS:
        panel.unfold(section)
    panel.node.locator(f'[data-pipeline="{filled.pipeline}"] [data-kfops="pipeline-toggle"]').click()
    expect(panel.part("version-row")).to_have_count(2)
    expect(panel.part("recurring-row").first).to_be_visible()
    expect(panel.part("experiment-row").first).to_be_visible()
    panel.part("switch-backend").click()
    expect(panel.part("no-cluster")).to_be_visible()
    assert violations(page) == []
    panel.part("version-run").first.click()
    expect(page.locator('[data-kfops="run-form"]')).to_be_visible()
    assert violations(page) == []


def test_axe_finds_nothing_wrong_with_the_views(
    lab4: LabServer, page: Page, theme: str, held: dict[str, Filled]
) -> None:
    panel, filled = opened(page, lab4, held)
    for run in (filled.good, filled.bad):
        panel.node.locator(f'[data-run="{run}"] [data-kfops="run-open"]').click()
        view = RunPage(page)
        expect(view.part("run-header")).to_be_visible()
        expect(view.part("step-log")).to_be_visible()
        for tab in ("graph", "steps", "timeline", "parameters"):
            view.tab(tab)
            assert violations(page) == [], tab
    panel.node.locator(f'[data-pipeline="{filled.pipeline}"] [data-kfops="pipeline-toggle"]').click()
    panel.node.locator(f'[data-version="{filled.version}"] [data-kfops="version-open"]').click()
    version = page.locator('[data-kfops="version-view"]:visible')
    for tab in ("graph", "steps", "parameters", "package", "changes"):
        version.locator(f'[data-kfops="tab-{tab}"]').click()
        assert violations(page) == [], tab
    panel.part("all-runs").click()
    runs = page.locator('[data-kfops="runs-view"]')
    for run in (filled.good, filled.bad):
        runs.locator(f'[data-run="{run}"] [data-kfops="choose-run"]').check()
    assert violations(page) == []
    runs.locator('[data-kfops="compare-runs"]').click()
    expect(page.locator('[data-kfops="comparison"]')).to_be_visible()
    assert violations(page) == []


def test_axe_finds_nothing_wrong_with_the_previews_of_artifacts(lab4: LabServer, page: Page, theme: str) -> None:
    page.goto(lab4.page_url())
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    run = Backend(lab4).start("previewed", previewed_workflow())
    panel.part("refresh").click()
    panel.node.locator(f'[data-run="{run}"] [data-kfops="run-open"]').click()
    view = RunPage(page)
    view.wait_for("succeeded")
    view.tab("steps")
    view.step("train").click()
    expect(view.part("artifact")).to_have_count(len(KINDS))
    expect(view.node.locator(".kfops-Mime .vega-embed")).to_have_count(2, timeout=30_000)
    for folded in view.node.locator("details > summary").all():
        folded.click()
    assert violations(page) == []


def test_keys_alone_open_a_run_walk_its_graph_read_a_log_and_start_another(
    lab4: LabServer, page: Page, held: dict[str, Filled]
) -> None:
    panel, filled = opened(page, lab4, held)
    panel.part("refresh").focus()
    by_keys(page, panel.node.locator(f'[data-run="{filled.good}"] [data-kfops="run-open"]'))
    page.keyboard.press("Enter")
    view = RunPage(page)
    view.wait_for("succeeded")
    main = view.node.locator('[data-main][tabindex="0"]')
    expect(main).to_have_count(1)
    by_keys(page, main)
    page.keyboard.press("ArrowUp")
    expect(view.node.locator('[data-name="prepare"] [data-main]')).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(view.node.locator('[data-name="train-the-model"] [data-main]')).to_be_focused()
    expect(view.part("step-log")).to_contain_text("300")
    page.keyboard.press("l")
    expect(view.part("step-log")).to_be_focused()
    page.keyboard.press("Escape")
    expect(view.node.locator('[data-name="train-the-model"] [data-main]')).to_be_focused()
    by_keys(page, view.part("tab-graph"), "Shift+Tab")
    page.keyboard.press("ArrowRight")
    expect(view.part("tab-steps")).to_be_focused()
    by_keys(page, view.step("train-the-model"))
    page.keyboard.press("Home")
    expect(view.step("prepare")).to_be_focused()
    panel.part("refresh").focus()
    by_keys(page, panel.node.locator(f'[data-pipeline="{filled.pipeline}"] [data-kfops="pipeline-toggle"]'))
    page.keyboard.press("Enter")
    first = panel.node.locator(f'[data-version="{filled.version}"] [data-kfops="version-run"]')
    expect(first).to_be_visible()
    by_keys(page, first)
    page.keyboard.press("Enter")
    by_keys(page, page.locator('[data-kfops="run-name"]'))
    page.keyboard.type("by keys alone")
    page.keyboard.press("Enter")
    expect(RunPage(page).part("run-header")).to_contain_text("by keys alone")


def test_what_has_the_focus_shows_it(lab4: LabServer, page: Page, held: dict[str, Filled]) -> None:
    panel, filled = opened(page, lab4, held)
    for section in SECTIONS:
        panel.unfold(section)
    panel.node.locator(f'[data-run="{filled.good}"] [data-kfops="run-open"]').click()
    RunPage(page).wait_for("succeeded")
    page.keyboard.press("Tab")
    unseen = page.evaluate(
        """roots => roots
            .flatMap(root => Array.from(document.querySelectorAll(root)))
            .flatMap(root => Array.from(root.querySelectorAll(
                'button, input, select, textarea, summary, [tabindex="0"]')))
            .filter(node => node.checkVisibility() && !node.disabled)
            .filter(node => {
                node.focus({ focusVisible: true });
                const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
                return (outlineStyle === 'none' || outlineWidth === '0px') && boxShadow === 'none';
            })
            .map(node => node.outerHTML)""",
        ROOTS,
    )
    assert unseen == []


#: Controls and texts that cannot be brought into sight, or that something else covers then.
CUT_OFF = """roots => roots
    .flatMap(root => Array.from(document.querySelectorAll(root)))
    .flatMap(root => Array.from(root.querySelectorAll('button, input, select, textarea, h2, h3, h4, p, pre, th')))
    .filter(node => node.checkVisibility() && !node.closest('.kfops-Graph-drawing'))
    .filter(node => {
        node.scrollIntoView({ block: 'nearest', inline: 'nearest' });
        for (let around = node.parentElement; around; around = around.parentElement) {
            const { overflowX, overflowY } = getComputedStyle(around);
            // a program can scroll what hides its overflow, a person cannot
            if ((around.scrollTop && overflowY === 'hidden') || (around.scrollLeft && overflowX === 'hidden')) {
                return true;
            }
        }
        const box = node.getBoundingClientRect();
        const at = [box.left + Math.min(box.width, 40) / 2, box.top + Math.min(box.height, 16) / 2];
        const top = document.elementFromPoint(...at);
        return !top || !(node.contains(top) || top.contains(node) || top.closest('label')?.contains(node));
    })
    .map(node => node.outerHTML)"""


def test_at_twice_the_size_everything_can_be_reached(lab4: LabServer, page: Page, held: dict[str, Filled]) -> None:
    panel, filled = opened(page, lab4, held)
    page.set_viewport_size({"width": 720, "height": 450})
    # what JupyterLab tells of runs that have ended covers anything, for a while
    expect(page.locator(".Toastify__toast")).to_have_count(0)
    for section in SECTIONS:
        panel.unfold(section)
    panel.node.locator(f'[data-run="{filled.bad}"] [data-kfops="run-open"]').click()
    view = RunPage(page)
    view.wait_for("failed")
    for tab in ("graph", "steps", "timeline", "parameters"):
        view.tab(tab)
        page.wait_for_timeout(300)
        assert page.evaluate(CUT_OFF, ROOTS) == [], tab
        expect(view.part(f"tab-{tab}")).to_be_in_viewport()
    view.tab("graph")
    graph = view.part("graph").bounding_box()
    assert graph is not None
    assert graph["width"] > 200, "too little of the graph can be seen"
    panel.part("all-runs").click()
    runs = page.locator('[data-kfops="runs-view"]')
    for run in (filled.good, filled.bad):
        runs.locator(f'[data-run="{run}"] [data-kfops="choose-run"]').check()
    assert page.evaluate(CUT_OFF, ROOTS) == []
    runs.locator('[data-kfops="compare-runs"]').click()
    expect(page.locator('[data-kfops="comparison"]')).to_be_visible()
    assert page.evaluate(CUT_OFF, ROOTS) == []


def test_states_are_told_without_colours(lab4: LabServer, page: Page, held: dict[str, Filled]) -> None:
    panel, filled = opened(page, lab4, held)
    page.emulate_media(forced_colors="active")
    row = panel.node.locator(f'[data-run="{filled.bad}"]')
    expect(row.locator(".kfops-State-icon")).to_have_text("✖")
    row.locator('[data-kfops="run-open"]').click()
    view = RunPage(page)
    view.wait_for("failed")
    expect(view.part("run-header")).to_contain_text("Failed")
    expect(view.node.locator('[data-kfops="graph-step"][data-name="train"]')).to_contain_text("Failed")
    view.tab("timeline")
    bar = view.node.locator(".kfops-Timeline-bar").first
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    color = "node => getComputedStyle(node).backgroundColor"
    assert bar.evaluate(color) not in (paper, "rgba(0, 0, 0, 0)")
    assert panel.node.locator(".kfops-Dot").evaluate(color) not in (paper, "rgba(0, 0, 0, 0)")
    line = "node => getComputedStyle(node).borderBottomColor"
    assert view.part("tab-timeline").evaluate(line) != view.part("tab-graph").evaluate(line)
