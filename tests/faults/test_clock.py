"""The machine's clock is set while runs are executed: no deadline is used up by it, no retry waits for it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

from tests.fakes.engine import Ended, MemoryRecords, dag, engine_in, shell, task, workflow

DAY = 86400.0
ONCE = '[ -e "$KFOPS_MODEL_STORE/failed" ] && exit 0; touch "$KFOPS_MODEL_STORE/failed"; exit 1'


class Clock:
    """The machine's clock, and a hand on it."""

    def __init__(self) -> None:
        self._real = time.time
        self.jump = 0.0

    def __call__(self) -> float:
        return self._real() + self.jump


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made)
    return made


def flaky() -> Dict[str, Any]:
    """A step that fails once and is tried again after a second."""
    again = {"limit": 1, "backoff": {"duration": "1s"}}
    return workflow(dag("main", task("s")), shell("s", ONCE, retryStrategy=again))


def jumped(made: Dict[str, Any], folder: Path, clock: Clock, jump: float, moment: str) -> Tuple[Ended, float]:
    """Run a workflow; when the step named ``moment`` has been begun, or has failed, set the clock."""

    async def run() -> Tuple[Ended, float]:
        async with engine_in(folder) as runs:
            run_id = runs.submit(made)
            await runs.until(lambda: (folder / "models" / moment).exists())
            clock.jump = jump
            began = time.monotonic()
            return await runs.ended(run_id), time.monotonic() - began

    return asyncio.run(run())


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_retry_follows_after_its_pause_whatever_the_clock_says(tmp_path: Path, clock: Clock, jump: float) -> None:
    ended, seconds = jumped(flaky(), tmp_path, clock, jump, "failed")
    assert ended.phase == "Succeeded"
    assert 0.5 < seconds < 60


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_deadline_is_not_used_up_by_setting_the_clock(tmp_path: Path, clock: Clock, jump: float) -> None:
    script = 'touch "$KFOPS_MODEL_STORE/begun"; sleep 1'
    of_step = shell("s", script, activeDeadlineSeconds=600)
    made = workflow(dag("main", task("s"), task("t", "s", after=("s",))), of_step, activeDeadlineSeconds=600)
    ended, _ = jumped(made, tmp_path, clock, jump, "begun")
    assert ended.phase == "Succeeded"


def test_a_deadline_comes_though_the_clock_is_set_back(tmp_path: Path, clock: Clock) -> None:
    script = 'touch "$KFOPS_MODEL_STORE/begun"; sleep 600'
    made = workflow(dag("main", task("s")), shell("s", script), activeDeadlineSeconds=2)
    ended, seconds = jumped(made, tmp_path, clock, -DAY, "begun")
    assert ended.phase == "Failed"
    assert seconds < 60


def test_a_backend_that_is_started_again_in_the_past_goes_on_at_once(tmp_path: Path, clock: Clock) -> None:
    """The times of what has happened are in the future then."""
    records = MemoryRecords()

    async def begin() -> None:
        async with engine_in(tmp_path, records) as runs:
            runs.submit(flaky())
            await runs.until(lambda: (tmp_path / "models" / "failed").exists())
            await runs.until(lambda: any(n["phase"] == "Failed" for n in records.statuses["run-1"]["nodes"].values()))

    async def go_on() -> Ended:
        async with engine_in(tmp_path, records) as runs:
            return await runs.ended("run-1")

    asyncio.run(begin())
    clock.jump = -DAY
    ended = asyncio.run(go_on())
    assert ended.phase == "Succeeded"
    assert ended.status["finishedAt"] >= ended.status["startedAt"]
