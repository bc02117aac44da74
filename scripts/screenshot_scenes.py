"""What the pictures of the documentation show: the way of a new user, and then each place in turn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Callable, Iterator, Optional, Tuple

from playwright.sync_api import Page, expect

from tests.e2e.behind import Backend, shell_workflow
from tests.e2e.conftest import LabServer
from tests.e2e.notebook import RUN, KfopsPanel, NotebookPage, RunPage
from tests.e2e.previewed import KINDS, previewed_workflow
from tests.e2e.test_images import IMAGE, PIPELINE, notebook_of


@dataclass(frozen=True)
class Shot:
    """A picture: its file's name, the section it stands in, what is said of it, and which part of the page it shows."""

    name: str
    section: str
    caption: str
    clip: Optional[Tuple[float, float, float, float]] = None


class Tour:
    """Where the scenes take place."""

    def __init__(self, page: Page, lab: LabServer, registry: str) -> None:
        self.page = page
        self.lab = lab
        self.registry = registry
        self.panel = KfopsPanel(page)
        self.view = RunPage(page)

    @property
    def backend(self) -> Backend:
        """The embedded backend, once the panel has started it."""
        return Backend(self.lab)

    def fold_all_but(self, *names: str) -> None:
        """Unfold these sections of the side panel, and fold the others."""
        for section in ("source", "runs", "pipelines", "models", "images", "experiments", "recurring"):
            toggle = self.panel.part(f"section-{section}").locator(".kfops-Section-toggle")
            if (toggle.get_attribute("aria-expanded") == "true") != (section in names):
                toggle.click()
        self.page.mouse.move(900, 880)

    def widen(self) -> None:
        """Make the side panel wider, by its edge."""
        edge = self.side()[2] - 4
        self.page.mouse.move(edge, 600)
        self.page.mouse.down()
        self.page.mouse.move(edge + 90, 600, steps=4)
        self.page.mouse.up()

    def side(self) -> Tuple[float, float, float, float]:
        """Return where the side panel is."""
        box = self.panel.node.bounding_box()
        assert box is not None
        return 0, 0, box["x"] + box["width"] + 6, 900


def notebook(tour: Tour) -> Iterator[Shot]:
    """Start for the first time, and run the quickstart from top to bottom."""
    page, panel = tour.page, tour.panel
    found = NotebookPage(page, tour.lab, "quickstart.ipynb")
    found.wait_for_kernel()
    panel.open()
    panel.wait_for_backend()
    expect(panel.part("section-runs")).to_contain_text("No runs yet", timeout=60_000)
    yield Shot(
        "first-start",
        "In the notebook",
        "The first start: the panel knows the open notebook and offers what comes next.",
    )
    page.locator('.jp-NotebookPanel:visible [data-jp-item-name="kfops-run"]').first.hover()
    page.wait_for_timeout(700)
    yield Shot("toolbar", "In the notebook", "Compile and Run in the notebook's toolbar.", (0, 0, 1440, 330))
    found.run_all()
    live = found.widget.locator('[data-kfops="cell-run"], .kfops-live-run').first
    expect(live).to_be_visible(timeout=RUN)
    last = found.widget.locator(".jp-CodeCell").last
    expect(last).to_contain_text("predicted [", timeout=RUN)
    found.show_cell(1).locator("svg").first.scroll_into_view_if_needed()
    yield Shot("notebook-pipeline", "In the notebook", "A pipeline is compiled in a cell, and drawn below it.")
    found.show_cell(3).scroll_into_view_if_needed()
    yield Shot(
        "notebook-run",
        "In the notebook",
        "A run in the cell that has started it: live while it runs, a still picture when the notebook is closed.",
    )


