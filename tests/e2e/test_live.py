"""What happens in the backend is on screen by itself, on every page that shows it, and costs nothing elsewhere."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.e2e.conftest import LabServer
from tests.e2e.notebook import KfopsPanel

pytestmark = pytest.mark.needs("chromium")

WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "live-"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": []},
        "templates": [
            {"name": "main", "dag": {"tasks": [{"name": "sleep", "template": "sleep"}]}},
            {"name": "sleep", "container": {"image": "none", "command": ["sleep", "600"]}},
        ],
    },
}


#: A list does not say of every run that it was stopped.
ENDED = re.compile("^(stopped|failed)$")


class Backend:
    """The embedded backend, spoken to behind the panel's back."""

    def __init__(self, lab: LabServer) -> None:
        self._url = json.loads((lab.local_dir / "connection.json").read_text())["url"]
        self._token = (lab.local_dir / "token").read_text().strip()

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send something to the API and return its answer."""
        request = urllib.request.Request(
            f"{self._url}/apis/v1beta1/{path}",
            json.dumps(body or {}).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def start(self, name: str) -> str:
        """Start a run and return its id."""
        spec = {"workflow_manifest": json.dumps(WORKFLOW)}
        return str(self.post("runs", {"name": name, "pipeline_spec": spec})["run"]["id"])

    def stop(self, run_id: str) -> None:
        """Stop a run."""
        self.post(f"runs/{run_id}/terminate")


class Asked:
    """What a page asks of kfops."""

    def __init__(self, page: Page) -> None:
        self.paths: list[str] = []
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        path = urlsplit(request.url).path
        if "/kfops/" in path:
            self.paths.append(path.rsplit("/kfops/", 1)[1])

    def looks(self) -> list[str]:
        """Return what was asked about runs, beside waiting for them to change."""
        return [path for path in self.paths if path.startswith("runs")]


def opened(page: Page, lab: LabServer) -> KfopsPanel:
    page.goto(lab.page_url())
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    panel.unfold("runs")
    return panel


def test_what_happens_in_the_backend_is_on_every_page_that_shows_it(
    lab: LabServer, page: Page, browser: Browser
) -> None:
    panel = opened(page, lab)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        other = context.new_page()
        panels = [panel, opened(other, lab)]
        backend = Backend(lab)
        run_id = backend.start("from elsewhere")
        rows = [each.node.locator(f'[data-run="{run_id}"]') for each in panels]
        for row in rows:
            expect(row).to_have_attribute("data-state", "running", timeout=30_000)
        page.wait_for_timeout(2_000)  # that it runs may be told when it is already seen
        asked = [Asked(page), Asked(other)]
        page.wait_for_timeout(5_000)  # a run goes on, and nothing happens to it
        assert [each.looks() for each in asked] == [[], []]
        backend.stop(run_id)
        for row in rows:
            expect(row).to_have_attribute("data-state", ENDED, timeout=30_000)
    finally:
        context.close()


def test_a_panel_that_is_put_away_in_a_page_that_nobody_is_at_asks_for_nothing(lab: LabServer, page: Page) -> None:
    panel = opened(page, lab)
    backend = Backend(lab)
    run_id = backend.start("unseen")
    row = panel.node.locator(f'[data-run="{run_id}"]')
    expect(row).to_have_attribute("data-state", "running", timeout=30_000)
    page.locator('li[data-id="kfops-panel"]').first.click()
    expect(panel.node).to_be_hidden()
    page.evaluate("document.hasFocus = () => false")  # a browser without a screen takes every page for the one in use
    page.wait_for_timeout(1_000)
    asked = Asked(page)
    backend.stop(run_id)  # ends the request that waits, if it does
    page.wait_for_timeout(4_000)
    assert asked.paths == []
    panel.open()
    page.evaluate("delete document.hasFocus")
    expect(row).to_have_attribute("data-state", ENDED, timeout=30_000)
