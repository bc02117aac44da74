"""Whatever is sent to the API: it answers, in its own form; it never fails; what it refuses leaves no trace."""

from __future__ import annotations

import json
import os
import select
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st

from kfops.local import daemon
from tests.effort import examples

from .wire import KNOWN, Sent, echo, requests

pytestmark = pytest.mark.soak
TIME = 15.0


class Watched:
    """A running backend that has one of everything, and what it keeps in its store and its folder."""

    def __init__(self, folder: Path) -> None:
        self.endpoint = daemon.ensure_running(folder)
        self._folder = folder
        host, port = self.endpoint.url.rpartition("/")[2].split(":")
        self.address = (host, int(port))
        self._token = self.endpoint.token_path.read_text()
        self._store = sqlite3.connect(folder / "kfops.db")
        self.ids = dict.fromkeys(KNOWN, "x")
        self._make()
        self._kept: Tuple[Any, ...] = ()
        self._version = -1
        self._read = (folder / "backend.log").stat().st_size
        self.settle()

    def _make(self) -> None:
        self.ids["experiment"] = self.json("POST", "/apis/v1beta1/experiments", {"name": "one"})["id"]
        manifest = json.dumps(echo())
        form = '--b\r\nContent-Disposition: form-data; name="uploadfile"; filename="p.yaml"\r\n\r\n'
        body = f"{form}{manifest}\r\n--b--\r\n".encode()
        upload = Sent(
            "POST", "/apis/v1beta1/pipelines/upload", body, {"Content-Type": "multipart/form-data; boundary=b"}
        )
        self.ids["pipeline"] = self.ids["version"] = json.loads(self.send(upload)[1])["id"]
        run = self.json("POST", "/apis/v1beta1/runs", {"name": "r", "pipeline_spec": {"workflow_manifest": manifest}})
        self.ids["run"] = run["run"]["id"]
        self._wait_until_idle()
        found = self.json("GET", f"/apis/v1beta1/runs/{self.ids['run']}", None)
        status = json.loads(found["pipeline_runtime"]["workflow_manifest"])["status"]
        self.ids["node"] = next(node["id"] for node in status["nodes"].values() if node["type"] == "Pod")

    def json(self, method: str, path: str, body: Any) -> Any:
        code, content = self.send(Sent(method, path, b"" if body is None else json.dumps(body).encode()))
        assert code == 200, content
        return json.loads(content)

    def send(self, sent: Sent) -> Tuple[Optional[int], bytes]:
        return self.send_raw(sent.raw(self.ids, "{}:{}".format(*self.address), self._token))

    def send_raw(self, raw: bytes, *, whole: bool = True) -> Tuple[Optional[int], bytes]:
        """Return the status of the answer and its body; no status when the connection is closed without one."""
        with socket.create_connection(self.address, timeout=TIME) as connection:
            answer = b""
            try:
                connection.sendall(raw)
                if not whole:
                    select.select([connection], [], [], 0.1)
                    connection.shutdown(socket.SHUT_WR)
                while True:
                    chunk = connection.recv(1 << 16)
                    if not chunk:
                        break
                    answer += chunk
            except ConnectionError:
                pass  # it has answered, or has hung up on what is not HTTP
        head, _, body = answer.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        return (int(words[1]), body) if words[0].startswith(b"HTTP/1.") else (None, answer)

    def _wait_until_idle(self) -> None:
        deadline = time.monotonic() + 60
        while self.json("GET", "/apis/kfops/status", None)["active_runs"]:
            assert time.monotonic() < deadline, "an accepted run does not come to its end"
            time.sleep(0.02)

    def settle(self, *, executing: bool = True) -> None:
        """Take away what would go on by itself, wait for the rest, and remember what there is."""
        if executing:
            self._be_idle()
        self._version, self._kept = self._data_version(), self._everything()

    def _be_idle(self) -> None:
        self._wait_until_idle()
        for (job_id,) in self._rows("SELECT id FROM jobs") if self._has_table("jobs") else []:
            self.json("DELETE", f"/apis/v1beta1/jobs/{job_id}", None)
        self._wait_until_idle()
        time.sleep(0.6)  # the folders of ended steps are cleared away a moment later

    def _rows(self, question: str) -> List[Any]:
        return self._store.execute(question).fetchall()

    def _has_table(self, name: str) -> bool:
        return bool(self._rows(f"SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{name}'"))

    def _data_version(self) -> int:
        return int(self._rows("PRAGMA data_version")[0][0])

    def _everything(self) -> Tuple[Any, ...]:
        files = sorted(
            str(Path(top, name))
            for part in ("runs", "artifacts", "models")
            for top, folders, names in os.walk(self._folder / part)
            for name in [*folders, *names]
        )
        return files, sorted(self._store.iterdump())

    def nothing_was_stored(self) -> bool:
        if self._data_version() == self._version:
            return True
        self._version = self._data_version()
        return self._everything() == self._kept

    def complaints(self) -> str:
        """Return what the backend has written to its log since it was asked last, when there is a traceback in it."""
        with open(self._folder / "backend.log", "rb") as log:
            log.seek(self._read)
            text = log.read().decode(errors="replace")
            self._read = log.tell()
        return text if "Traceback" in text else ""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("bad-input") / "data"
    yield Watched(folder)
    daemon.stop(folder)


