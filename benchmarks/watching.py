"""Many who watch one run at once: what it costs the backend's process beyond one who does."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from typing import Any, Dict, Iterator, List
from urllib.parse import urlsplit

from benchmarks._backend import Backend, backend, workflow
from benchmarks.measure import Row, interleaved

TITLE = "Watchers of one run"

MANY = 500
STEPS = 60
_GOAL = 3.0
_TICKS = os.sysconf("SC_CLK_TCK")


def rows(rounds: int) -> Iterator[Row]:
    """Measure a chain's run with one and with many who watch it, from their first line to its end."""
    with backend() as running:
        found = interleaved(
            {"one": lambda: _cost(running, 1), "many": lambda: _cost(running, MANY)}, max(3, rounds // 2)
        )
    ratio = found["many"].median / found["one"].median
    yield Row(
        f"{MANY} watchers of a chain of {STEPS} steps, CPU of the backend until its end",
        found["many"].text("s", 1),
        f"{found['one'].text('s', 1)}, one watcher",
        ratio,
        f"at most {_GOAL:g} times",
        ratio <= _GOAL,
    )


def chain() -> Dict[str, Any]:
    """Return a workflow whose steps follow each other quickly: each changes the run twice."""
    step = {"name": "step", "container": {"image": "none", "command": ["sh", "-c", "sleep 0.02"]}}
    tasks: List[Dict[str, Any]] = [
        {"name": f"step-{number}", "template": "step", "dependencies": [f"step-{number - 1}"] if number else []}
        for number in range(STEPS)
    ]
    return workflow([{"name": "main", "dag": {"tasks": tasks}}, step])


def _cost(running: Backend, watchers: int) -> float:
    """Return the seconds of CPU that the backend takes for a run, and for telling all of its watchers of its end."""
    before = _cpu(running.pid)
    run_id = running.start(chain())
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(_watch(running, run_id)) for _ in range(watchers)]
        _read_to_the_end(sockets)
        running.ended(run_id)
    return _cpu(running.pid) - before


def _watch(running: Backend, run_id: str) -> socket.socket:
    address = urlsplit(running.url)
    stream = socket.create_connection((str(address.hostname), int(address.port or 80)))
    headers = {"Host": address.netloc, **running.headers}
    lines = [
        f"GET /apis/v1alpha1/runs/{run_id}:watch HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    stream.sendall("\r\n".join([*lines, "", ""]).encode())
    return stream


def _read_to_the_end(sockets: List[socket.socket]) -> None:
    """Read until each has been told that the run has succeeded; raises RuntimeError when one is not."""
    with selectors.DefaultSelector() as waiting:
        rest: Dict[socket.socket, bytes] = {}
        for stream in sockets:
            waiting.register(stream, selectors.EVENT_READ)
            rest[stream] = b""
        while rest:
            for key, _ in waiting.select(60) or _nobody():
                stream: Any = key.fileobj
                data = stream.recv(1 << 20)
                if not data:
                    raise RuntimeError("a watcher was left alone")
                *lines, rest[stream] = (rest[stream] + data).split(b"\n")
                if any(_tells_the_end(line) for line in lines):
                    waiting.unregister(stream)
                    del rest[stream]


def _tells_the_end(line: bytes) -> bool:
    """Return whether the run has succeeded by this line, which may tell so of any number of steps."""
    run = line.partition(b',"status":{')[0].partition(b',"workflow":')[0]
    if b'"status":"Failed"' in run or b'"status":"Error"' in run:
        raise RuntimeError("the run has failed")
    return b'"status":"Succeeded"' in run


def _nobody() -> Any:
    raise RuntimeError("nobody was told of the run's end within a minute")


def _cpu(pid: int) -> float:
    """Return the seconds of CPU, in user mode and in the kernel, that a process has taken; not its children's."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
