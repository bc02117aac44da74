"""A step's log, as the worker reads it: in parts, of any size, and once for all who follow it."""

from __future__ import annotations

import http.server
import json
import threading
import time
from contextlib import contextmanager

import pytest

from kfops import runs
from kfops.errors import NotFound
from kfops.serving import log_tails, logs
from kfops.serving.calls import Cancelled
from kfops.streaming import ByteStream
from kfops.types import Graph, Run, Step
from tests.fakes.backend import scripted_backend

WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "logged-"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": []},
        "templates": [
            {"name": "main", "dag": {"tasks": [{"name": "a", "template": "step"}]}},
            {"name": "step", "container": {"image": "none", "command": ["true"]}},
        ],
    },
}
#: Larger than all that is read of a log at a time.
LONG = "".join(f"line {number}\n" for number in range(200_000))


class Logged:
    """A run with one step in an embedded backend."""

    def __init__(self, backend):
        body = {"name": "run", "pipeline_spec": {"workflow_manifest": json.dumps(WORKFLOW)}}
        self.backend = backend
        self.connection = backend.connection
        self.run_id = backend.connection.post_json("/apis/v1beta1/runs", body)["run"]["id"]
        self.move("Running")
        self.step_id = next(s.id for s in runs.get_run(self.run_id, self.connection).graph.steps)

    def move(self, phase):
        self.backend.move(self.run_id, phase, {"a": (phase, "")})

    def write(self, text):
        self.backend.write_log(self.run_id, "a", text)

    def part(self, offset=None, limit=logs.END):
        return logs.log_part(self.run_id, self.step_id, offset, limit, self.connection)


@pytest.fixture
def logged(tmp_path):
    with scripted_backend(tmp_path / "data") as backend:
        yield Logged(backend)


def test_the_end_of_a_long_log_is_read_and_what_is_before_it_when_asked_for(logged):
    logged.write(LONG)
    logged.move("Succeeded")
    end = logged.part()
    assert LONG.endswith(end["text"])
    assert (end["offset"], end["next_offset"]) == (len(LONG) - logs.END, len(LONG))
    assert end["complete"]
    assert logged.part(10, 20) == {"text": LONG[10:30], "offset": 10, "next_offset": 30, "complete": False}


def test_a_log_is_read_on_and_is_complete_when_its_step_had_ended(logged):
    logged.write("one\n")
    assert logged.part() == {"text": "one\n", "offset": 0, "next_offset": 4, "complete": False}
    assert logged.part(4) == {"text": "", "offset": 4, "next_offset": 4, "complete": False}
    logged.write("one\ntwo\n")
    logged.move("Failed")
    assert logged.part(4) == {"text": "two\n", "offset": 4, "next_offset": 8, "complete": True}
    assert logged.part(8)["complete"]


def test_letters_stay_whole_wherever_a_part_begins_or_ends(logged):
    text = "äöü€" * 10
    logged.write(text)
    found, offset = "", 0
    for _ in range(100):
        part = logged.part(offset, 5)
        found, offset = found + part["text"], part["next_offset"]
    assert found == text
    assert logged.part(None, 4)["text"] == "€"


@pytest.mark.parametrize(("state", "complete"), [("pending", False), ("skipped", True)])
def test_a_step_that_has_not_run_has_an_empty_log(logged, state, complete):
    run = Run("r", "r", "running", graph=Graph("g", steps=[Step("s", "train", state=state)]))
    part = logs.log_part(logged.run_id, "s", None, 10, logged.connection, run)
    assert (part["text"], part["complete"]) == ("", complete)


def test_an_unknown_step_is_not_found(logged):
    with pytest.raises(NotFound):
        logs.log_part(logged.run_id, "other", None, 10, logged.connection)


class Call:
    """A request of the server, with what it is told."""

    def __init__(self):
        self.cancelled = threading.Event()
        self.told = threading.Semaphore(0)

    def log_line(self, line):
        self.told.release()

    def check(self):
        if self.cancelled.is_set():
            raise Cancelled()

    def wait(self):
        assert self.told.acquire(timeout=20), "nobody told of a change"


@contextmanager
def followed(logged):
    """Follow the log in a thread, and yield the request and what is known of the log."""
    tails, call = log_tails.LogTails(), Call()

    def follow():
        try:
            tails.follow(call, logged.run_id, logged.step_id, logged.connection)
        except Cancelled:
            pass

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield call, lambda offset: tails.part(logged.run_id, logged.step_id, offset, logs.END)
    finally:
        call.cancelled.set()
        thread.join(20)
        assert not thread.is_alive()


def wait_for(what):
    for _ in range(400):
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_a_log_that_is_followed_is_told_of_and_answered_without_asking_the_backend(logged, monkeypatch):
    logged.write("one\n")
    with followed(logged) as (call, part):
        call.wait()
        monkeypatch.setattr(logs.runs, "get_run", None)
        assert part(0) == {"text": "one\n", "offset": 0, "next_offset": 4, "complete": False}
        logged.write("one\ntwo\n")
        call.wait()
        assert part(4)["text"] == "two\n"
        assert part(400) is None


def test_of_a_long_log_only_the_end_is_kept(logged):
    logged.write(LONG)
    with followed(logged) as (call, part):
        call.wait()
        wait_for(lambda: part(len(LONG)))
        assert part(0) is None
        assert part(len(LONG) - 100)["text"] == LONG[-100:]


def test_a_log_that_has_ended_is_no_longer_kept_for_it_may_be_written_anew(logged):
    logged.write("one\n")
    with followed(logged) as (call, part):
        call.wait()
        logged.move("Failed")
        call.wait()
        wait_for(lambda: part(0) is None)
    assert logged.part(0)["complete"]


class _Whole(http.server.BaseHTTPRequestHandler):
    """A backend that knows no ranges, as Kubeflow Pipelines."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(LONG.encode())

    def log_message(self, *_):
        pass


def test_of_a_backend_that_sends_whole_logs_parts_are_made_here():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Whole)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    class Connection:
        def read(self, path, *, part, what):
            return ByteStream(f"http://127.0.0.1:{server.server_port}{path}", {"Range": part})

    try:
        end = logs.read_part("r", "s", None, 100, Connection())
        assert (end.start, end.data.decode(), end.is_last) == (len(LONG) - 100, LONG[-100:], True)
        middle = logs.read_part("r", "s", 500_000, 100, Connection())
        assert (middle.start, middle.data.decode(), middle.is_last) == (500_000, LONG[500_000:500_100], False)
        assert logs.read_part("r", "s", len(LONG), 100, Connection()).data == b""
    finally:
        server.shutdown()
        server.server_close()
