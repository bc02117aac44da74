"""The bearer token stands in one file and goes out with requests: it is found nowhere else, whatever happens."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

import kfops
from kfops import pipelines, runs
from kfops.errors import KfopsError
from kfops.local import daemon
from kfops.local.api import ROUTES
from kfops.serving.channel import Channel
from tests.fakes.faulty_server import answering, closing_at_once, garbage, serving

ROOT = Path(__file__).resolve().parents[2]

# What a curious step can find out without knowing where the data folder is.
CURIOUS = """\
from kfp import dsl
from kfp.v2.dsl import Model, Output, component
from kfops.model import materialize_model


@component
def curious(model: Output[Model]):
    import os, time
    from pathlib import Path

    def look(path):
        try:
            return Path(path).read_bytes()[:100000].replace(b"\\0", b" ").decode("utf-8", "replace")
        except OSError as error:
            return str(error)

    print("environment", dict(os.environ), flush=True)
    for name, value in os.environ.items():
        for path in value.split(":"):
            if os.path.isfile(path):
                print("file of", name, look(path))
            elif os.path.isfile(path + "/token"):
                print("token below", name, look(path + "/token"))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            print(entry.name, look(entry / "cmdline"), look(entry / "environ"))
    for entry in Path("/proc/self/fd").iterdir():
        print("open", entry, os.path.realpath(entry))
    os.makedirs(model.path)
    Path(model.path, "m").write_text("weights")
    print("has looked", flush=True)
    release = Path(os.environ["KFOPS_MODEL_STORE"], "release")
    for _ in range(600):
        if release.exists():
            return
        time.sleep(0.1)


@dsl.pipeline(name="curious")
def pipeline():
    materialize_model(model=curious().outputs["model"])
"""


class Secret:
    """A token that we know, and every form in which it could be found again."""

    def __init__(self) -> None:
        self.text = "known-" + secrets.token_hex(24)
        text = self.text.encode()
        # Of base64 the three alignments, without the characters that depend on what stands beside.
        encoded = [base64.b64encode(b"x" * shift + text).rstrip(b"=")[4:-4] for shift in range(3)]
        self.forms = [text, quote(self.text).encode(), text[::-1], text.hex().encode(), *encoded]

    def is_in(self, data: bytes | str) -> bool:
        data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        return any(form in data for form in self.forms)


def files_with(secret: Secret, folder: Path) -> set[str]:
    """Files below a folder in which the secret stands, or by which it is named."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and (secret.is_in(path.read_bytes()) or secret.is_in(str(path))):
            found.add(path.relative_to(folder).as_posix())
    return found


def processes_with(secret: Secret) -> list[str]:
    """Processes of this machine that have the secret in their arguments or their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                if secret.is_in((entry / name).read_bytes()):
                    found.append(f"{name} of {entry.name}")
    return found


@pytest.fixture
def secret() -> Secret:
    return Secret()


@pytest.fixture
def data(tmp_path, secret, monkeypatch):
    """The embedded backend's data folder, with the known token, which is readable for all before it is started."""
    # Not below /tmp, which a step does not see: the folder is where a step could read it if it were told where it is.
    outside = tempfile.mkdtemp(dir="/var/tmp")
    folder = Path(outside, "data")
    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    folder.mkdir(mode=0o755)
    (folder / ".kfops-local").write_text("")
    (folder / "token").write_text(secret.text)
    (folder / "token").chmod(0o644)
    yield folder
    daemon.stop(folder)
    shutil.rmtree(outside)


class Worker:
    """The server extension's worker, and every byte that it sends."""

    def __init__(self, root: Path) -> None:
        self.root, self.said = root, ""
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kfops.worker", "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        self._socket.settimeout(60)
        self._channel = Channel(self._socket)
        self._messages = self._channel.messages()
        next(self._messages)

    def ask(self, method: str, **parameters: object) -> None:
        self._channel.send({"id": 1, "method": method, "params": {"root": str(self.root), **parameters}})
        for message in self._messages:
            self.said += json.dumps(message)
            if "log" not in message:
                assert "error" not in message, message
                return
        raise AssertionError("the worker has ended")

    def close(self) -> str:
        self._socket.close()
        self._messages.close()
        self._channel._reader.close()
        return self.said + self._process.communicate(timeout=20)[0].decode()


