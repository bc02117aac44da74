"""What the embedded backend adds to the commands of the steps themselves."""

from __future__ import annotations

import datetime
import functools
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

from benchmarks._backend import Backend, backend, workflow
from benchmarks.measure import Row, Samples, interleaved

TITLE = "Steps of the embedded backend"

CHAIN = 10
LOOP = 1000
_CHAIN_GOAL, _LOOP_GOAL, _RATE_GOAL, _START_GOAL = 5.0, 4.0, 100.0, 30.0
_PLACEHOLDER = re.compile(r"\{\{inputs\.parameters\.[^}]+\}\}")


def rows(rounds: int) -> Iterator[Row]:
    """Measure the chain, the loop and the start of a run."""
    with backend() as running:
        yield _chain(running, 3 * rounds)
        yield from _loop(running, rounds)
        yield _start(running, 5 * rounds)


def _chain(running: Backend, rounds: int) -> Row:
    made = compiled_chain(CHAIN)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "chain.sh"
        script.write_text(as_script(made, folder))
        limits = {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])}
        environment = {**os.environ, **limits, "PYTHONUNBUFFERED": "1"}
        found = interleaved(
            {
                "run": functools.partial(_duration, running, made),
                "script": lambda: _timed(["sh", str(script)], environment),
            },
            rounds,
        )
    each = {name: Samples([value / CHAIN for value in samples.values]) for name, samples in found.items()}
    extra = each["run"].more_than(each["script"]) * 1000
    return Row(
        f"chain of {CHAIN} Python function steps (v1), per step",
        each["run"].text(),
        f"{each['script'].text()}, the same commands from a shell script",
        each["run"].median / each["script"].median,
        f"limit + {_CHAIN_GOAL:.0f} ms (is + {extra:.1f})",
        extra <= _CHAIN_GOAL,
    )


def _loop(running: Backend, rounds: int) -> Iterator[Row]:
    made = trivial_loop(LOOP)
    numbers = "".join(f"{number}\n" for number in range(LOOP))
    width = str(os.cpu_count() or 1)
    command = ["xargs", "-P", width, "-I{}", "sh", "-c", "echo {} > /dev/null"]
    found = interleaved(
        {
            "run": functools.partial(_duration, running, made),
            "xargs": lambda: _timed(command, dict(os.environ), numbers),
        },
        rounds,
    )
    ratio, rate = found["run"].median / found["xargs"].median, LOOP / found["run"].median
    limit = f"{found['xargs'].text('s', 1)}, xargs -P {width}"
    what = f"loop over {LOOP} trivial shell steps"
    yield Row(
        what, found["run"].text("s", 1), limit, ratio, f"at most {_LOOP_GOAL:.0f} times the limit", ratio <= _LOOP_GOAL
    )
    text = f"{rate:.0f} steps/s"
    yield Row(f"{what}, rate", text, f"{LOOP / found['xargs'].median:.0f} steps/s", None, "100", rate >= _RATE_GOAL)


def _start(running: Backend, rounds: int) -> Row:
    stamp = running.folder / "models" / "started"
    step = {"name": "stamp", "container": {"image": "none", "command": ["sh", "-c", f": > {stamp}"]}}
    made = workflow([{"name": "main", "dag": {"tasks": [{"name": "stamp", "template": "stamp"}]}}, step])

    def run() -> float:
        stamp.unlink() if stamp.exists() else None
        began = time.time()
        run_id = running.start(made)
        running.ended(run_id)
        return stamp.stat().st_mtime - began

    def fork() -> float:
        began = time.perf_counter()
        subprocess.run(step["container"]["command"], check=True)  # type: ignore[index]
        return time.perf_counter() - began

    found = interleaved({"run": run, "fork": fork}, rounds)
    reached = found["run"].median * 1000
    return Row(
        "run requested (POST sent) until its first process has acted",
        found["run"].text(),
        f"{found['fork'].text()}, fork and exec of the same",
        found["run"].median / found["fork"].median,
        f"under {_START_GOAL:.0f} ms",
        reached < _START_GOAL,
    )


def compiled_chain(length: int) -> Dict[str, Any]:
    """Return what kfp compiles of a chain of lightweight components, each with the output of the one before."""
    from kfp import components, dsl
    from kfp.compiler import Compiler

    def add_one(number: int) -> int:
        return number + 1

    step = components.create_component_from_func(add_one)

    @dsl.pipeline(name="chain")
    def pipeline() -> None:
        value: Any = 0
        for _ in range(length):
            done = step(value)
            done.execution_options.caching_strategy.max_cache_staleness = "P0D"  # every round has to run
            value = done.output

    return dict(Compiler()._create_workflow(pipeline))


def as_script(made: Dict[str, Any], folder: str) -> str:
    """Return the commands of a chain as a shell script, one after another, with files of its own for the outputs."""
    lines = ["set -e", f"export TMPDIR={shlex.quote(folder)}"]
    previous = ""
    templates = {template["name"]: template for template in made["spec"]["templates"]}
    for task in templates[made["spec"]["entrypoint"]]["dag"]["tasks"]:
        template = templates[task["template"]]
        output = f"{folder}/{task['name']}/data"
        written = template["outputs"]["artifacts"][0]["path"]
        words: List[str] = []
        for word in [*template["container"]["command"], *template["container"]["args"]]:
            if word == written:
                words.append(shlex.quote(output))
            elif _PLACEHOLDER.fullmatch(word):
                words.append(f'"$(cat {shlex.quote(previous)})"')
            else:
                words.append(shlex.quote(word))
        lines.append(" ".join(words))
        previous = output
    return "\n".join(lines) + "\n"


def trivial_loop(length: int) -> Dict[str, Any]:
    """Return a workflow whose one task is a loop over numbers."""
    task = {
        "name": "each",
        "template": "each",
        "withItems": list(range(length)),
        "arguments": {"parameters": [{"name": "number", "value": "{{item}}"}]},
    }
    step = {
        "name": "each",
        "inputs": {"parameters": [{"name": "number"}]},
        "container": {"image": "none", "command": ["sh", "-c", "echo {{inputs.parameters.number}} > /dev/null"]},
    }
    return workflow([{"name": "main", "dag": {"tasks": [task]}}, step])


def _duration(running: Backend, made: Dict[str, Any]) -> float:
    """Run a workflow; return the seconds from the moment of asking for it to its end by the run's own account."""
    body = running.written(made)
    began = time.time()
    run_id = running.start_written(body)
    status = running.ended(run_id)
    return _seconds(status["finishedAt"]) - began


def _timed(command: List[str], environment: Dict[str, str], given: str = "") -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, env=environment, input=given.encode())
    return time.perf_counter() - began


def _seconds(stamp: str) -> float:
    return datetime.datetime.strptime(stamp.replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
