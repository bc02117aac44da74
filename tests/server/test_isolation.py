"""The Jupyter Server's process imports neither kfp nor what comes with it, nor the user's code."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .conftest import as_interpreter

#: Starts a Jupyter Server with the extension, asks it something, and tells which modules it has.
PROGRAM = """
import asyncio, json, os, sys
from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

async def main():
    app = ServerApp()
    app.initialize(argv=[
        "--ServerApp.jpserver_extensions={'kfops_server': True}", "--ServerApp.port=0", "--allow-root", "--no-browser",
        "--ServerApp.token=t", "--ServerApp.root_dir=" + sys.argv[1], "--KfopsServer.python=" + sys.argv[2],
    ], new_httpserver=False)
    from tornado.httpserver import HTTPServer
    from tornado.testing import bind_unused_port
    listener, port = bind_unused_port()
    server = HTTPServer(app.web_app)
    server.add_socket(listener)
    base = f"http://127.0.0.1:{port}/kfops/"
    client = AsyncHTTPClient()
    async def ask(method, path, body=None):
        data = None if body is None else json.dumps(body)
        request = HTTPRequest(base + path, method, {"Authorization": "token t"}, data, request_timeout=60)
        return json.loads((await client.fetch(request)).body)
    status = await ask("GET", "status?wait=1")
    assert status["environment"]["state"] == "ready", status
    await ask("GET", "runs")
    operation = await ask("POST", "packages", {"path": "pipeline.py"})
    for _ in range(400):
        operation = await ask("GET", "operations/" + operation["id"])
        if operation["state"] != "running":
            break
        await asyncio.sleep(0.05)
    assert operation["state"] == "succeeded", operation
    server.stop()
    await app._cleanup()
    print(json.dumps(sorted(sys.modules)))

asyncio.run(main())
"""

FOREIGN = ("kfp", "kfp_server_api", "kubernetes", "minio", "pydantic", "sqlalchemy", "pipeline")

#: What the server may have of kfops: its words, and the number of its version.
SHARED = {"kfops", "kfops.errors", "kfops.types", "kfops.installed"}


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("isolation")
    (folder / "root").mkdir()
    (folder / "root" / "pipeline.py").write_text("raise SystemExit('user code ran in the server')")
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "root"), as_interpreter(folder / "environment")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return set(json.loads(found.stdout.splitlines()[-1]))


def test_the_extension_was_really_in_use(modules):
    assert {"kfops_server.worker_process", "kfops_server.routes.runs"} <= modules


@pytest.mark.parametrize("name", FOREIGN)
def test_it_has_nothing_of(modules, name):
    assert not {module for module in modules if module.split(".")[0] == name}


def test_of_kfops_it_has_the_shared_words_only(modules):
    ours = {module for module in modules if module.split(".")[0] == "kfops"}
    assert {module for module in ours if not module.startswith("kfops.types.")} <= SHARED
    assert not {module for module in modules if module.split(".")[0] == "kfops_lab"}