def answers_of_every_route(endpoint, token: str, ids: list[str]) -> dict[str, bytes]:
    """What GET and an empty POST of every route answer, with and without the token, for every id and for none."""
    answers = {}
    for pattern, _ in ROUTES:
        path = pattern.replace("(terminate|retry)", "retry").replace("(?:enable|disable)", "enable")
        for identity in ids:
            target = re.sub(r"\([^)]*\)", identity, path)
            for sent in (token, "wrong"):
                for method in ("GET", "POST"):
                    request = urllib.request.Request(
                        endpoint.url + target,
                        data=b"{}" if method == "POST" else None,
                        headers={"Authorization": f"Bearer {sent}"},
                        method=method,
                    )
                    try:
                        with urllib.request.urlopen(request, timeout=20) as answer:
                            # a watch goes on for ever: its first message tells the whole state
                            said = answer.readline() if target.endswith(":watch") else answer.read()
                            answers[f"{method} {target} {answer.status}"] = bytes(answer.headers) + said
                    except urllib.error.HTTPError as error:
                        answers[f"{method} {target} {error.code}"] = bytes(error.headers) + error.read()
    return answers


def test_the_token_is_found_nowhere_on_the_way_from_a_file_to_a_model(data, secret, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    source = tmp_path / "curious.py"
    source.write_text(CURIOUS)
    worker = Worker(tmp_path)

    connection = kfops.connect(kind="embedded")
    version = kfops.upload(kfops.compile(source), connection=connection)
    run = kfops.run(version, connection=connection)
    assert connection.client.get_run(run.id).run.id == run.id

    steps, log = [], ""
    deadline = time.monotonic() + 60
    while "has looked" not in log and time.monotonic() < deadline:
        steps = [step for step in runs.get_run(run.id, connection).graph.steps if step.state == "running"]
        log = runs.step_log(run.id, steps[0].id, connection) if steps else ""
        time.sleep(0.1)
    assert "has looked" in log
    assert "'PATH': " in log, "the step did not see its environment"
    assert processes_with(secret) == []
    (data / "models").mkdir(exist_ok=True)
    (data / "models" / "release").touch()
    ended = kfops.wait(run, timeout=90, connection=connection)
    assert ended.state == "succeeded", ended

    asked = {
        "status": {},
        "pipelines.list": {},
        "versions.list": {"pipeline_id": version.pipeline_id},
        "versions.get": {"version_id": version.id},
        "runs.get": {"run_id": run.id},
        "steps.log": {"run_id": run.id, "step_id": steps[0].id, "offset": 0, "limit": 1000},
        "models.list": {},
        "experiments.list": {},
    }
    for method, parameters in asked.items():
        worker.ask(method, **parameters)
    seen = {"worker": worker.close(), "log": log, "run": repr(ended), "connection": repr(connection)}
    for line in (["status"], ["runs", run.id], ["logs", run.id], ["models"], ["local", "status"], ["runs", "none"]):
        done = subprocess.run([sys.executable, "-m", "kfops", *line], capture_output=True, text=True, timeout=60)
        seen[" ".join(line)] = done.stdout + done.stderr
        assert done.stdout or done.stderr
    seen["status of the connection"] = json.dumps(connection.status().to_dict())

    endpoint = daemon.ensure_running(data)
    ids = [version.pipeline_id, version.id, run.id, steps[0].id, "none"]
    answers = answers_of_every_route(endpoint, secret.text, ids)
    assert any(name.endswith(" 200") for name in answers)
    assert any(name.endswith(" 401") for name in answers)
    seen.update({name: answer.decode("utf-8", "replace") for name, answer in answers.items()})

    printed = capfd.readouterr()
    seen.update({"printed": printed.out + printed.err, "logged": caplog.text})
    assert [name for name, text in seen.items() if secret.is_in(text)] == []
    assert (files_with(secret, data), files_with(secret, tmp_path)) == ({"token"}, set())
    daemon.stop(data)
    assert (files_with(secret, data), files_with(secret, tmp_path)) == ({"token"}, set())


def test_what_the_backend_keeps_is_its_owners_alone(data, secret):
    daemon.ensure_running(data)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [data, *data.iterdir()]}
    assert modes["data"] == 0o700
    private = {"token", "connection.json", "kfops.db", "backend.lock", "backend.log"}
    assert {name: oct(modes[name]) for name in private} == dict.fromkeys(private, oct(0o600))
    assert {name for name in modes if name.startswith("kfops.db") and modes[name] != 0o600} == set()