def fill(tour: Tour) -> Iterator[Shot]:
    """Make something to be seen of everything."""
    backend = tour.backend
    for rate in ("0.05", "0.1", "0.2"):
        arguments = {"parameters": [{"name": "rate", "value": rate}, {"name": "depth", "value": "4"}]}
        backend.start(f"churn at {rate}", previewed_workflow("churn", arguments=arguments))
    backend.start(
        "churn on new data", shell_workflow({"prepare": "true", "train": "echo no column price; exit 3"}, "churn")
    )
    tried = shell_workflow(
        {"fetch": "echo try {{retries}}; [ {{retries}} -ge 2 ]", "train": "echo trained"}, "flaky source"
    )
    template = tried["spec"]["templates"][1]
    template["retryStrategy"] = {"limit": 3, "retryPolicy": "Always", "backoff": {"duration": "1", "factor": 2}}
    template["container"]["resources"] = {"requests": {"memory": "2G"}, "limits": {"nvidia.com/gpu": "1"}}
    template["nodeSelector"] = {"disk": "ssd"}
    backend.start("fetch again", tried)
    first = backend.upload("churn", previewed_workflow("churn"))
    changed = previewed_workflow("churn")
    changed["spec"]["templates"][0]["dag"]["tasks"].append(
        {"name": "report", "template": "report", "dependencies": ["train"]}
    )
    changed["spec"]["templates"].append(
        {"name": "report", "container": {"image": "none", "command": ["sh", "-c", "echo sent"]}}
    )
    changed["spec"]["templates"][1]["container"]["command"][2] = "echo 15000 rows to train on"
    backend.upload("version 2", changed, first)
    for name, cron in (("churn every morning", "0 30 6 * * *"), ("flaky source, hourly", "0 0 * * * *")):
        body = {"name": name, "pipeline_spec": {"workflow_manifest": json.dumps(tried)}, "max_concurrency": "1"}
        backend.post(
            "jobs", {**body, "trigger": {"cron_schedule": {"cron": cron}}, "enabled": name.startswith("churn")}
        )
    backend.post("experiments", {"name": "Churn, autumn"})
    backend.start(
        "nightly load", shell_workflow({"load": "for n in $(seq 200); do echo part $n of 200; sleep 3; done"}, "load")
    )
    tour.panel.part("refresh").click()
    for state, count in (("succeeded", 5), ("failed", 1), ("running", 1)):
        expect(tour.panel.node.locator(f'[data-kfops="run-row"][data-state="{state}"]')).to_have_count(
            count, timeout=RUN
        )
    tour.page.wait_for_timeout(7_000)  # what JupyterLab tells of runs that have ended goes by itself
    yield from ()


def run_view(tour: Tour) -> Iterator[Shot]:
    """Open runs, and show them tab by tab."""
    section, view, page = "A run", tour.view, tour.page
    tour.fold_all_but("runs", "pipelines")
    tour.panel.node.locator('[data-kfops="run-row"]').last.locator('[data-kfops="run-open"]').click()
    view.wait_for("succeeded")
    page.locator('[data-kfops="graph-step"]:visible').nth(1).click()
    expect(view.part("step-log")).to_be_visible()
    page.mouse.move(900, 880)
    yield Shot(
        "overview", section, "The quickstart's run: its graph, and the selected step with inputs, outputs and log."
    )
    view.tab("steps")
    page.mouse.move(900, 880)
    yield Shot("run-steps", section, "The same steps as a tree, for the keyboard and for screen readers.")
    view.tab("timeline")
    yield Shot("run-timeline", section, "When each step ran, and for how long.")
    view.tab("parameters")
    yield Shot("run-parameters", section, "What it was started with, and the metrics it has reported.")
    open_run(tour, "churn at 0.1")
    view.tab("steps")
    view.step("train").click()
    expect(view.part("artifact")).to_have_count(len(KINDS))
    expect(view.node.locator(".vega-embed")).to_have_count(2)
    view.part("artifact").nth(0).evaluate("node => node.scrollIntoView({ block: 'start' })")
    yield Shot("artifacts", section, "Artifacts where they stand: tables, Markdown, ROC curve, confusion matrix…")
    view.part("artifact").nth(3).evaluate("node => node.scrollIntoView({ block: 'start' })")
    yield Shot("artifacts-more", section, "…and web pages, which nothing of is run, pictures and JSON.")
    open_run(tour, "fetch again")
    view.tab("steps")
    view.step("fetch").click()
    view.part("step-resources").locator("summary").click()
    view.part("step-source").locator("summary").click()
    yield Shot(
        "step",
        section,
        "A step that was tried three times: each attempt with its log, what it asks for, what it executes.",
    )
    open_run(tour, "nightly load")
    view.tab("steps")
    expect(view.part("step-log")).to_contain_text("part 3 of")
    yield Shot("log", section, "A log while it is written.")
    open_run(tour, "churn on new data")
    view.tab("graph")
    expect(view.part("step-log")).to_be_visible()
    yield Shot(
        "run-failed",
        section,
        "A run that has failed says where and why; what has succeeded is kept when it is retried.",
    )


def open_run(tour: Tour, name: str) -> None:
    """Open the run of that name."""
    tour.panel.node.locator('[data-kfops="run-row"]').filter(has_text=name).first.locator(
        '[data-kfops="run-open"]'
    ).click()
    expect(tour.view.part("run-header")).to_contain_text(name)
    tour.page.mouse.move(900, 880)


