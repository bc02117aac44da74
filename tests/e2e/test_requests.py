"""What is asked of the Jupyter server, by whom and how often, and what the server asks of the backend."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from typing import Iterator, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Response, expect

from tests.e2e.behind import Backend, shell_workflow
from tests.e2e.conftest import VENVS, LabServer, running_lab
from tests.e2e.notebook import KfopsPanel
from tests.fakes.forwarder import Forwarder, forwarding

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]

#: Milliseconds in which what is under way comes to an end.
QUIET = 4_000

#: A browser without a screen takes every page for one that can be seen.
PUT_AWAY = """() => {
  Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
BROUGHT_BACK = """() => {
  delete document.hidden;
  delete document.visibilityState;
  document.dispatchEvent(new Event('visibilitychange'));
}"""


class Counted(NamedTuple):
    """A JupyterLab, and what is between it and its backend."""

    lab: LabServer
    between: Forwarder

    def lists(self) -> list[str]:
        """Return the lists of runs that the backend has been asked for."""
        return [asked for asked in self.between.asked if asked.startswith("GET /apis/v1beta1/runs?")]


class Asked:
    """What a page asks of kfops, and of others than its server; and the panel's scripts that it loads, in kilobytes."""

    def __init__(self, page: Page, lab: LabServer) -> None:
        self.paths: list[str] = []
        self.elsewhere: list[str] = []
        self.scripts: dict[str, float] = {}
        self._host = urlsplit(lab.url).netloc
        page.on("request", self._note)
        page.on("response", self._weigh)

    def _note(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in ("http", "https", "ws", "wss") and url.netloc != self._host:
            self.elsewhere.append(request.url)
        if url.path.startswith("/kfops/"):
            self.paths.append(url.path[len("/kfops/") :])

    def _weigh(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if "/extensions/kfops-lab/static/" in path:
            self.scripts[path.rsplit("/", 1)[1]] = int(response.headers["content-length"]) / 1000


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """A JupyterLab whose backend was there before it, and is found behind a forwarder."""
    folder = tmp_path_factory.mktemp("counted")
    command = [str(VENVS / "kernel" / "bin" / "kfops"), "local"]
    environment = {**os.environ, "KFOPS_LOCAL_DIR": str(folder / "local")}
    subprocess.run([*command, "start"], env=environment, check=True)
    try:
        place = folder / "local" / "connection.json"
        facts = json.loads(place.read_text(encoding="utf-8"))
        address = urlsplit(facts["url"])
        with forwarding(str(address.hostname), int(address.port or 0)) as between:
            place.write_text(json.dumps({**facts, "url": between.url}), encoding="utf-8")
            with running_lab(4, folder) as lab:
                yield Counted(lab, between)
    finally:
        subprocess.run([*command, "stop"], env=environment, check=True)


def shown(page: Page, lab: LabServer) -> None:
    """Open JupyterLab with the panel closed."""
    page.goto(lab.page_url())
    expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=60_000)


def opened(page: Page, lab: LabServer) -> KfopsPanel:
    """Open JupyterLab with the panel, and wait until nothing is under way any more."""
    shown(page, lab)
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    page.wait_for_timeout(QUIET)
    return panel


def test_with_the_panel_closed_nothing_is_asked_of_kfops_and_little_is_loaded(counted: Counted, page: Page) -> None:
    asked = Asked(page, counted.lab)
    shown(page, counted.lab)
    page.wait_for_timeout(QUIET)
    assert asked.paths == []
    assert asked.elsewhere == []
    assert 0 < sum(asked.scripts.values()) < 40
    # which scripts these are is what the check of the bundle's size goes by
    assert all(re.match(r"(remoteEntry|\d+)\.", name) for name in asked.scripts)


def test_opening_the_panel_asks_for_each_thing_once(counted: Counted, page: Page, browser: Browser) -> None:
    opened(page, counted.lab)  # everything runs from now on, and is watched
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        other = context.new_page()
        asked = Asked(other, counted.lab)
        opened(other, counted.lab)
        once = Counter(path for path in asked.paths if path != "changes")
        # runs once more when the page has learned since when it is told of them
        assert once.pop("runs") <= 2
        assert once == {"status": 1, "models": 1, "pipelines": 1}
        assert asked.elsewhere == []
    finally:
        context.close()


def test_two_pages_ask_the_backend_together_and_nothing_while_nothing_happens(
    counted: Counted, page: Page, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        pages = [page, context.new_page()]
        panels = [opened(one, counted.lab) for one in pages]
        backend = Backend(counted.lab)
        run = backend.start("counted", shell_workflow({"step": "true"}))
        rows = [panel.node.locator(f'[data-run="{run}"]') for panel in panels]
        for row in rows:
            expect(row).to_have_attribute("data-state", "succeeded", timeout=60_000)
        page.wait_for_timeout(QUIET)
        asked = [Asked(one, counted.lab) for one in pages]
        counted.between.asked.clear()
        page.wait_for_timeout(QUIET)
        assert [one.paths.count("runs") for one in asked] == [0, 0]
        assert counted.lists() == []
        for action in ("archive", "unarchive") * 2:
            backend.post(f"runs/{run}:{action}")
            for row in rows:
                expect(row).to_have_count(0 if action == "archive" else 1)
        page.wait_for_timeout(QUIET)
        by_pages = [one.paths.count("runs") for one in asked]
        assert min(by_pages) >= 4
        assert len(counted.lists()) < sum(by_pages)
        assert [one.elsewhere for one in asked] == [[], []]
    finally:
        context.close()


def test_a_page_that_is_not_on_screen_asks_nothing_and_shows_what_happened_when_it_is(
    counted: Counted, page: Page
) -> None:
    panel = opened(page, counted.lab)
    page.evaluate(PUT_AWAY)
    page.wait_for_timeout(QUIET)
    asked = Asked(page, counted.lab)
    run = Backend(counted.lab).start("unseen", shell_workflow({"step": "true"}))
    page.wait_for_timeout(2 * QUIET)
    assert asked.paths == []
    page.evaluate(BROUGHT_BACK)
    expect(panel.node.locator(f'[data-run="{run}"]')).to_have_attribute("data-state", "succeeded", timeout=60_000)
