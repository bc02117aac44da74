"""What a kfp v2 component costs when it is forked from a process that has imported kfp, and as it is compiled."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any, Dict, Iterator, List

from benchmarks._backend import Backend, backend
from benchmarks.measure import Row, Samples, interleaved
from benchmarks.steps import _duration

TITLE = "kfp v2 components"

CHAIN = 10
_GOAL, _FASTER = 12.0, 150.0
#: Forks a process that has imported kfp; each child makes its folder and its output file, and that is all.
_FORKS = """
import os, sys, tempfile, time
import kfp.components.executor

for line in sys.stdin:
    began = time.perf_counter()
    for _ in range(int(line)):
        child = os.fork()
        if child == 0:
            folder = tempfile.mkdtemp()
            with open(os.path.join(folder, "output"), "w") as file:
                file.write("1")
            os._exit(0)
        os.waitpid(child, 0)
    print((time.perf_counter() - began) / int(line), flush=True)
"""


def rows(rounds: int) -> Iterator[Row]:
    """Measure the chain by either executor, a fork, and the command as it is compiled."""
    made, short = compiled_chain(CHAIN), compiled_chain(1)
    with backend() as running, tempfile.TemporaryDirectory() as folder, Forks(folder) as forks:
        running.use("warm")
        found = interleaved({"warm": functools.partial(_duration, running, made), "fork": forks.seconds}, 3 * rounds)
        each = Samples([value / CHAIN for value in found["warm"].values])
        reached = each.median * 1000
        yield Row(
            f"chain of {CHAIN} kfp v2 components, executor warm, per step",
            each.text(),
            f"{found['fork'].text()}, a fork of a process that has imported kfp",
            each.median / found["fork"].median,
            f"under {_GOAL:.0f} ms",
            reached < _GOAL,
        )
        command, environment = as_compiled(short, folder)
        compared = interleaved(
            {
                "warm": functools.partial(_duration, running, made),
                "compiled": lambda: _timed(command, environment),
                "process": functools.partial(_by_process, running, short),
            },
            max(3, rounds),
        )
    times = compared["compiled"].median / (compared["warm"].median / CHAIN)
    limit = f"{compared['compiled'].text()}, the command as it is compiled"
    yield Row(
        f"chain of {CHAIN} kfp v2 components, executor warm, per step",
        Samples([value / CHAIN for value in compared["warm"].values]).text(),
        limit,
        1 / times,
        f"at least {_FASTER:.0f} times faster (is {times:.0f})",
        times >= _FASTER,
    )
    process = compared["process"]
    yield Row(
        "one kfp v2 component, executor process, whole run",
        process.text(),
        limit,
        process.median / compared["compiled"].median,
        "",
        None,
    )


class Forks:
    """A process that has imported kfp and forks when it is told to."""

    def __init__(self, folder: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORKS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": folder},
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def seconds(self) -> float:
        """Return how long one fork takes, on the average of a chain."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{CHAIN}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def compiled_chain(length: int) -> Dict[str, Any]:
    """Return what kfp compiles of a chain of v2 components, each with the output of the one before."""
    import yaml
    from kfp import dsl
    from kfp.compiler import Compiler
    from kfp.v2.dsl import component

    def add_one(number: int) -> int:
        return number + 1

    step = component(add_one)

    @dsl.pipeline(name="chain")
    def pipeline() -> None:
        value: Any = 0
        for _ in range(length):
            done = step(value)
            done.set_caching_options(False)  # every round has to run
            value = done.output

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        path = os.path.join(folder, "chain.yaml")
        Compiler(mode=dsl.PipelineExecutionMode.V2_COMPATIBLE).compile(pipeline, path)
        with open(path, encoding="utf-8") as file:
            made = dict(yaml.safe_load(file))
    given = {"pipeline-output-directory": "", "pipeline-name": "pipeline/chain"}
    made["spec"]["arguments"] = {"parameters": [{"name": name, "value": given[name]} for name in given]}
    return made


def as_compiled(made: Dict[str, Any], folder: str) -> Any:
    """Return the command that the launcher of a component would run, and its environment."""
    template = next(template for template in made["spec"]["templates"] if "container" in template)
    words: List[str] = [*template["container"]["command"], *template["container"]["args"]]
    told = {
        "inputs": {"parameters": {"number": {"intValue": "1"}}},
        "outputs": {
            "parameters": {"Output": {"outputFile": f"{folder}/output"}},
            "outputFile": f"{folder}/output_metadata.json",
        },
    }
    command = [json.dumps(told) if word == "{{$}}" else word for word in words[words.index("sh") :]]
    first = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    return command, {**os.environ, "PATH": first, "TMPDIR": folder}


def _by_process(running: Backend, made: Dict[str, Any]) -> float:
    running.use("process")
    try:
        return _duration(running, made)
    finally:
        running.use("warm")


def _timed(command: List[str], environment: Dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
