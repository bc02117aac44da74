"""User code in a child of its own: whatever it does, the parent gets a named end and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kfops.compiling import sandbox
from kfops.compiling.zygote import Zygote
from kfops.errors import (
    CompileCrashed,
    CompileError,
    CompileExited,
    CompileOutOfMemory,
    CompileTimeout,
    WorkerError,
)

PIPELINE = (
    'from kfp import dsl\n@dsl.pipeline(name="{name}")\ndef p():\n    dsl.ContainerOp(name="{name}", image="i")\n'
)
LIMITS: dict[str, Any] = {"time_limit": 10, "memory_limit": 1 << 30}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote.start()
    yield zygote
    zygote.close()


def run(work: Callable[[], bytes], **limits: Any) -> sandbox.Outcome:
    box = sandbox.Sandbox(lambda request: work())
    box.start("only", b"", **limits)
    while True:
        box.wait([])
        for _, outcome in box.poll():
            box.close()
            return outcome


def compile_text(zygote: Zygote, text: str, **more: Any) -> Any:
    return zygote.compile({"path": "/tmp/pipeline.py", "content": text, "mode": "V1_LEGACY", **more})


def processes_with(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if mark.encode() in (entry / "environ").read_bytes() and entry.name.isdigit():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_the_answer_comes_back_with_the_output() -> None:
    def work() -> bytes:
        print("printed")
        os.write(2, b"written\n")
        return b"answer"

    outcome = run(work, **LIMITS)

    assert (outcome.result, outcome.output, outcome.exit_code) == (b"answer", "printed\nwritten\n", 0)


def test_a_large_answer_comes_back_whole() -> None:
    assert len(run(lambda: b"x" * (8 << 20), **LIMITS).result or b"") == 8 << 20


def test_output_is_cut_and_says_so() -> None:
    outcome = run(lambda: print("x" * 5_000_000) or b"", **LIMITS)  # type: ignore[func-returns-value]

    assert len(outcome.output) < sandbox.OUTPUT_LIMIT + 100
    assert outcome.output.endswith("bytes more")


def test_the_child_has_none_of_the_parents_files() -> None:
    with open("/dev/zero") as secret:
        fd = os.dup(secret.fileno())
        os.set_inheritable(fd, True)

        def work() -> bytes:
            return json.dumps(
                sorted(
                    os.readlink(f"/proc/self/fd/{n}")
                    for n in os.listdir("/proc/self/fd")
                    if os.path.exists(f"/proc/self/fd/{n}")
                )
            ).encode()

        outcome = run(work, **LIMITS)
        os.close(fd)

    assert "/dev/zero" not in json.loads(outcome.result or b"[]")


def test_a_child_that_closes_its_pipes_and_goes_on_is_ended_at_its_time() -> None:
    def work() -> bytes:
        os.closerange(0, 4096)
        time.sleep(100)
        return b""

    begun = time.monotonic()
    outcome = run(work, time_limit=0.5, memory_limit=1 << 30)

    assert outcome.timed_out
    assert time.monotonic() - begun < 50


ENDS = {
    "raises": ("raise ValueError('no')", CompileError, "ValueError: no"),
    "exits": ("import sys; sys.exit('bye')", CompileExited, "sys.exit('bye')"),
    "ends the process": ("import os; os._exit(3)", CompileExited, "os._exit(3)"),
    "raises KeyboardInterrupt": ("raise KeyboardInterrupt", CompileError, "KeyboardInterrupt"),
    "loops for ever": ("while True: pass", CompileTimeout, "longer than 1 s"),
    "sleeps through signals": (
        "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(99)",
        CompileTimeout,
        "longer than 1 s",
    ),
    "takes all memory": ("x = bytearray(9 << 30)", CompileOutOfMemory, "more memory"),
    "takes all memory slowly": ("x = []\nwhile True: x.append(bytearray(1 << 24))", CompileOutOfMemory, "more memory"),
    "dies of a signal": ("import os; os.kill(os.getpid(), 11)", CompileCrashed, "SIGSEGV"),
    "aborts": ("import os; os.abort()", CompileCrashed, "SIGABRT"),
    "recurses for ever": ("def f(): return f()\nf()", CompileError, "RecursionError"),
    "closes everything": ("import os; os.closerange(0, 4096)\nraise ValueError", CompileError, ""),
}


@pytest.mark.parametrize("case", ENDS.values(), ids=ENDS.keys())
def test_code_that_misbehaves_gets_a_named_error_and_the_next_request_is_right(zygote: Zygote, case: Any) -> None:
    code, kind, why = case
    with pytest.raises(kind) as caught:
        compile_text(zygote, code, time_limit=1 if kind is CompileTimeout else 30, memory_limit=1 << 29)

    assert why in caught.value.why
    assert compile_text(zygote, PIPELINE.format(name="next")).name == "next"


@pytest.mark.parametrize("compiles", [False, True])
def test_what_the_code_starts_is_killed_with_it_even_in_a_session_of_its_own(zygote: Zygote, compiles: bool) -> None:
    mark = f"KFOPS_MARK_{os.getpid()}_{time.monotonic_ns()}"
    code = f"""
