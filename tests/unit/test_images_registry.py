"""Asking a registry, held against a real HTTP server that answers as registries do."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from kfops.images import registry
from kfops.images.credentials import Login, login_for
from kfops.images.reference import Reference
from kfops.images.registry import look_up

MANIFEST = b'{"schemaVersion": 2}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
KIND = "application/vnd.docker.distribution.manifest.v2+json"
API = {"Docker-Distribution-Api-Version": "registry/2.0"}
PASSWORD = "s3cret-pass"
TOKEN = "bearer-t0ken"


@contextmanager
def server(answer):
    """Serve ``answer(method, path, headers) -> (status, headers, body)``; give the host and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            asked.append((self.command, self.path, dict(self.headers)))
            status, headers, body = answer(self.command, self.path, self.headers)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{http.server_address[1]}", asked
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)


def log_in(tmp_path, host, **entry):
    (tmp_path / "docker").mkdir(exist_ok=True)
    entry = entry or {"auth": base64.b64encode(f"ada:{PASSWORD}".encode()).decode()}
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {host: entry}}), "utf-8")


def asking(host, **options):
    return look_up("trainer", f"{host}/acme/trainer:5f0c", **options)


def test_an_image_that_is_there_is_ready_with_its_digest():
    with server(lambda *_: (200, {"Docker-Content-Digest": DIGEST, "Content-Type": KIND}, MANIFEST)) as (host, asked):
        image = asking(host)
    assert (image.state, image.digest, image.reference) == ("ready", DIGEST, f"{host}/acme/trainer:5f0c")
    [(method, path, headers)] = asked
    assert (method, path) == ("HEAD", "/v2/acme/trainer/manifests/5f0c")
    assert KIND in headers["Accept"]
    assert "application/vnd.oci.image.manifest.v1+json" in headers["Accept"]
    assert "application/vnd.oci.image.index.v1+json" in headers["Accept"]


def test_a_registry_that_says_no_digest_has_it_computed():
    with server(lambda *_: (200, {"Content-Type": KIND}, MANIFEST)) as (host, _):
        assert asking(host).digest == DIGEST


def test_a_registry_that_knows_only_get_is_asked_with_get():
    def answer(method, path, headers):
        return (405, {}, b"") if method == "HEAD" else (200, {"Content-Type": KIND}, MANIFEST)

    with server(answer) as (host, _):
        assert asking(host).state == "ready"


def test_an_image_that_is_not_there_is_missing():
    with server(lambda *_: (404, API, b"")) as (host, _):
        assert asking(host).state == "missing"


def test_a_token_is_fetched_with_the_log_in_and_used(tmp_path):
    def answer(method, path, headers):
        if path.startswith("/token"):
            return 200, {"Content-Type": "application/json"}, json.dumps({"token": TOKEN}).encode()
        if headers.get("Authorization") == f"Bearer {TOKEN}":
            return 200, {"Docker-Content-Digest": DIGEST, "Content-Type": KIND}, MANIFEST
        realm = f'Bearer realm="http://{headers["Host"]}/token",service="reg",scope="repository:acme/trainer:pull"'
        return 401, {**API, "WWW-Authenticate": realm}, b""

    with server(answer) as (host, asked):
        assert asking(host).state == "ready"
        assert "Authorization" not in asked[1][2]
        log_in(tmp_path, host)
        del asked[:]
        assert asking(host).state == "ready"
    _, path, headers = asked[1]
    assert "service=reg" in path
    assert "scope=repository%3Aacme%2Ftrainer%3Apull" in path
    assert base64.b64decode(headers["Authorization"].split()[1]).decode() == f"ada:{PASSWORD}"


def test_an_identity_token_is_exchanged(tmp_path):
    def answer(method, path, headers):
        if path == "/token":
            assert method == "POST"
            return 200, {"Content-Type": "application/json"}, json.dumps({"access_token": TOKEN}).encode()
        if headers.get("Authorization") == f"Bearer {TOKEN}":
            return 404, API, b""
        return 401, {"WWW-Authenticate": f'Bearer realm="http://{headers["Host"]}/token"'}, b""

    with server(answer) as (host, _):
        log_in(tmp_path, host, auth=base64.b64encode(b"ada:").decode(), identitytoken="refresh")
        assert asking(host).state == "missing"


def test_basic_authentication_is_answered_with_the_log_in(tmp_path):
    wanted = "Basic " + base64.b64encode(f"ada:{PASSWORD}".encode()).decode()

    def answer(method, path, headers):
        if headers.get("Authorization") == wanted:
            return 200, {"Docker-Content-Digest": DIGEST, "Content-Type": KIND}, MANIFEST
        return 401, {**API, "WWW-Authenticate": 'Basic realm="reg"'}, b""

    with server(answer) as (host, _):
        image = asking(host)
        assert image.state == "unknown"
        assert f"docker login {host}" in image.message
        log_in(tmp_path, host)
        assert asking(host).state == "ready"


