"""The worker as the server starts it: a process at the other end of a socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

import kfops
from kfops.serving.channel import Channel

#: The checkout, or where kfops is installed: tests run in folders of their own.
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(kfops.__file__)))

PIPELINE = """
import kfp
from kfp import dsl

@kfp.components.create_component_from_func
def add(a: int, b: int) -> int:
    return a + b

@dsl.pipeline(name="adder")
def adder(x: int = 1):
    print("compiling")
    add(x, 2)
"""


class Worker:
    def __init__(self, root):
        self.root = str(root)
        self._socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kfops.worker", "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": ROOT},
                stderr=subprocess.PIPE,
            )
        self._socket.settimeout(60)
        self._channel = Channel(self._socket)
        self._messages = self._channel.messages()
        first = next(self._messages, None)
        assert first is not None, self.process.communicate()[1].decode()
        self.ready = first["ready"]
        self._number = 0

    def send(self, method, **params):
        self._number += 1
        self._channel.send({"id": self._number, "method": method, "params": {"root": self.root, **params}})
        return self._number

    def cancel(self, number):
        self._channel.send({"cancel": number})

    def answer(self, number):
        for message in self._messages:
            if message["id"] == number and "log" not in message:
                return message
        raise AssertionError("the worker has ended: " + self.process.stderr.read().decode())

    def compile(self, text, time_limit=30.0, path="pipeline.py", kind="file"):
        source = {"path": path, "kind": kind, "content": text, "encoding": "text", "os_path": ""}
        return self.send("packages.compile", source=source, function=None, time_limit=time_limit)

    def close(self):
        self._socket.close()
        self._messages.close()
        self._channel._reader.close()
        code = self.process.wait(15)
        self.process.stderr.close()
        return code


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    found = Worker(tmp_path_factory.mktemp("root"))
    yield found
    found.close()


def test_it_says_which_versions_it_has(worker):
    assert worker.ready["kfp"] == "1.7.0"
    assert worker.ready["python"].startswith("3.")


def test_it_compiles(worker):
    result = worker.answer(worker.compile(PIPELINE))["result"]
    assert result["name"] == "adder"
    assert [p["name"] for p in result["parameters"]] == ["x"]
    assert [step["name"] for step in result["graph"]["steps"]] == ["add"]
    assert result["output"] == "compiling\n"
    assert "workflow" not in result
    assert "text" not in result


@pytest.mark.parametrize(
    ("text", "limit", "code"),
    [
        ("1/0", 30.0, "compile_error"),
        ("def broken(:", 30.0, "compile_error"),
        ("import sys; sys.exit(3)", 30.0, "compile_exited"),
        ("import os; os._exit(3)", 30.0, "compile_exited"),
        ("while True: pass", 1.0, "compile_timeout"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 30.0, "compile_crashed"),
    ],
)
def test_code_that_misbehaves_harms_its_own_request_only(worker, text, limit, code):
    bad, good = worker.compile(text, limit), worker.compile(PIPELINE)
    answers = {}
    for message in worker._messages:
        answers[message["id"]] = message
        if {bad, good} <= set(answers):
            break
    assert answers[bad]["error"]["code"] == code
    assert answers[good]["result"]["name"] == "adder"


def test_a_compile_that_is_given_up_is_killed(worker, tmp_path):
    mark = tmp_path / "alive"
    number = worker.compile(f"import time\nwhile True: open({str(mark)!r}, 'w').write('x'); time.sleep(0.05)")
    deadline = time.monotonic() + 20
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    worker.cancel(number)
    assert worker.answer(number)["error"]["message"] == "The request was cancelled."
    time.sleep(0.3)
    mark.unlink()
    time.sleep(0.3)
    assert not mark.exists()


def test_a_status_without_a_backend_names_the_reason(worker, tmp_path):
    (tmp_path / "config.yaml").write_text("connection: {kind: cluster, host: 'http://127.0.0.1:9'}\n")
    worker.root, root = str(tmp_path), worker.root
    try:
        status = worker.answer(worker.send("status"))["result"]
    finally:
        worker.root = root
    assert status["kind"] == "cluster"
    assert status["error"]["code"] == "connection_failed"
    assert status["error"]["details"]["kind"] == "refused"


def test_a_status_with_a_broken_configuration_names_its_line(worker, tmp_path):
    (tmp_path / "config.yaml").write_text("pipeline: {name: a}\nconnection: {kind: nonsense}\n")
    worker.root, root = str(tmp_path), worker.root
    try:
        status = worker.answer(worker.send("status"))["result"]
    finally:
        worker.root = root
    assert status["error"]["code"] == "config_error"
    assert status["error"]["details"]["line"] == 2


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], stdout=subprocess.PIPE, check=False)
    return [int(line) for line in found.stdout.split()]


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_it_ends_with_its_socket_and_leaves_nothing_behind(tmp_path):
    worker = Worker(tmp_path)
    worker.compile("import time; time.sleep(100)", 60.0)
    time.sleep(0.5)
    [zygote] = children_of(worker.process.pid)
    assert worker.close() == 0
    assert gone(zygote)


def test_a_killed_one_leaves_no_compile_process(tmp_path):
    worker = Worker(tmp_path)
    [zygote] = children_of(worker.process.pid)
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.close()
    deadline = time.monotonic() + 10
    while not gone(zygote) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(zygote)


def test_a_compile_process_that_died_is_replaced(tmp_path):
    worker = Worker(tmp_path)
    try:
        worker.answer(worker.compile(PIPELINE))
        [zygote] = children_of(worker.process.pid)
        os.kill(zygote, signal.SIGKILL)
        time.sleep(0.3)
        assert worker.answer(worker.compile(PIPELINE))["result"]["name"] == "adder"
    finally:
        worker.close()
