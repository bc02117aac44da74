"""Pipelines and versions that the backend downloads itself."""

from __future__ import annotations

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.fakes.caller import V1, make_pipeline, refused

MIB = 1024 * 1024


@pytest.fixture
def site(workflow):
    """A web server with a package, and with all that may be wrong with one."""
    asked = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            path = self.path.partition("?")[0]
            if path == "/echo.yaml":
                self.answer(200, json.dumps(workflow).encode())
            elif path == "/moved":
                self.answer(302, b"", Location="/echo.yaml")
            elif path == "/round":
                self.answer(302, b"", Location="/round")
            elif path == "/far":
                self.answer(302, b"", Location=f"/far?{len(asked)}")
            elif path == "/file":
                self.answer(302, b"", Location="file:///etc/passwd")
            elif path == "/none":
                self.answer(200, b"hello")
            elif path == "/short":
                self.answer(200, b"kind: Workflow", **{"Content-Length": "1000"})
            elif path == "/endless":
                self.send_response(200)
                self.end_headers()
                try:
                    for _ in range(200):
                        self.wfile.write(b"#" * MIB)
                except OSError:
                    return
                asked.append(("all of it", {}))
            else:
                self.answer(404, b"nothing here")

        def answer(self, status, content, **headers):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    server.url, server.asked = f"http://127.0.0.1:{server.server_port}", asked
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/echo.yaml", "/moved", "/echo.yaml?signature=abc"])
def test_a_pipeline_is_made_from_a_url(caller, site, path):
    name = uuid.uuid4().hex
    pipeline = caller.post(
        f"{V1}/pipelines", {"name": name, "description": "from afar", "url": {"pipeline_url": site.url + path}}
    )
    assert (pipeline["name"], pipeline["description"]) == (name, "from afar")
    assert pipeline["default_version"]["id"] == pipeline["id"]
    assert pipeline["parameters"] == [{"name": "word", "value": "hello"}, {"name": "unset"}]
    assert "Authorization" not in site.asked[0][1], "the backend's token is for the backend alone"


def test_its_name_is_the_files_when_none_is_given(caller, site):
    pipeline = caller.post(f"{V1}/pipelines", {"url": {"pipelineUrl": f"{site.url}/echo.yaml?at=1"}})
    assert pipeline["name"] == "echo.yaml"


def test_a_version_is_made_from_a_url_and_becomes_the_default(caller, workflow, site):
    pipeline = make_pipeline(caller, workflow)
    body = {
        "name": "two",
        "code_source_url": "https://example.com/code",
        "package_url": {"pipeline_url": f"{site.url}/echo.yaml"},
        "resource_references": [{"key": {"type": "PIPELINE", "id": pipeline["id"]}, "relationship": "OWNER"}],
    }
    version = caller.post(f"{V1}/pipeline_versions", body)
    assert version["name"] == "two"
    assert version["code_source_url"] == "https://example.com/code"
    assert version["package_url"] == {"pipeline_url": f"{site.url}/echo.yaml"}
    assert caller.get(f"{V1}/pipelines/{pipeline['id']}")["default_version"]["id"] == version["id"]
    refused(caller.ask("POST", f"{V1}/pipeline_versions", body), 409, "already exist")
    refused(caller.ask("POST", f"{V1}/pipeline_versions", {**body, "resource_references": []}), 400, "pipeline id")
    body["resource_references"][0]["key"]["id"] = "nobody"
    refused(caller.ask("POST", f"{V1}/pipeline_versions", body), 404, "nobody")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "URL is empty"),
        ("file:///etc/passwd", "begins with http"),
        ("ftp://example.com/p.yaml", "begins with http"),
        ("echo.yaml", "begins with http"),
        ("http://", "begins with http"),
        ("http://[::1", "begins with http"),
        ("http://a b/", "begins with http"),
        ("http://127.0.0.1/a\r\nX: y", "begins with http"),
        ("{site}/nowhere", "answered 404"),
        ("{site}/round", "infinite loop"),
        ("{site}/far", "infinite loop"),
        ("{site}/file", "Failed to download"),
        ("{site}/short", "IncompleteRead"),
        ("{site}/none", "not a workflow"),
        ("{site}/endless", "too large"),
        ("http://127.0.0.1:1/p.yaml", "refused"),
        ("http://name.invalid/p.yaml", "Failed to download"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_cause_and_nothing_is_stored(caller, site, url, words):
    before = caller.get(f"{V1}/pipelines").get("total_size", 0)
    body = {"name": "no", "url": {"pipeline_url": url.format(site=site.url)}}
    answer = caller.ask("POST", f"{V1}/pipelines", body)
    refused(answer, 400, words)
    assert "root:" not in answer.content.decode()
    assert caller.get(f"{V1}/pipelines").get("total_size", 0) == before
    assert ("all of it", {}) not in site.asked