@pytest.mark.parametrize("status", [401, 403])
def test_a_log_in_that_is_not_accepted_is_said_without_showing_it(tmp_path, status):
    def answer(method, path, headers):
        if path.startswith("/token"):
            return status, {}, PASSWORD.encode()
        return 401, {"WWW-Authenticate": f'Bearer realm="http://{headers["Host"]}/token"'}, b""

    with server(answer) as (host, _):
        log_in(tmp_path, host)
        image = asking(host)
    assert image.state == "unknown"
    assert "docker login" in image.message
    assert PASSWORD not in str(image)


@pytest.mark.parametrize("answer", [(200, b"not json"), (200, b"[]"), (200, b"{}"), (500, b"")])
def test_a_broken_log_in_service_is_unknown(answer):
    def respond(method, path, headers):
        if path.startswith("/token"):
            return answer[0], {}, answer[1]
        return 401, {"WWW-Authenticate": f'Bearer realm="http://{headers["Host"]}/token"'}, b""

    with server(respond) as (host, _):
        image = asking(host)
    assert image.state == "unknown"
    assert "log-in service" in image.message


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_site_is_no_registry(status):
    with server(lambda *_: (status, {"Content-Type": "text/html"}, b"<html>")) as (host, _):
        image = asking(host)
    assert image.state == "unknown"
    assert "not a container registry" in image.message


def test_a_registry_in_trouble_is_unknown():
    with server(lambda *_: (503, {}, b"")) as (host, _):
        assert (asking(host).state, asking(host).message) == ("unknown", f"{host} answered 503.")


def test_a_refused_connection_is_said():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        image = asking(host)
    assert image.state == "unknown"
    assert "refused" in image.message


def test_silence_ends_after_the_timeout():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        image = asking(f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.5)
        assert time.monotonic() - start < 2.5  # the default is three seconds
    assert image.state == "unknown"
    assert "does not answer" in image.message


def test_plain_http_elsewhere_needs_the_switch(monkeypatch):
    monkeypatch.setattr(Reference, "loopback", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with server(lambda *_: (200, {"Docker-Content-Digest": DIGEST, "Content-Type": KIND}, MANIFEST)) as (host, _):
        image = asking(host)
        assert image.state == "unknown"
        assert "image_builder.insecure: true" in image.message
        assert asking(host, insecure=True).state == "ready"


def test_this_machines_registry_is_not_looked_for_behind_a_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with server(lambda *_: (404, API, b"")) as (host, _):
        assert asking(host).state == "missing"


def test_a_log_in_is_not_sent_without_encryption_to_where_an_encrypted_registry_points():
    challenge = requests.Response()
    challenge.url = "https://ghcr.io/v2/acme/trainer/manifests/1"
    challenge.headers["WWW-Authenticate"] = 'Bearer realm="http://elsewhere.example.org/token"'
    target = Reference("ghcr.io", "acme/trainer", "1")
    with requests.Session() as session, pytest.raises(registry._RefusedError, match=r"elsewhere.*encryption"):
        registry._authorization(session, challenge, target, Login("ada", PASSWORD), 0.1)


def test_no_such_host_is_said():
    image = look_up("trainer", "registry.invalid/acme/trainer:1", timeout=1.0)
    assert image.state == "unknown"
    assert "registry.invalid" in image.message


def test_a_reference_that_is_none_is_unknown_with_its_remedy():
    image = look_up("trainer", "https://ghcr.io/acme/trainer:1")
    assert image.state == "unknown"
    assert "container_registry_uri" in image.message


def test_docker_hubs_log_in_is_found_under_its_old_name(tmp_path):
    log_in(tmp_path, "https://index.docker.io/v1/")
    assert login_for("docker.io").password == PASSWORD
    assert PASSWORD not in repr(login_for("docker.io"))
    assert login_for("ghcr.io") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"auths": []}', '{"auths": {"ghcr.io": {"auth": "%%%"}}}'])
def test_a_log_in_file_that_cannot_be_read_is_no_log_in(tmp_path, text):
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(text, "utf-8")
    assert login_for("ghcr.io") is None


def test_a_credential_helper_is_asked(tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    helper = programs / "docker-credential-vault"
    helper.write_text('#!/bin/sh\nread host\nprintf \'{"Username": "ada", "Secret": "for-%s"}\' "$host"\n', "utf-8")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"credHelpers": {"ghcr.io": "vault"}}), "utf-8")
    assert login_for("ghcr.io").password == "for-ghcr.io"
    assert login_for("quay.io") is None