def echo(status):
    """A server that answers with what it was sent, as debugging proxies do."""

    def answer(connection, asked, closing):
        body = json.dumps({"error": f"refused: {asked.headers}", "message": f"refused: {asked.headers}"}).encode()
        head = f"HTTP/1.1 {status} Some {asked.headers.get('authorization', '')}\r\nContent-Type: application/json\r\n"
        connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


HOSTS = {
    "401": answering(401, "Jwt is not valid"),
    "a 401 that echoes": echo(401),
    "a 403 that echoes": echo(403),
    "a 500 that echoes": echo(500),
    "a 200 that echoes": echo(200),
    "a page": answering(200, "<!DOCTYPE html><title>dex</title>", kind="text/html"),
    "garbage": garbage,
    "nothing": closing_at_once,
}


@pytest.mark.parametrize("kind", HOSTS)
def test_a_connection_that_fails_does_not_show_its_token(kind, secret, tmp_path, caplog, capfd, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    token = tmp_path / "given"
    token.write_text(secret.text)
    with serving(HOSTS[kind]) as server:
        with pytest.raises(KfopsError) as caught:
            kfops.connect(host=server.url, token_path=str(token), namespace="ann")
    assert_hidden(secret, caught.value, caplog, capfd)
    assert any(secret.text in asked.headers.get("authorization", "") for asked in server.asked)


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://127.0.0.1:9", "::"])
def test_a_host_that_is_not_there_does_not_show_the_token(host, secret, tmp_path, caplog, capfd, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    token = tmp_path / "given"
    token.write_text(secret.text)
    with pytest.raises(KfopsError) as caught:
        kfops.connect(host=host, token_path=str(token), namespace="ann")
    assert_hidden(secret, caught.value, caplog, capfd)


def test_a_backend_that_turns_hostile_after_the_connection_gets_no_token_into_an_error(
    secret, tmp_path, caplog, capfd, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    token = tmp_path / "given"
    token.write_text(secret.text)
    hostile = threading.Event()
    healthy = answering(200, json.dumps({"multi_user": False, "tag_name": "1.7.0"}), kind="application/json")

    def turning(connection, asked, closing):
        (echo(401) if hostile.is_set() else healthy)(connection, asked, closing)

    with serving(turning) as server:
        connection = kfops.connect(host=server.url, token_path=str(token), namespace="ann")
        assert connection.client is not None
        hostile.set()
        asking = [
            lambda: connection.get("/apis/v1beta1/runs"),
            lambda: connection.call("list runs", lambda client: client.list_runs()),
            lambda: pipelines.list_pipelines(connection),
            lambda: runs.get_run("one", connection),
        ]
        for ask in asking:
            with pytest.raises(KfopsError) as caught:
                ask()
            assert_hidden(secret, caught.value, caplog, capfd)
        status = connection.status()
    assert status.error is not None
    assert not secret.is_in(json.dumps(status.to_dict()) + repr(status) + repr(connection))
    assert not secret.is_in(repr(connection.__dict__))


def assert_hidden(secret, error, caplog, capfd):
    printed = capfd.readouterr()
    texts = {
        "text": str(error),
        "repr": repr(error),
        "details": repr(error.details) + json.dumps(error.to_dict()),
        "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
        "causes": repr(error.__cause__) + repr(error.__context__),
        "logged": caplog.text,
        "printed": printed.out + printed.err,
    }
    assert [name for name, text in texts.items() if secret.is_in(text)] == []


def test_the_search_finds_what_is_there(secret, tmp_path):
    """The other tests say something only while this one passes."""
    (tmp_path / "log").write_text("Authorization: Bearer " + secret.text)
    (tmp_path / "basic").write_bytes(base64.b64encode(b"me:" + secret.text.encode()))
    (tmp_path / "innocent").write_text("known-nothing")
    assert files_with(secret, tmp_path) == {"log", "basic"}
    sleeper = subprocess.Popen(["sleep", "60"], env={**os.environ, "TOKEN": secret.text})
    try:
        assert processes_with(secret) == [f"environ of {sleeper.pid}"]
    finally:
        sleeper.kill()
        sleeper.wait()
