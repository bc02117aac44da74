"""The scheduler with a clock that the test sets and a real store: what is due starts once, whatever the clock does."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone

import pytest

from kfops.local.scheduling.scheduler import Scheduler
from kfops.local.scheduling.zones import Zone
from kfops.local.settings import Settings
from kfops.local.store import Store
from kfops.local.store import jobs as jobs_module
from kfops.local.store.jobs import NewJob

START = int(datetime(2026, 3, 10, 12, tzinfo=timezone.utc).timestamp())
WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "echo-"},
    "spec": {"entrypoint": "main", "arguments": {"parameters": [{"name": "at", "value": ""}]}, "templates": []},
}


class Engine:
    """Takes runs and lets them go on until the test ends them."""

    def __init__(self):
        self.submitted = []

    def submit(self, run_id, workflow=None):
        self.submitted.append(run_id)


class World:
    """A store, a scheduler, and the time."""

    def __init__(self, folder, monkeypatch):
        self.now = float(START)
        self.store = Store(folder / "kfops.db")
        self.engine = Engine()
        self.scheduler = Scheduler(self.store, self.engine, Zone(), clock=lambda: self.now)
        monkeypatch.setattr(jobs_module, "now", lambda: int(self.now * 1_000_000))

    def job(self, **values):
        values = {"enabled": True, "max_concurrency": 10, "cron": "0 * * * * *", **values}
        return self.store.jobs.create(
            NewJob(
                name="job",
                resource_name="job1",
                submitted=json.dumps(WORKFLOW),
                experiment_id="e",
                experiment_name="Default",
                service_account="pipeline-runner",
                settings=Settings().to_text(),
                parameters=[{"name": "at", "value": "[[Index]] [[ScheduledTime.15:04:05]]"}],
                **values,
            )
        ).id

    def look(self, seconds=0.0):
        """Let time pass, then let the scheduler look; return what the runs it started were due at."""
        self.now += seconds
        before = len(self.engine.submitted)
        asyncio.run(self.scheduler.fire())
        return [self.due_of(run_id) for run_id in self.engine.submitted[before:]]

    def due_of(self, run_id):
        row = self.store.runs.get(run_id)
        workflow = json.loads(self.store.runs.workflow_text(run_id))
        assert workflow["metadata"]["name"] == row.name
        index, at = workflow["spec"]["arguments"]["parameters"][0]["value"].split()
        assert row.name.startswith(f"job1-{index}-")
        assert at == datetime.fromtimestamp(row.scheduled_at // 1_000_000, timezone.utc).strftime("%H:%M:%S")
        return at

    def end_runs(self):
        for run_id in self.store.progress.unfinished():
            self.store.progress.save_status(run_id, {"phase": "Succeeded"})


@pytest.fixture
def world(tmp_path, monkeypatch):
    world = World(tmp_path, monkeypatch)
    yield world
    world.store.close()


def test_a_run_starts_when_it_is_due_and_not_again(world):
    world.job()
    assert world.look(59) == []
    assert world.look(1) == ["12:01:00"]
    assert world.look(0) == []
    assert world.look(59) == []
    assert world.look(1.5) == ["12:02:00"]


def test_what_has_been_missed_is_caught_up_in_order(world):
    world.job()
    assert world.look(200) == ["12:01:00", "12:02:00", "12:03:00"]


def test_without_catching_up_only_the_latest_is(world):
    world.job(no_catchup=True)
    assert world.look(200) == ["12:03:00"]
    assert world.look(40) == ["12:04:00"]


def test_no_more_runs_than_allowed_are_under_way_and_the_others_follow(world):
    world.job(max_concurrency=2)
    assert world.look(250) == ["12:01:00", "12:02:00"]
    assert world.look(10) == []
    world.end_runs()
    assert world.look(0) == ["12:03:00", "12:04:00"]


def test_a_clock_put_forward_is_time_that_has_been_missed(world):
    world.job()
    world.job(no_catchup=True)
    world.look(60)
    assert sorted(world.look(3 * 60)) == ["12:02:00", "12:03:00", "12:04:00", "12:04:00"]


def test_a_clock_put_back_starts_nothing_twice(world):
    world.job()
    world.job(interval=60, cron="")
    assert world.look(60) == ["12:01:00", "12:01:00"]
    assert world.look(-3600) == []
    assert world.look(3600) == []
    assert world.look(60) == ["12:02:00", "12:02:00"]


def test_a_paused_one_starts_nothing_and_catches_up_when_it_goes_on(world):
    job = world.job()
    world.store.jobs.set_enabled(job, False)
    assert world.look(120) == []
    assert world.store.jobs.get(job).status == "Disabled"
    world.store.jobs.set_enabled(job, True)
    assert world.look(0) == ["12:01:00", "12:02:00"]
    assert world.store.jobs.get(job).status == "Enabled"


def test_without_a_schedule_it_runs_once_and_tells_when_it_has(world):
    job = world.job(cron="")
    assert world.look(0) == ["12:00:00"]
    assert world.look(60) == []
    assert world.store.jobs.get(job).status == "Running"
    world.end_runs()
    world.look(1)
    assert world.store.jobs.get(job).status == "Succeeded"


def test_one_that_cannot_start_does_not_keep_the_others_from_it(world, monkeypatch):
    broken, sound = world.job(), world.job()
    add = jobs_module.add

    def full(connection, run):
        if run.job_id == broken:
            raise OSError("No space left on device")
        add(connection, run)

    monkeypatch.setattr(jobs_module, "add", full)
    assert world.look(60) == ["12:01:00"]
    assert world.store.jobs.get(sound).last_index == 1
    assert world.store.jobs.get(broken).last_index == 0, "a tick and its run are remembered together or not at all"
    monkeypatch.setattr(jobs_module, "add", add)
    assert world.look(0) == ["12:01:00"], "nothing is lost"


def another(world):
    """A run such as the scheduler makes, for when it has read something that is no longer so."""
    values = {"name": "again", "experiment_id": "e", "experiment_name": "Default", "created_at": 0}
    return jobs_module.NewRun(id="again", submitted="{}", workflow="{}", **values)


def test_a_number_is_given_once(world):
    job = world.job()
    world.look(60)
    assert world.store.jobs.fire(job, 1, START + 60, another(world)) is False
    assert world.store.progress.unfinished() == world.engine.submitted


def test_what_is_paused_or_deleted_meanwhile_is_not_started(world):
    paused, deleted = world.job(), world.job()
    world.store.jobs.set_enabled(paused, False)
    world.store.jobs.delete(deleted)
    for job in (paused, deleted):
        assert world.store.jobs.fire(job, 1, START + 60, another(world)) is False
    assert world.store.progress.unfinished() == []


def test_a_clock_put_back_does_not_hold_up_what_waits_for_another_run(world, monkeypatch):
    monkeypatch.setattr("kfops.local.scheduling.scheduler._LOOK", 0.01)
    world.job(max_concurrency=1)
    world.now += 150

    async def live():
        world.scheduler.start()
        while len(world.engine.submitted) < 1:
            await asyncio.sleep(0.01)
        world.now -= 20
        world.end_runs()
        while len(world.engine.submitted) < 2:
            await asyncio.sleep(0.01)
        await world.scheduler.close()

    asyncio.run(asyncio.wait_for(live(), 20))


def test_it_looks_again_when_something_has_been_made_and_when_the_clock_is_set(world, monkeypatch):
    monkeypatch.setattr("kfops.local.scheduling.scheduler._LOOK", 0.01)

    async def live():
        world.scheduler.start()
        await asyncio.sleep(0.03)
        world.job()
        world.scheduler.look()
        await asyncio.sleep(0.03)
        assert world.engine.submitted == []
        world.now += 60
        while not world.engine.submitted:
            await asyncio.sleep(0.01)
        await world.scheduler.close()

    asyncio.run(asyncio.wait_for(live(), 20))


def test_a_store_that_fails_once_does_not_end_the_schedules(world, monkeypatch):
    monkeypatch.setattr("kfops.local.scheduling.scheduler._LOOK", 0.0)
    world.job()
    world.now += 60
    every = world.store.jobs.all
    answers = [OSError("disk I/O error")]

    def all_but_the_first():
        if answers:
            raise answers.pop()
        return every()

    monkeypatch.setattr(world.store.jobs, "all", all_but_the_first)

    async def live():
        world.scheduler.start()
        while not world.engine.submitted:
            await asyncio.sleep(0.01)
        await world.scheduler.close()

    asyncio.run(asyncio.wait_for(live(), 20))
