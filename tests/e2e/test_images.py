"""A version's images from the panel: missing, refused, built with a live log, ready, run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LabServer
from tests.e2e.notebook import KfopsPanel, NotebookPage, RunPage
from tests.fakes.registry import running_registry

IMAGE = """%%kfops image greeter
FROM scratch
LABEL greeting=hello
"""

PIPELINE = """%%kfops pipeline
from kfp import dsl
from kfp.components import create_component_from_func
from kfops.tagger import versioned_image


def greet():
    print("hello")


@dsl.pipeline(name="greetings")
def greetings():
    create_component_from_func(greet, base_image=versioned_image("greeter"))()
"""


def notebook_of(cells: list[str]) -> str:
    code = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        for number, text in enumerate(cells)
    ]
    metadata = {"kernelspec": {"display_name": "Python (kfp 1.7)", "language": "python", "name": "kfops"}}
    return json.dumps({"cells": code, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.needs("chromium", "buildah", "docker-registry")
def test_a_version_is_run_once_its_images_have_been_built(lab4: LabServer, page: Page, tmp_path: Path) -> None:
    project = lab4.root / "greetings"
    project.mkdir()
    (project / "greetings.ipynb").write_text(notebook_of([IMAGE, PIPELINE]), encoding="utf-8")
    with running_registry(tmp_path) as host:
        (project / "config.yaml").write_text(f"image_builder: {{container_registry_uri: {host}/team, images: []}}")
        NotebookPage(page, lab4, "greetings/greetings.ipynb")
        panel = KfopsPanel(page).open()
        panel.wait_for_backend()
        panel.part("upload").click()
        version = panel.part("version")
        expect(version.locator('[data-kfops="images"]')).to_have_attribute("data-state", "missing", timeout=60_000)

        panel.part("run").click()
        page.locator(".jp-Dialog .jp-mod-accept").click()
        refusal = page.locator('[data-kfops="run-form"] [data-kfops="problem"]')
        expect(refusal).to_have_attribute("data-code", "images_missing")
        page.locator(".jp-Dialog .jp-mod-reject").click()

        panel.part("build-images").click()
        expect(version.locator('[data-kfops="images"]')).to_have_attribute("data-state", "ready", timeout=90_000)
        panel.part("run").click()
        page.locator(".jp-Dialog .jp-mod-accept").click()
        RunPage(page).wait_for("succeeded")
