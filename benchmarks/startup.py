"""What the panel and the server extension add to the start of JupyterLab and of its server, while nobody uses them."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List
from urllib.parse import urlsplit

from benchmarks import _chromium
from benchmarks._server import Program, labextensions
from benchmarks.measure import Row, Samples, interleaved

TITLE = "The start of JupyterLab with and without kfops-lab"

_SHELL, _BYTES, _START, _MEMORY = 1.02, 1.01, 50.0, 10.0


def rows(rounds: int) -> Iterator[Row]:
    """Measure the same JupyterLab with kfops-lab, the panel closed, and without."""
    with tempfile.TemporaryDirectory(prefix="kfops-benchmark-") as folder:
        programs = {name: _program(Path(folder) / name, name == "kfops") for name in ("kfops", "bare")}
        yield from _servers(programs, 4 * rounds)
        with contextlib.ExitStack() as stack:
            servers = {name: stack.enter_context(program.running()) for name, program in programs.items()}
            urls = {name: server.page() for name, server in servers.items()}
            found = _chromium.ask("_opening", urls=urls, rounds=4 * rounds)
        yield from _pages(found)


def _program(folder: Path, kfops: bool) -> Program:
    """Return a JupyterLab; without kfops-lab it has neither the panel's files nor the server extension."""
    return Program(folder, "lab", kfops=kfops, labextensions=labextensions(folder / "labextensions", panel=kfops))


def _servers(programs: Dict[str, Program], rounds: int) -> Iterator[Row]:
    memory: Dict[str, List[float]] = {name: [] for name in programs}

    def starter(name: str) -> Callable[[], float]:
        def start() -> float:
            began = time.perf_counter()
            with programs[name].running() as server:
                taken = time.perf_counter() - began
                memory[name].append(_resident(server.pid))
            return taken

        return start

    found = interleaved({name: starter(name) for name in programs}, rounds)
    more = 1000 * found["kfops"].more_than(found["bare"])
    yield Row(
        "Server, from its start until it answers",
        found["kfops"].text(),
        f"{found['bare'].text()}, without",
        found["kfops"].median / found["bare"].median,
        f"at most {_START:.0f} ms more (is {more:+.0f})",
        more <= _START,
    )
    kfops, bare = Samples(memory["kfops"]), Samples(memory["bare"])
    yield Row(
        "Server, memory of its process when it answers",
        kfops.text("MB", 1),
        f"{bare.text('MB', 1)}, without",
        kfops.median / bare.median,
        f"under {_MEMORY:.0f} MB more",
        kfops.median - bare.median < _MEMORY,
    )


def _pages(found: Dict[str, Any]) -> Iterator[Row]:
    kfops, bare = (Samples(found[name]["shown"]) for name in ("kfops", "bare"))
    ratio = kfops.median / bare.median
    yield Row(
        f"JupyterLab's shell is shown, {len(kfops.values)} visits with an empty cache",
        kfops.text(),
        f"{bare.text()}, without",
        ratio,
        f"at most {_SHELL} times",
        ratio <= _SHELL,
    )
    sent, limit = (Samples([visit["bytes"] for visit in found[name]["visits"]]) for name in ("kfops", "bare"))
    ratio = sent.median / limit.median
    yield Row(
        "Bytes sent to the browser until then and a little after",
        sent.text("kB", 0.001),
        f"{limit.text('kB', 0.001)}, without",
        ratio,
        f"at most {_BYTES} times",
        ratio <= _BYTES,
    )
    urls = [urlsplit(url) for visit in found["kfops"]["visits"] for url in visit["urls"]]
    asked = [url for url in urls if "/kfops/" in url.path]
    elsewhere = [url for url in urls if url.scheme in ("http", "https", "ws", "wss") and url.hostname != "127.0.0.1"]
    yield Row(
        "Requests to kfops, and to other hosts, while the panel is closed",
        f"{len(asked)} and {len(elsewhere)}",
        f"{len(urls)} requests in {len(found['kfops']['visits'])} visits",
        None,
        "none",
        not asked and not elsewhere,
    )


def _resident(pid: int) -> float:
    """Return the resident memory of a process in MB (1000 kB)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1.024 / 1000
    raise RuntimeError(f"/proc/{pid}/status says nothing of the resident memory")
