#!/usr/bin/env python3
"""Take the pictures of the documentation: a real JupyterLab 4 with real runs, each place in both themes.

`make screenshots` runs it in the lab environment, on a machine with docker-registry and buildah. It writes
docs/screenshots/ and the page that shows them, docs/screenshots.md; what is on them stands in screenshot_scenes.py.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402
from screenshot_scenes import SCENES, Shot, Tour  # noqa: E402

from tests.conftest import find_browser, stop_backend  # noqa: E402
from tests.e2e.conftest import FLAGS, running_lab  # noqa: E402
from tests.fakes.registry import running_registry  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
PAGE = ROOT / "docs" / "screenshots.md"
THEMES = {"": "JupyterLab Light", "-dark": "JupyterLab Dark"}
#: Of WebP: letters stay sharp, and a page takes less than a tenth of its PNG.
QUALITY = 82
#: Themes are changed by JupyterLab's own command.
EXPOSED = "--LabApp.expose_app_in_browser=True"


class Camera:
    """Takes pictures of a page, with what moves at rest."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)

    def take(self, shot: Shot) -> None:
        """Keep a picture of the page, or of a part of it, in each theme; the light one is left."""
        for ending, theme in reversed(THEMES.items()):
            self._page.evaluate(
                "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
            )
            self._page.wait_for_selector(f'body[data-jp-theme-name="{theme}"]', state="attached")
            self._page.wait_for_timeout(900)
            given: dict[str, object] = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": False}
            if shot.clip:
                x, y, width, height = shot.clip
                given["clip"] = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
            data = self._session.send("Page.captureScreenshot", given)["data"]
            (FOLDER / f"{shot.name}{ending}.webp").write_bytes(base64.b64decode(data))
        print(f"docs/screenshots/{shot.name}.webp")


def photograph(page: Page, tour: Tour) -> list[Shot]:
    """Go the whole tour and take all pictures; return them."""
    camera = Camera(page)
    shots = []
    for scene in SCENES:
        for shot in scene(tour):
            camera.take(shot)
            shots.append(shot)
    return shots


def describe(shots: list[Shot]) -> str:
    """Return the page that shows the pictures."""
    lines = [
        "# What it looks like",
        "",
        "Every place of kfops-lab in JupyterLab 4, in its light theme and in its dark one. `make screenshots` takes",
        "these pictures anew, of real runs.",
    ]
    section = ""
    for shot in shots:
        if shot.section != section:
            section = shot.section
            lines += ["", f"## {section}"]
        name = f"screenshots/{shot.name}"
        lines += ["", shot.caption, ""]
        lines += [f"| ![{shot.caption}]({name}.webp) | ![The same, dark]({name}-dark.webp) |", "| --- | --- |"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Start JupyterLab, a registry and a browser, take the pictures, end them all."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    scratch = Path(tempfile.mkdtemp(prefix="kfops-pictures-"))
    os.environ["IPYTHONDIR"] = str(scratch / "ipython")
    try:
        (scratch / "registry").mkdir()
        with running_registry(scratch / "registry") as registry, running_lab(4, scratch, EXPOSED) as lab:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
                page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
                page.set_default_timeout(60_000)
                expect.set_options(timeout=60_000)
                try:
                    shots = photograph(page, Tour(page, lab, registry))
                except BaseException:
                    page.screenshot(path=ROOT / "build" / "screenshot-failed.png")
                    raise
                finally:
                    browser.close()
        PAGE.write_text(describe(shots), encoding="utf-8")
        size = sum(path.stat().st_size for path in FOLDER.iterdir())
        print(f"docs/screenshots.md: {2 * len(shots)} pictures, {size / 1e6:.1f} MB")
    finally:
        connection = scratch / "local" / "connection.json"
        if connection.is_file():
            stop_backend(int(json.loads(connection.read_text(encoding="utf-8"))["pid"]))
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
