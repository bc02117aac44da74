"""What the panel says when something is missing, and that it goes on once it is there."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LabServer, running_lab
from tests.e2e.notebook import KfopsPanel
from tests.fakes.faulty_server import answering, serving

pytestmark = pytest.mark.needs("chromium")


def test_without_a_pipeline_environment_the_panel_shows_the_command_that_makes_one(
    tmp_path_factory, page: Page
) -> None:
    options = ("--KfopsServer.python=/nowhere/bin/python",)
    with running_lab(4, tmp_path_factory.mktemp("bare"), *options) as lab:
        page.goto(lab.page_url())
        panel = KfopsPanel(page).open()
        expect(panel.part("connection")).to_have_attribute("data-state", "no-environment", timeout=30_000)
        expect(panel.part("obstacle")).to_contain_text("kfops-lab[kernel]")
        expect(panel.part("obstacle")).to_contain_text("/nowhere/bin/python")


def test_a_backend_that_lets_nobody_in_is_named_with_its_remedy_until_it_does(lab: LabServer, page: Page) -> None:
    settings = lab.root / "config.yaml"
    with serving(answering(403, "RBAC: access denied")) as server:
        settings.write_text(f"connection: {{kind: cluster, host: {server.url}}}\n", encoding="utf-8")
        try:
            page.goto(lab.page_url())
            panel = KfopsPanel(page).open()
            expect(panel.part("connection")).to_have_attribute("data-state", "no-backend", timeout=60_000)
            expect(panel.part("problem").first).to_contain_text("403")
            expect(panel.part("problem").first).to_contain_text("PodDefault.yaml")
        finally:
            settings.unlink()
    panel.part("try-again").first.click()
    panel.wait_for_backend()


def test_a_reloaded_page_goes_on_following_what_was_begun(lab: LabServer, page: Page) -> None:
    go_on = lab.root / "go-on"
    (lab.root / "slow.py").write_text(
        "import os\nimport time\n\nfrom kfp import dsl\nfrom kfp.components import create_component_from_func\n\n"
        f"while not os.path.exists({str(go_on)!r}):\n    time.sleep(0.1)\n\n\n"
        "def greet():\n    print('hello')\n\n\n"
        '@dsl.pipeline(name="slow")\ndef slow():\n    create_component_from_func(greet)()\n',
        encoding="utf-8",
    )
    page.goto(lab.page_url("slow.py"))
    panel = KfopsPanel(page).open()
    panel.wait_for_backend()
    panel.part("compile").click()
    expect(panel.part("operation")).to_be_visible()
    page.wait_for_timeout(1500)  # JupyterLab keeps its state about a second after it has changed
    page.goto(f"{lab.url}lab?token={lab.token}")
    expect(panel.part("operation")).to_be_visible(timeout=30_000)
    go_on.touch()
    expect(panel.part("package-steps")).to_have_text("1 step", timeout=60_000)
