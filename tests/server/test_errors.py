"""What goes wrong is answered with a named error, the status that stands for it, and nothing secret."""

from __future__ import annotations

import json

import pytest
from kfops_server.routes.base import STATUS, status_of
from tornado.httpclient import HTTPClientError

from kfops import errors

BAD_BODIES = [
    ("POST", "packages", "not json", "body", "not JSON"),
    ("POST", "packages", "[]", "body", "not a JSON object"),
    ("POST", "packages", "{}", "path", "path is missing"),
    ("POST", "packages", '{"path": 3}', "path", "path cannot be 3"),
    ("POST", "packages", '{"path": "a.py", "content": 3}', "content", "content cannot be 3"),
    ("POST", "packages", '{"path": "a.py", "content": {"a": 1}}', "content", "cannot be this"),
    ("POST", "packages", '{"path": "a.ipynb", "content": {"a": 1}}', "content", "not a notebook"),
    ("POST", "packages", '{"path": "a.ipynb", "content": "x"}', "content", "cannot be this"),
    ("POST", "packages", '{"path": "a.txt"}', "path", "cannot be compiled"),
    ("POST", "packages", '{"path": "a.py", "functoin": "f"}', "functoin", "no field functoin"),
    ("POST", "versions", '{"path": "a.py", "build": "yes"}', "build", "build cannot be"),
    ("POST", "versions/v1/images", '{"path": "a.txt"}', "path", "cannot be compiled"),
    ("POST", "runs", "{}", "version_id", "version_id is missing"),
    ("POST", "runs", '{"version_id": "v", "parameters": []}', "parameters", "parameters cannot be"),
    ("POST", "runs", '{"version_id": true}', "version_id", "version_id cannot be true"),
    ("PATCH", "pipelines/p1", "{}", "default_version_id", "default_version_id is missing"),
    ("PATCH", "runs/r1", '{"state": "succeeded"}', "state", "state cannot be succeeded"),
]


@pytest.mark.parametrize(("method", "path", "body", "field", "says"), BAD_BODIES)
async def test_a_bad_body_is_named(api, method, path, body, field, says):
    status, error = await api(method, path, body)
    assert status == 400
    assert set(error) == {"code", "message", "why", "remedy", "details"}
    assert error["code"] == "invalid_input"
    assert says in error["message"]
    assert error["details"].get("field", "body") == field


async def test_a_misspelt_field_is_answered_with_the_nearest(api):
    _, error = await api("POST", "packages", {"path": "a.py", "functoin": "f"})
    assert error["remedy"] == "Did you mean function?"


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("runs", {"page_size": "0"}, "page_size"),
        ("runs", {"page_size": "201"}, "page_size"),
        ("runs", {"page_size": "ten"}, "page_size"),
        ("runs/r1/steps/s1/log", {"offset": "-1"}, "offset"),
        ("runs/r1/steps/s1/log", {"offset": "1" * 30}, "offset"),
    ],
)
async def test_a_bad_query_is_named(api, path, query, field):
    status, error = await api("GET", path, **query)
    assert (status, error["code"], error["details"]["field"]) == (400, "invalid_input", field)


@pytest.mark.parametrize("key", ["..%2F..%2Fetc", "%2e%2e", "a%0ab", "a%20b", "-rf", "x" * 300])
async def test_what_cannot_be_an_id_is_refused_before_the_worker_sees_it(
    http_server_client, jp_base_url, jp_auth_header, key
):
    with pytest.raises(HTTPClientError) as caught:
        await http_server_client.fetch(f"{jp_base_url}kfops/models/{key}", headers=jp_auth_header)
    assert caught.value.code == 400
    assert json.loads(caught.value.response.body)["code"] == "invalid_input"


@pytest.mark.parametrize("path", ["gone.py", "nowhere/gone.ipynb", "../outside.py", ".hidden/a.py"])
@pytest.mark.parametrize("content", [None, "unsaved"])
async def test_a_file_that_jupyter_does_not_show_is_not_found(api, jp_root_dir, path, content):
    (jp_root_dir.parent / "outside.py").write_text("secret")
    (jp_root_dir / ".hidden").mkdir()
    (jp_root_dir / ".hidden" / "a.py").write_text("secret")
    if content and path.endswith(".ipynb"):
        content = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    status, error = await api("POST", "packages", {"path": path, "content": content})
    if content and path == "gone.py":
        # A new file that has not been saved yet can be compiled.
        assert status == 202
    else:
        assert (status, error["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("config-error", 400),
        ("compile-error", 400),
        ("compile-timeout", 400),
        ("invalid-input", 400),
        ("unsupported-workflow", 400),
        ("not-found", 404),
        ("images-missing", 409),
        ("no-builder", 409),
        ("run-failed", 409),
        ("connection-failed", 502),
        ("backend-error", 502),
        ("local-backend-error", 502),
        ("model-error", 502),
        ("worker-error", 503),
        ("error", 500),
    ],
)
async def test_an_error_of_the_worker_keeps_its_name_and_gets_its_status(api, code, status):
    found, error = await api("GET", f"versions/error-{code}")
    assert found == status
    assert error == {
        "code": code.replace("-", "_"),
        "message": "No: Bearer [redacted]",
        "why": "Because.",
        "remedy": "Stop.",
        "details": {"a": 1},
    }


def test_every_kind_of_error_has_a_status():
    kinds = errors._by_code().values()
    assert len(kinds) > 20
    for kind in kinds:
        assert status_of(kind("x")) in {400, 404, 409, 500, 502, 503}
    assert errors.KfopsError in STATUS


async def test_an_operation_fails_with_the_workers_error(api, finished):
    _, operation = await api("POST", "versions/error-build-failed/images")
    done = await finished(operation)
    assert done["state"] == "failed"
    assert done["result"] is None
    assert (done["error"]["code"], done["error"]["message"]) == ("build_failed", "No: Bearer [redacted]")


async def test_what_nobody_expected_is_logged_under_an_id_and_not_shown(api, services, monkeypatch, caplog):
    async def broken(*args, **kwargs):
        raise RuntimeError("the inner parts")

    monkeypatch.setattr(services.worker, "call", broken)
    status, error = await api("GET", "runs")
    assert status == 500
    assert error["code"] == "error"
    assert "inner parts" not in json.dumps(error)
    assert error["details"]["error_id"] in caplog.text
    assert "inner parts" in caplog.text


async def test_an_operation_that_breaks_in_the_server_is_not_shown_either(api, services, monkeypatch, finished, caplog):
    async def broken(*args, **kwargs):
        raise RuntimeError("the inner parts")

    monkeypatch.setattr(services.worker, "call", broken)
    _, operation = await api("POST", "versions/v1/images")
    done = await finished(operation)
    assert done["error"]["code"] == "error"
    assert "inner parts" not in json.dumps(done)
    assert operation["id"] in caplog.text


async def test_a_verb_that_a_route_does_not_have_is_refused_as_json(api):
    status, error = await api("DELETE", "runs")
    assert status == 405
    assert set(error) == {"code", "message", "why", "remedy", "details"}
