"""Compiling: a chain of lightweight steps, against kfp's own compiler in the same warm process."""

from __future__ import annotations

import functools
import tempfile
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

from benchmarks.measure import Row, Samples, interleaved

TITLE = "Compiling a chain of steps, warm"

#: The goals are for this many steps; the other lengths show that the cost of a step stays what it is.
LENGTH = 500
LENGTHS = (10, 100, 500, 2000)
GOALS = {"V1_LEGACY": 5.0, "V2_COMPATIBLE": 4.0}
#: How much more a step of a longer chain may cost: memory further away, no more.
_GROWTH = 1.5


def rows(rounds: int) -> Iterator[Row]:
    """Measure both modes at the goal's length, then the cost of a step at all lengths."""
    for mode in GOALS:
        yield _against_kfp(mode, max(3, rounds // 2))
    for mode in GOALS:
        yield from _by_length(mode, max(3, rounds // 2))


def chain(mode: str, length: int) -> Callable[[], None]:
    """Return a pipeline of steps that each take the output of the one before."""
    from kfp import components, dsl
    from kfp.v2 import dsl as v2

    def add_one(number: int, note: str = "none") -> int:
        """Add one."""
        print(f"{number} + 1: {note}")
        return number + 1

    step = components.create_component_from_func(add_one) if mode == "V1_LEGACY" else v2.component(add_one)

    @dsl.pipeline(name="chain")
    def pipeline(number: int = 0) -> None:
        value: Any = number
        for _ in range(length):
            value = step(value).output

    return pipeline  # type: ignore[no-any-return]


def _against_kfp(mode: str, rounds: int) -> Row:
    from kfp import dsl
    from kfp.compiler import Compiler

    from kfops import compiler

    pipeline = chain(mode, LENGTH)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = str(Path(folder) / "package.yaml")
        found = interleaved(
            {
                "kfops": lambda: _nothing(compiler.compile(pipeline, mode=mode)),
                "kfp": lambda: Compiler(mode=dsl.PipelineExecutionMode[mode]).compile(pipeline, package),
            },
            rounds,
        )
    faster = found["kfp"].median / found["kfops"].median
    return Row(
        f"{LENGTH} steps, {mode}",
        found["kfops"].text(),
        f"{found['kfp'].text()}, kfp's own compiler",
        faster,
        f"at least {GOALS[mode]:.0f} times faster",
        faster >= GOALS[mode],
    )


def _by_length(mode: str, rounds: int) -> Iterator[Row]:
    pipelines = {length: chain(mode, length) for length in LENGTHS}
    actions: Dict[str, Callable[[], None]] = {
        str(length): functools.partial(_compile_often, pipeline, mode, LENGTHS[-1] // length)
        for length, pipeline in pipelines.items()
    }
    found = interleaved(actions, rounds)
    # Each action compiles as many steps in all: what it took says at once what a step costs.
    step = {name: Samples([value / LENGTHS[-1] for value in samples.values]) for name, samples in found.items()}
    first = step[str(LENGTHS[0])]
    for length in LENGTHS[1:]:
        ratio = step[str(length)].median / first.median
        yield Row(
            f"a step of {length}, {mode}",
            step[str(length)].text(),
            f"{first.text()}, a step of {LENGTHS[0]}",
            ratio,
            f"at most {_GROWTH} times: linear",
            ratio <= _GROWTH,
        )


def _compile_often(pipeline: Callable[[], None], mode: str, times: int) -> None:
    from kfops import compiler
    from kfops.types import Source

    for _ in range(times):
        compiler.compile(pipeline, mode=mode, source=Source("function"))  # else git is asked each time for the commit


def _nothing(_: Any) -> None:
    """Return no reading: the action's own time counts."""
