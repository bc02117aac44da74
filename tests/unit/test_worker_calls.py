"""Each request of the worker stands for itself: its answer, its log, its error, its cancellation."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from kfops.errors import CompileError
from kfops.serving import calls
from kfops.serving.calls import Calls
from kfops.serving.channel import Channel


class Server:
    """The server's end: sends requests and sorts what comes back by request."""

    def __init__(self, methods):
        ours, theirs = socket.socketpair()
        self._stream = Channel(ours)
        self._socket = ours
        worker = Channel(theirs)
        serving = Calls(worker, methods)
        self._theirs = theirs

        def serve():
            for message in worker.messages():
                serving.take(message)

        self._thread = threading.Thread(target=serve)
        self._thread.start()
        self._messages = self._stream.messages()

    def send(self, **message):
        self._stream.send(message)

    def next(self):
        self._socket.settimeout(5)
        return next(self._messages)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()
        self._theirs.close()
        return not self._thread.is_alive()


@pytest.fixture
def serve():
    servers = []

    def start(**methods):
        servers.append(Server({name.replace("_", "."): method for name, method in methods.items()}))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_request_is_answered_with_the_methods_result(serve):
    server = serve(runs_get=lambda call, root, run_id: {"root": root, "id": run_id})
    server.send(id=1, method="runs.get", params={"root": "/r", "run_id": "x"})
    assert server.next() == {"id": 1, "result": {"root": "/r", "id": "x"}}


def test_one_that_hangs_keeps_no_other_waiting(serve):
    gate = threading.Event()
    server = serve(slow=lambda call: gate.wait(5), fast=lambda call: "done")
    server.send(id=1, method="slow")
    server.send(id=2, method="fast")
    assert server.next() == {"id": 2, "result": "done"}
    gate.set()
    assert server.next() == {"id": 1, "result": True}


def test_a_log_comes_before_the_answer(serve):
    def method(call):
        call.log("a")
        call.log_line("b")
        call.log_line("c\n")

    server = serve(build=method)
    server.send(id=3, method="build")
    assert [server.next() for _ in range(4)] == [
        {"id": 3, "log": "a"},
        {"id": 3, "log": "b\n"},
        {"id": 3, "log": "c\n"},
        {"id": 3, "result": None},
    ]


def test_an_error_of_ours_goes_over_the_wire_whole(serve):
    error = CompileError("no", why="because", remedy="stop", line=3)

    def method(call):
        raise error

    server = serve(compile=method)
    server.send(id=1, method="compile")
    assert server.next() == {"id": 1, "error": error.to_dict()}


def test_an_unexpected_error_is_named_and_its_traceback_stays_here(serve, capfd):
    def method(call):
        raise ValueError("odd")

    server = serve(runs=method)
    server.send(id=1, method="runs")
    error = server.next()["error"]
    assert error["code"] == "error"
    assert "ValueError: odd" in error["message"]
    assert "Traceback" not in str(error)
    assert "Traceback" in capfd.readouterr().err


def test_an_unknown_method_means_another_version(serve):
    server = serve()
    server.send(id=1, method="new.thing")
    error = server.next()["error"]
    assert error["code"] == "worker_error"
    assert "another version" in error["why"]


def test_a_cancelled_request_ends_at_its_next_line_of_log(serve):
    logged = []

    def method(call):
        for number in range(500):
            call.log_line("x")
            logged.append(number)
            time.sleep(0.01)

    server = serve(build=method)
    server.send(id=1, method="build")
    assert "log" in server.next()
    server.send(cancel=1)
    message = server.next()
    while "log" in message:
        message = server.next()
    assert message["error"]["message"] == "The request was cancelled."
    assert len(logged) < 100


def test_too_many_requests_at_once_are_refused_and_taken_again_later(serve, monkeypatch):
    monkeypatch.setattr(calls, "MOST", 2)
    gate = threading.Event()
    server = serve(slow=lambda call: gate.wait(5))
    for number in (1, 2, 3):
        server.send(id=number, method="slow")
    refused = server.next()
    assert (refused["id"], refused["error"]["code"]) == (3, "worker_error")
    gate.set()
    assert {server.next()["id"], server.next()["id"]} == {1, 2}
    server.send(id=4, method="slow")
    assert server.next() == {"id": 4, "result": True}


def test_answers_of_many_threads_do_not_mix(serve):
    server = serve(big=lambda call, letter: letter * 100_000)
    for number in range(20):
        server.send(id=number, method="big", params={"letter": chr(97 + number)})
    found = {}
    for _ in range(20):
        answer = server.next()
        found[answer["id"]] = answer["result"]
    assert found == {number: chr(97 + number) * 100_000 for number in range(20)}


def test_serving_ends_with_the_socket(serve):
    server = serve(slow=lambda call: None)
    assert server.close()
