"""Notebook 7 has the panel beside a notebook and beside the list of files, and opens views below them."""

from __future__ import annotations

from typing import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.behind import Backend, shell_workflow
from tests.e2e.conftest import LabServer, running_lab
from tests.e2e.notebook import KfopsPanel

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


@pytest.fixture(scope="module")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Notebook 7, which stands beside JupyterLab 4, with the pipeline environment beside it."""
    with running_lab(4, tmp_path_factory.mktemp("notebook7"), program="jupyter-notebook") as server:
        yield server


def open_panel(page: Page, server: LabServer, path: str) -> KfopsPanel:
    """Open a page of Notebook 7, and the panel by its View menu."""
    page.goto(f"{server.url}{path}?token={server.token}")
    menu = page.locator("#jp-MainMenu, #menu-panel").first.get_by_text("View", exact=True)
    menu.click()
    page.locator(".lm-Menu-item", has_text="Left Sidebar").click()
    page.locator(".lm-Menu-item", has_text="Show Kubeflow pipelines (KFOPS)").click()
    panel = KfopsPanel(page)
    expect(panel.node).to_be_visible(timeout=60_000)
    panel.wait_for_backend()
    return panel


def expect_room_for(view: Locator) -> None:
    expect(view).to_be_visible(timeout=60_000)
    box = view.bounding_box()
    assert box is not None
    assert box["height"] > 250
    assert box["width"] > 800


def test_a_run_is_looked_at_below_the_notebook_whose_pipeline_it_is(notebook7: LabServer, page: Page, watched) -> None:
    panel = open_panel(page, notebook7, "notebooks/quickstart.ipynb")
    page.locator(".jp-NotebookPanel-toolbar").get_by_role("button", name="Compile the pipeline").click()
    expect(panel.part("package-steps")).to_have_text("4 steps", timeout=60_000)

    Backend(notebook7).start("seen", shell_workflow({"greet": "echo hello"}))
    panel.part("section-runs").get_by_text("seen").first.click()
    run = page.locator('[data-kfops="run-view"]')
    expect_room_for(run)
    expect(run.locator('[data-kfops="run-header"]')).to_have_attribute("data-state", "succeeded", timeout=60_000)
    expect(page.locator(".jp-NotebookPanel")).to_be_visible()

    panel.part("all-runs").click()
    runs = page.locator('[data-kfops="runs-view"]')
    expect_room_for(runs)
    expect(run).to_be_hidden()
    runs.get_by_text("seen").first.click()
    expect(run).to_be_visible()
    expect(run).to_have_count(1)
    assert watched.elsewhere == []


def test_a_file_is_uploaded_from_the_list_of_files(notebook7: LabServer, page: Page) -> None:
    panel = open_panel(page, notebook7, "tree")
    expect(panel.part("section-source")).to_contain_text("Open a notebook")
    page.locator(".jp-DirListing-item", has_text="quickstart.ipynb").click(button="right")
    page.get_by_role("menuitem", name="Upload as a pipeline version").click()
    expect_room_for(page.locator('[data-kfops="version-view"]'))
    expect(panel.part("section-pipelines")).to_contain_text("breast-cancer")
    expect(page.locator(".jp-DirListing-item", has_text="quickstart.ipynb")).to_be_visible()
