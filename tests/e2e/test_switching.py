"""The panel changes between a cluster and the embedded backend, and every page, notebook and terminal goes with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.behind import Backend, shell_workflow
from tests.e2e.conftest import ROOT, LabServer
from tests.e2e.notebook import KfopsPanel
from tests.fakes.faulty_server import HEALTHY, Asked, answering, answering_json, by_path, serving

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]

RUN = {
    "id": "5d6c7a58-0000-4000-8000-000000000001",
    "name": "of the cluster",
    "status": "Succeeded",
    "created_at": "2026-01-02T03:04:05Z",
    "finished_at": "2026-01-02T03:05:05Z",
}


@contextlib.contextmanager
def project_with_a_cluster(lab: LabServer, refused: bool = False) -> Iterator[list[dict[str, str]]]:
    """Let config.yaml of the server's folder name a cluster, which may let nobody in; give the runs that it has."""
    runs = [RUN]

    def listed(connection: socket.socket, asked: Asked, closing: threading.Event) -> None:
        answering_json({"runs": runs, "total_size": len(runs)})(connection, asked, closing)

    answers = {"/apis/v1beta1/healthz": answering_json(HEALTHY), "/apis/v1beta1/runs": listed}
    cluster = answering(403, "RBAC: access denied") if refused else by_path(answers, answering_json({}))
    settings = lab.root / "config.yaml"
    with serving(cluster) as server:
        settings.write_text(f"# ours\nconnection: {{host: {server.url}}}\n", encoding="utf-8")
        try:
            yield runs
        finally:
            settings.unlink()
            for chosen in Path(os.environ["HOME"], ".config", "kfops", "backends").glob("*.json"):
                chosen.unlink()


def kfops(lab: LabServer, *words: str) -> str:
    """Return what the command prints in the server's folder."""
    environment = {**os.environ, "KFOPS_LOCAL_DIR": str(lab.local_dir)}
    command = [str(ROOT / ".venvs" / "kernel" / "bin" / "kfops"), *words]
    return subprocess.run(command, cwd=lab.root, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def open_panel(page: Page, lab: LabServer) -> KfopsPanel:
    page.goto(lab.page_url())
    return KfopsPanel(page).open()


def choose(panel: KfopsPanel, kind: str) -> None:
    panel.part("switch-backend").click()
    panel.part(f"use-{kind}").click()


def test_every_page_goes_with_the_backend_that_is_chosen_in_one(lab: LabServer, page: Page) -> None:
    with project_with_a_cluster(lab):
        panel = open_panel(page, lab)
        expect(panel.part("connection")).to_contain_text("Cluster", timeout=60_000)
        expect(panel.part("section-runs")).to_contain_text("of the cluster")
        other = open_panel(page.context.new_page(), lab)
        expect(other.part("section-runs")).to_contain_text("of the cluster", timeout=60_000)

        choose(panel, "embedded")
        panel.wait_for_backend()
        expect(panel.part("section-runs")).not_to_contain_text("of the cluster")
        expect(panel.part("backend-choice")).to_have_count(0)
        expect(panel.part("switch-backend")).to_be_focused()
        other.wait_for_backend()
        expect(other.part("section-runs")).not_to_contain_text("of the cluster")
        assert json.loads(kfops(lab, "status", "--json"))["kind"] == "embedded"
        assert (lab.root / "config.yaml").read_text(encoding="utf-8").startswith("# ours\n")

        kfops(lab, "use", "auto")
        expect(panel.part("section-runs")).to_contain_text("of the cluster", timeout=30_000)
        expect(other.part("connection")).to_contain_text("Cluster", timeout=30_000)
        expect(other.part("section-runs")).to_contain_text("of the cluster", timeout=30_000)


def test_what_happens_in_a_cluster_is_on_every_page_that_shows_it(lab: LabServer, page: Page) -> None:
    with project_with_a_cluster(lab) as runs:
        panels = [open_panel(page, lab), open_panel(page.context.new_page(), lab)]
        for panel in panels:
            expect(panel.part("section-runs")).to_contain_text("of the cluster", timeout=60_000)
        runs.insert(0, {**RUN, "id": RUN["id"].replace("1", "2"), "name": "came later", "status": "Running"})
        for panel in panels:  # nobody asks again of itself within 30 s
            expect(panel.part("section-runs")).to_contain_text("came later", timeout=15_000)


def test_a_run_that_is_open_goes_on_when_another_backend_is_chosen(lab: LabServer, page: Page) -> None:
    with project_with_a_cluster(lab):
        kfops(lab, "use", "embedded")
        panel = open_panel(page, lab)
        panel.wait_for_backend()
        Backend(lab).start("stays open", shell_workflow({"wait": "sleep 600"}))
        panel.part("section-runs").get_by_text("stays open").click()
        view = page.locator('[data-kfops="run-header"]')
        expect(view).to_have_attribute("data-state", "running", timeout=60_000)

        choose(panel, "cluster")
        expect(panel.part("section-runs")).to_contain_text("of the cluster", timeout=60_000)
        expect(view).to_have_attribute("data-state", "running")
        view.get_by_role("button", name="Stop").click()
        expect(view).to_have_attribute("data-state", "stopped", timeout=60_000)


def test_a_cluster_that_lets_nobody_in_says_why_and_the_way_back_is_there(lab: LabServer, page: Page) -> None:
    with project_with_a_cluster(lab, refused=True):
        kfops(lab, "use", "embedded")
        panel = open_panel(page, lab)
        panel.wait_for_backend()
        choose(panel, "cluster")
        expect(panel.part("connection")).to_have_attribute("data-state", "no-backend", timeout=60_000)
        expect(panel.part("problem").first).to_contain_text("PodDefault.yaml")
        expect(panel.part("problem").first.locator('[data-kfops="copy"]').first).to_be_visible()
        choose(panel, "embedded")
        panel.wait_for_backend()


def test_without_a_cluster_the_choice_says_what_to_write(lab: LabServer, page: Page) -> None:
    panel = open_panel(page, lab)
    panel.wait_for_backend()
    panel.part("switch-backend").click()
    expect(panel.part("use-cluster")).to_be_disabled()
    expect(panel.part("use-auto")).to_have_attribute("aria-pressed", "true")
    expect(panel.part("no-cluster")).to_contain_text("connection: {host:")
    expect(panel.part("no-cluster").locator('[data-kfops="copy"]')).to_be_visible()