def check(backend: Watched, path: str, code: Optional[int], body: bytes, *, reading: bool) -> None:
    """Check what must be true after every request."""
    note(f"answer: {code} {body[:1000]!r}")
    event(f"answered {code}")
    assert b"Traceback" not in body
    assert b'File "' not in body
    assert backend.complaints() == ""
    if code is not None and code < 300 and not reading:
        backend.settle(executing="/runs" in path or "/jobs" in path)
    else:
        assert backend.nothing_was_stored()


def excused(sent: Sent, code: Optional[int], body: bytes) -> bool:
    """Tell whether a 5xx is what Kubeflow Pipelines answers: 501 to another verb, 500 to an upload of a taken name."""
    return code == 501 or (code == 500 and "/upload" in sent.path and b"already exist" in body)


@examples(200, 4000)
@given(sent=requests())
def test_a_request_is_answered_in_the_apis_form_and_a_refused_one_leaves_no_trace(backend: Watched, sent: Sent) -> None:
    code, body = backend.send(sent)
    assert code is None or code < 500 or excused(sent, code, body), body
    check(backend, sent.path, code, body, reading=sent.method in ("GET", "HEAD"))
    if code is not None and code >= 400 and sent.method != "HEAD" and b"{" in body:
        answer = json.loads(body)
        assert {"error", "message"} <= set(answer) or {"error_message", "error_details"} <= set(answer)


@examples(60, 1500)
@given(sent=requests(), junk=st.binary(max_size=6), where=st.floats(0, 1), cut=st.floats(0.2, 1.5))
def test_bytes_that_are_no_request_harm_nothing(
    backend: Watched, sent: Sent, junk: bytes, where: float, cut: float
) -> None:
    raw = sent.raw(backend.ids, "127.0.0.1", backend.endpoint.token_path.read_text())
    position = int(where * len(raw))
    raw = (raw[:position] + junk + raw[position:])[: int(cut * len(raw)) + 1]
    note(f"sent: {raw!r}")
    code, body = backend.send_raw(raw, whole=False)
    assert code is None or code < 500 or excused(sent, code, body), body
    if code is None and cut >= 1:
        backend.settle()  # it was whole, and may have been accepted before it was seen that nobody waits for the answer
    check(backend, sent.path, code, body, reading=raw.startswith(b"GET"))


def test_a_request_that_stays_away_half_way_keeps_nobody_waiting(backend: Watched) -> None:
    """A client that stops in the middle of an upload: others are answered meanwhile, and nothing is stored."""
    token = backend.endpoint.token_path.read_text()
    head = f"POST /apis/v1beta1/pipelines/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n"
    waiting = []
    for _ in range(20):
        connection = socket.create_connection(backend.address, timeout=TIME)
        connection.sendall(
            head.encode() + b"--b\r\nContent-Disposition: form-data; name=uploadfile\r\n\r\n" + b"x" * 5000
        )
        waiting.append(connection)
    began = time.monotonic()
    answer: Dict[str, Any] = backend.json("GET", "/apis/v1beta1/healthz", None)
    assert time.monotonic() - began < TIME
    assert "multi_user" in answer
    for connection in waiting:
        connection.close()
    time.sleep(0.2)
    assert backend.nothing_was_stored()
    assert backend.complaints() == ""
