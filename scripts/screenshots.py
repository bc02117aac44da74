#!/usr/bin/env python3
"""Take the pictures of the documentation: a real JupyterLab 4, the quickstart run in it, in both themes.

`make screenshots` runs it in the lab environment. Pictures go to docs/screenshots/.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402

from tests.conftest import find_browser, stop_backend  # noqa: E402
from tests.e2e.conftest import FLAGS, LabServer, running_lab  # noqa: E402
from tests.e2e.notebook import RUN, KfopsPanel, NotebookPage, RunPage  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page as it is, after everything that moves has come to rest."""
    page.wait_for_timeout(800)
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/screenshots/{name}.png")


def theme(page: Page, name: str) -> None:
    """Change JupyterLab's theme by its menu."""
    page.locator("#jp-MainMenu").get_by_text("Settings", exact=True).click()
    page.locator('.lm-Menu-itemLabel:text-is("Theme")').hover()
    page.locator(f'.lm-Menu-itemLabel:text-is("{name}")').click()
    expect(page.locator(f'body[data-jp-theme-name="{name}"]')).to_be_attached()


def pictures(page: Page, lab: LabServer) -> None:
    """Go the way of a new user and take a picture at each place."""
    notebook = NotebookPage(page, lab, "quickstart.ipynb")
    notebook.wait_for_kernel()
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    shoot(page, "first-start")
    notebook.run_all()
    expect(notebook.widget.locator(".kfops-live-run")).to_be_visible(timeout=RUN)
    notebook.widget.locator(".kfops-live-run").scroll_into_view_if_needed()
    expect(notebook.widget.locator(".kfops-live-run")).to_contain_text("train", timeout=RUN)
    shoot(page, "notebook-live")
    expect(notebook.widget.locator(".jp-CodeCell").last).to_contain_text("predicted [", timeout=RUN)
    notebook.show_cell(1).locator("svg").first.scroll_into_view_if_needed()
    shoot(page, "notebook-pipeline")
    notebook.show_cell(4)
    shoot(page, "notebook-run")
    panel.part("run-open").first.click()
    view = RunPage(page)
    view.wait_for("succeeded")
    page.locator('[data-kfops="graph-step"]:visible').nth(1).click()
    expect(view.part("step-log")).to_be_visible()
    shoot(page, "overview")
    view.tab("steps")
    shoot(page, "run-steps")
    panel.part("pipeline-toggle").first.click()
    panel.part("version-run").first.click()
    expect(page.locator('[data-kfops="run-form"]')).to_be_visible()
    shoot(page, "run-form")
    page.locator(".jp-Dialog .jp-mod-reject").click()
    view.tab("graph")
    theme(page, "JupyterLab Dark")
    shoot(page, "overview-dark")
    page.locator('.lm-TabBar-tabLabel:text-is("quickstart.ipynb")').click()
    notebook.show_cell(1).locator("svg").first.scroll_into_view_if_needed()
    shoot(page, "notebook-dark")


def main() -> int:
    """Start JupyterLab and a browser, take the pictures, end both."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="kfops-pictures-"))
    os.environ["IPYTHONDIR"] = str(scratch / "ipython")
    try:
        with running_lab(4, scratch) as lab, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(30_000)
            try:
                pictures(page, lab)
            except BaseException:
                page.screenshot(path=scratch.parent / "kfops-picture-failed.png")
                raise
            finally:
                browser.close()
    finally:
        connection = scratch / "local" / "connection.json"
        if connection.is_file():
            stop_backend(int(json.loads(connection.read_text(encoding="utf-8"))["pid"]))
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
