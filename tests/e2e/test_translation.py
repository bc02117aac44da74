"""The panel in another language: its catalogue is in the wheel, and JupyterLab finds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import running_lab
from tests.e2e.notebook import KfopsPanel

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


def make_language_pack(folder: Path) -> None:
    """Make what JupyterLab takes for its own German language pack: only with one does it offer a language."""
    package = folder / "jupyterlab_language_pack_de_DE"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    about = folder / "jupyterlab_language_pack_de_DE-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: jupyterlab-language-pack-de-DE\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[jupyterlab.languagepack]\nde_DE = jupyterlab_language_pack_de_DE\n")


@pytest.mark.parametrize("major", [4, 3])
def test_the_panel_speaks_german_where_jupyterlab_does(
    major: int, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_language_pack(tmp_path / "packs")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packs"))
    settings = tmp_path / "config" / "lab" / "user-settings" / "@jupyterlab" / "translation-extension"
    settings.mkdir(parents=True)
    (settings / "plugin.jupyterlab-settings").write_text(json.dumps({"locale": "de_DE"}))
    with running_lab(major, tmp_path) as server:
        page.goto(server.page_url())
        panel = KfopsPanel(page).open()
        expect(panel.part("connection")).to_contain_text("Eingebettetes Backend", timeout=60_000)
        expect(panel.part("section-runs")).to_contain_text("Noch keine Läufe.")
        expect(panel.part("section-recurring")).to_contain_text("Wiederkehrende Läufe")
        panel.part("all-runs").click()
        view = page.locator('[data-kfops="runs-view"]')
        expect(view.locator('[data-kfops="runs-count"]')).to_have_text("0 Läufe")
        expect(view.get_by_role("search", name="Läufe eingrenzen")).to_be_visible()
        schema = server.get("lab/api/settings/kfops-lab:plugin")["schema"]
        assert schema["properties"]["pollInterval"]["title"].startswith("Sekunden zwischen zwei Abfragen")
        # JupyterLab 3.5 leaves the titles of all schemas as they are
        assert schema["description"] == (
            "Wie das KFOPS-Panel Läufen folgt." if major == 4 else "How the KFOPS panel follows runs."
        )