import os, subprocess, sys, time
environment = dict(os.environ, {mark}="1")
sleep = [sys.executable, "-c", "import time; time.sleep(300)"]
subprocess.Popen(sleep, env=environment)
subprocess.Popen(sleep, env=environment, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, sleep, environment)
    os._exit(0)
time.sleep(0.5)
"""
    if compiles:
        compile_text(zygote, code + PIPELINE.format(name="p"))
    else:
        with pytest.raises(CompileCrashed):
            compile_text(zygote, code + "os.abort()")

    until = time.monotonic() + 5
    while processes_with(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert processes_with(mark) == []


def test_a_summary_is_the_package_without_what_is_large(zygote: Zygote) -> None:
    text = PIPELINE.format(name="whole")
    whole = compile_text(zygote, text)

    summary = compile_text(zygote, text, summary=True)

    assert whole.workflow and whole.text
    assert (summary.workflow, summary.text) == ({}, "")
    of_its_own = {"compiled_at": "", "sha256": ""}  # kfp notes the time in the text
    assert {**summary.summary(), **of_its_own} == {**whole.summary(), **of_its_own}


def test_requests_at_the_same_time_are_each_answered_right_and_a_slow_one_holds_up_none(zygote: Zygote) -> None:
    slow = zygote.submit({"id": "slow", "path": "/tmp/slow.py", "content": "while True: pass", "time_limit": 60})
    futures = [
        zygote.submit({"path": "/tmp/p.py", "content": PIPELINE.format(name=f"p{n}"), "mode": "V1_LEGACY"})
        for n in range(8)
    ]
    names = [future.result(timeout=30).name for future in futures]
    assert names == [f"p{n}" for n in range(8)]

    assert not slow.done()
    zygote.cancel("slow")
    with pytest.raises(CompileError, match="cancelled"):
        slow.result(timeout=5)


def test_a_child_that_was_forked_ahead_and_has_died_is_replaced(zygote: Zygote) -> None:
    code = PIPELINE.format(name="p") + "import os\nprint(os.getpid(), os.getppid())\n"
    first, parent = compile_text(zygote, code).output.split()
    children = Path(f"/proc/{parent}/task/{parent}/children")
    until = time.monotonic() + 10
    while children.read_text().split() in ([], [first]) and time.monotonic() < until:
        time.sleep(0.01)
    ahead = set(children.read_text().split()) - {first}
    assert len(ahead) == 1
    os.kill(int(*ahead), signal.SIGKILL)
    while ahead & set(children.read_text().split()) and time.monotonic() < until:
        time.sleep(0.01)

    assert compile_text(zygote, code).name == "p"
    assert compile_text(zygote, code).name == "p"


def test_a_request_may_be_larger_than_a_pipe_holds(zygote: Zygote) -> None:
    assert compile_text(zygote, PIPELINE.format(name="p") + "# much\n" * 1_000_000).name == "p"


def test_a_zygote_that_was_killed_fails_what_waits_and_says_so() -> None:
    zygote = Zygote.start()
    try:
        assert compile_text(zygote, PIPELINE.format(name="p")).name == "p"
        with pytest.raises(WorkerError, match="gone"):
            compile_text(zygote, "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(3)")
        assert not zygote.alive
        with pytest.raises(WorkerError):
            compile_text(zygote, "")
    finally:
        zygote.close()


def test_closing_ends_the_process_and_what_compiles_in_it(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    mark = f"KFOPS_MARK_{os.getpid()}_{time.monotonic_ns()}"
    os.environ[mark] = "1"
    try:
        zygote = Zygote.start()
    finally:
        del os.environ[mark]
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            compile_text(zygote, f"open({str(begun)!r}, 'w').close()\nwhile True: pass")
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until = time.monotonic() + 20
    while not begun.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert processes_with(mark)
    zygote.close()
    thread.join(timeout=10)

    assert processes_with(mark) == []
    assert isinstance(failed[0], WorkerError)


def test_an_interpreter_without_kfp_says_so() -> None:
    program = (
        "import sys; sys.modules['kfp'] = None\n"
        "from kfops.compiling import zygote\n"
        "import socket, os\n"
        "a, b = socket.socketpair()\n"
        "zygote.main(os.dup(b.fileno()))\n"
        "print(a.recv(1000).decode())"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        check=True,
        cwd=os.getcwd(),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )

    assert "kfp cannot be imported" in json.loads(found.stdout)["fatal"]


def test_a_child_of_the_sandbox_can_be_signalled_by_its_limits_only() -> None:
    outcome = run(lambda: os.kill(os.getpid(), signal.SIGTERM) or b"", **LIMITS)  # type: ignore[func-returns-value]

    assert outcome.signal == signal.SIGTERM
