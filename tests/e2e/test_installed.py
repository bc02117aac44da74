"""What is installed shows up: in Jupyter's own lists, and in a page that asks no other host for anything."""

from __future__ import annotations

import subprocess

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


def listing(server, *words: str) -> str:
    done = subprocess.run(
        [str(server.venv / "bin" / words[0]), *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def line_about(name: str, text: str) -> str:
    return next((line for line in text.splitlines() if name in line), f"no line about {name} in:\n{text}")


def test_the_panel_is_listed_as_enabled_and_ok(lab):
    line = line_about("kfops-lab v", listing(lab, "jupyter-labextension", "list"))
    assert "enabled" in line, line
    assert "OK" in line, line


def test_the_server_extension_is_listed_as_enabled_and_ok(lab):
    text = listing(lab, "jupyter-server", "extension", "list")
    assert "enabled" in line_about("kfops_server", text), text
    assert "OK" in line_about("kfops_server 0", text), text


def test_the_server_offers_the_pipeline_kernel(lab):
    offered = lab.get("api/kernelspecs")["kernelspecs"]
    assert offered["kfops"]["spec"]["display_name"] == "Python (kfp 1.7)"


def test_jupyterlab_opens_without_asking_another_host(lab, page: Page, watched):
    page.goto(lab.page_url())
    expect(page.locator("#jp-main-dock-panel")).to_be_visible()
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    page.wait_for_timeout(1500)
    assert watched.elsewhere == []
    assert page.locator(".jp-Dialog").count() == 0
