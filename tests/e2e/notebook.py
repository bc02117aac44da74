"""A notebook, the KFOPS panel and a run in a browser, as a person's hands use them."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import LabServer

#: Milliseconds that a run of the quickstart may take on a slow machine.
RUN = 180_000


class NotebookPage:
    """The notebook that is open in a JupyterLab page."""

    def __init__(self, page: Page, lab: LabServer, path: str) -> None:
        self.page = page
        self._lab = lab
        page.goto(lab.page_url(path))
        self.widget = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").first
        expect(self.widget).to_be_visible(timeout=60_000)
        expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=60_000)

    def wait_for_kernel(self) -> None:
        """Wait until the kernel has started, rests, and is known to the page."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            sessions = self._lab.get("api/sessions")
            assert isinstance(sessions, list)
            if any(session["kernel"]["execution_state"] == "idle" for session in sessions):
                break
            self.page.wait_for_timeout(200)
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("(kfp 1.7) | Idle", timeout=60_000)

    def menu(self, menu: str, command: str) -> None:
        """Choose a command of the main menu."""
        bar = self.page.locator("#jp-MainMenu")
        bar.get_by_text(menu, exact=True).click()
        entry = self.page.locator(f'.lm-Menu-item[data-command="{command}"], .p-Menu-item[data-command="{command}"]')
        entry.first.click()

    def run_all(self) -> None:
        """Run every cell."""
        self.menu("Run", "runmenu:run-all")

    def show_cell(self, number: int) -> Locator:
        """Scroll a code cell into view and return it; they count from 0."""
        cell = self.widget.locator(".jp-CodeCell").nth(number)
        cell.scroll_into_view_if_needed()
        return cell

    def output(self) -> Locator:
        """Return the outputs of the whole notebook."""
        return self.widget.locator(".jp-OutputArea-output")


class KfopsPanel:
    """The side panel."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.node = page.locator(".kfops-Panel-content")

    def open(self) -> KfopsPanel:
        """Show the panel by its icon, unless it is there already."""
        if not self.node.is_visible():
            self.page.locator('li[data-id="kfops-panel"]').first.click()
        expect(self.node).to_be_visible()
        return self

    def part(self, name: str) -> Locator:
        """Return the part of the panel with that name."""
        return self.node.locator(f'[data-kfops="{name}"]')

    def unfold(self, name: str) -> None:
        """Unfold a section, unless it is unfolded."""
        toggle = self.part(f"section-{name}").locator(".kfops-Section-toggle")
        if toggle.get_attribute("aria-expanded") == "false":
            toggle.click()

    def wait_for_backend(self) -> None:
        """Wait until the connection line names the embedded backend."""
        expect(self.part("connection")).to_contain_text("Embedded backend", timeout=60_000)


class RunPage:
    """A run's view in the main area."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.node = page.locator('[data-kfops="run-view"]:visible')

    def part(self, name: str) -> Locator:
        """Return the part of the view with that name."""
        return self.node.locator(f'[data-kfops="{name}"]')

    def wait_for(self, state: str) -> None:
        """Wait until the run has that state."""
        expect(self.part("run-header")).to_have_attribute("data-state", state, timeout=RUN)

    def tab(self, name: str) -> None:
        """Show one of the view's tabs."""
        self.part(f"tab-{name}").click()

    def step(self, name: str) -> Locator:
        """Return the row of a step in the tree."""
        return self.node.locator(f'[data-kfops="step-row"][data-name="{name}"]')


def ids(text: str) -> list[str]:
    """Return the uuids in a text."""
    return re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