def runs(tour: Tour) -> Iterator[Shot]:
    """List all runs, and put some of them side by side."""
    section, page = "Runs", tour.page
    tour.fold_all_but("runs")
    yield Shot(
        "runs-panel", section, "The side panel: each run in a line, with its state, step, time and reason.", tour.side()
    )
    tour.panel.part("all-runs").click()
    view = page.locator('[data-kfops="runs-view"]')
    expect(view.locator('[data-kfops="table-run"]').nth(5)).to_be_visible()
    yield Shot("runs", section, "All runs: filtered by state, pipeline, experiment and text, sorted by any column.")
    view.locator('[data-kfops="runs-text"]').fill("churn at")
    expect(view.locator('[data-kfops="table-run"]')).to_have_count(3)
    for box in view.locator('[data-kfops="choose-run"]').all():
        box.check()
    yield Shot("runs-chosen", section, "Some of them chosen, to be compared, archived or deleted.")
    view.locator('[data-kfops="compare-runs"]').click()
    expect(page.locator('[data-kfops="comparison"]')).to_be_visible()
    yield Shot("compare", section, "Runs side by side: parameters, metrics, durations.")


def pipelines(tour: Tour) -> Iterator[Shot]:
    """Open a version: its graph, its package, what has changed in it, and its form."""
    section, page = "Pipelines", tour.page
    tour.fold_all_but("pipelines")
    pipeline = tour.panel.node.locator("[data-pipeline]").filter(has_text="churn").first
    pipeline.locator('[data-kfops="pipeline-toggle"]').click()
    pipeline.locator('[data-kfops="version-open"]').first.click()
    view = page.locator('[data-kfops="version-view"]:visible')
    view.locator('[data-kfops="graph-step"]').nth(1).click()
    page.mouse.move(900, 880)
    yield Shot("version", section, "A version's graph, with what a step asks for.")
    view.locator('[data-kfops="tab-changes"]').click()
    expect(view.locator('[data-kfops="changes-text"]')).to_be_visible()
    yield Shot("version-changes", section, "What is different from the version before.")
    quickstart = tour.panel.node.locator("[data-pipeline]").filter(has_text="breast-cancer")
    quickstart.locator('[data-kfops="pipeline-toggle"]').click()
    quickstart.locator('[data-kfops="version-open"]').click()
    expect(view.locator('[data-kfops="version-source"]')).to_have_text("quickstart.ipynb")
    view.locator('[data-kfops="tab-package"]').click()
    expect(view.locator('[data-kfops="package-text"]')).to_be_visible()
    yield Shot(
        "version-yaml",
        section,
        "The quickstart's version: the package as it was uploaded, and the notebook it is from.",
    )
    quickstart.locator('[data-kfops="version-run"]').first.click()
    expect(page.locator('[data-kfops="run-form"]')).to_be_visible()
    yield Shot(
        "run-form", section, "The form of a run, typed by the pipeline's signature, with the values of the last time."
    )
    page.locator(".jp-Dialog .jp-mod-reject").click()


def more(tour: Tour) -> Iterator[Shot]:
    """Show the other sections of the side panel, the connection and the settings."""
    panel, page = tour.panel, tour.page
    tour.widen()
    project = tour.lab.root / "greetings"
    project.mkdir()
    (project / "greetings.ipynb").write_text(notebook_of([IMAGE, PIPELINE]), encoding="utf-8")
    builder = f"image_builder: {{container_registry_uri: {tour.registry}/team, images: []}}\n"
    (project / "config.yaml").write_text(builder, encoding="utf-8")
    page.evaluate(
        "path => void window.jupyterapp.commands.execute('docmanager:open', { path })", "greetings/greetings.ipynb"
    )
    page.wait_for_timeout(2_000)
    tour.fold_all_but("source", "images")
    panel.part("upload").click()
    version = panel.part("version")
    expect(version.locator('[data-kfops="images"]')).to_have_attribute("data-state", "missing", timeout=RUN)
    panel.part("build-images").click()
    expect(version.locator('[data-kfops="images"]')).to_have_attribute("data-state", "ready", timeout=RUN)
    panel.part("refresh").click()
    page.wait_for_timeout(1_500)
    yield Shot("images", "Images and models", "A pipeline's own images, built for its version.", tour.side())
    tour.fold_all_but("models")
    yield Shot(
        "models", "Images and models", "A model, with the run, version and notebook that it comes from.", tour.side()
    )
    tour.fold_all_but("experiments", "recurring")
    yield Shot(
        "recurring",
        "Experiments and recurring runs",
        "Experiments, and recurring runs with their next times.",
        tour.side(),
    )
    panel.part("switch-backend").click()
    yield Shot("connection", "Connection and settings", "The connection, and the way to another backend.", tour.side())
    panel.part("switch-backend").click()
    page.evaluate("query => void window.jupyterapp.commands.execute('settingeditor:open', { query })", "kfops")
    expect(page.get_by_text("Seconds between two looks while nothing runs").first).to_be_visible()
    page.wait_for_timeout(1_500)
    yield Shot("settings", "Connection and settings", "The settings, in JupyterLab's editor.")


#: In the order in which they happen.
SCENES: Tuple[Callable[[Tour], Iterator[Shot]], ...] = (notebook, fill, run_view, runs, pipelines, more)
