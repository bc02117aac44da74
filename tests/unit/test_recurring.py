"""Recurring runs from Python, from the command line and from a cell, against the embedded backend's own API."""

from __future__ import annotations

import atexit
import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterator

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from kfops import recurring
from kfops.cli.command import commands
from kfops.errors import BackendError, InvalidInput, NotFound
from kfops.pipelines import upload
from kfops.types import RecurringRun
from tests.fakes.backend import ScriptedBackend, scripted_backend
from tests.fakes.packages import package


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedBackend]:
    monkeypatch.chdir(tmp_path)
    with scripted_backend(tmp_path / "backend") as found:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", found.connection.host)
        monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "backend" / "token"))
        yield found


def create(backend: ScriptedBackend, schedule: str = "0 0 9 * * *", **options: Any) -> RecurringRun:
    version = upload(package(), connection=backend.connection)
    options.setdefault("parameters", {"data": "x"})
    return recurring.create_recurring_run(version, schedule, connection=backend.connection, **options)


def kfops(*words: str, ends_with: int = 0) -> str:
    result = CliRunner(mix_stderr=False).invoke(commands, list(words), prog_name="kfops")
    assert result.exit_code == ends_with, result.stdout + result.stderr
    return str(result.stdout + result.stderr)


def moments(found: RecurringRun) -> list[datetime]:
    return [datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc) for text in found.upcoming]


def test_one_is_made_of_a_version_with_its_parameters(backend: ScriptedBackend) -> None:
    version = upload(package(), connection=backend.connection)
    made = recurring.create_recurring_run(
        version.id,
        "0 30 9 ? * MON-FRI",
        parameters={"data": "of [[ScheduledTime.2006-01-02]]", "rate": 0.5},
        name="each morning",
        experiment="mornings",
        start="2040-01-02T03:04:05+01:00",
        max_concurrency=2,
        connection=backend.connection,
    )
    assert made == recurring.get_recurring_run(made.id, backend.connection)
    assert (made.name, made.schedule, made.enabled, made.catch_up) == (
        "each morning",
        "0 30 9 ? * MON-FRI",
        True,
        False,
    )
    assert (made.version_id, made.version_name, made.pipeline_name) == (version.id, version.name, "churn")
    assert (made.experiment_name, made.max_concurrency, made.start) == ("mornings", 2, "2040-01-02T02:04:05Z")
    assert made.parameters["data"] == "of [[ScheduledTime.2006-01-02]]"
    assert made.parameters["rate"] == "0.5"
    assert made.parameters["version_id"] == version.id, "its images are those of this version"
    assert made.upcoming == ["2040-01-02T09:30:00Z", "2040-01-03T09:30:00Z", "2040-01-04T09:30:00Z"]


def test_the_next_times_are_told_from_now_on(backend: ScriptedBackend) -> None:
    begin = datetime.now(timezone.utc)
    first, second, third = moments(create(backend, "0 * * * * *", start="2020-01-01T00:00:00Z"))
    assert begin - timedelta(seconds=1) <= first <= begin + timedelta(seconds=62)
    assert second - first == third - second == timedelta(minutes=1)
    found = create(backend, "@every 1h", end=(begin + timedelta(minutes=90)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert len(found.upcoming) == 1, "there is none after the end"


def test_they_are_listed_the_newest_first_paused_resumed_and_deleted(backend: ScriptedBackend) -> None:
    older, newer = create(backend), create(backend)
    listed = recurring.list_recurring_runs(backend.connection)
    assert [found.id for found in listed] == [newer.id, older.id]
    paused = recurring.pause_recurring_run(older.id, backend.connection)
    assert (paused.enabled, paused.upcoming) == (False, [])
    assert recurring.resume_recurring_run(older.id, backend.connection).upcoming
    recurring.delete_recurring_run(older.id, backend.connection)
    with pytest.raises(NotFound):
        recurring.get_recurring_run(older.id, backend.connection)
    with pytest.raises(NotFound):
        recurring.pause_recurring_run("nobody", backend.connection)


def test_one_that_somebody_else_has_made_with_an_interval_is_understood(backend: ScriptedBackend) -> None:
    other = create(backend)
    body = {
        "name": "each two hours",
        "enabled": True,
        "max_concurrency": 1,
        "trigger": {"periodic_schedule": {"interval_second": 7200}},
        "pipeline_spec": {"pipeline_id": other.pipeline_id, "parameters": [{"name": "data", "value": "x"}]},
    }
    backend.connection.post_json("/apis/v1beta1/jobs", body)
    backend.connection.post_json("/apis/v1beta1/jobs", {**body, "trigger": {}, "name": "once"})
    once, found, _ = recurring.list_recurring_runs(backend.connection)
    assert (found.schedule, found.catch_up) == ("@every 7200s", True)
    first, second, _ = moments(found)
    assert second - first == timedelta(hours=2)
    assert 0 <= first.timestamp() - time.time() <= 7200
    assert (once.schedule, once.upcoming) == ("", [])


@pytest.mark.parametrize(
    ("schedule", "words"),
    [("0 9 * * *", "0 0 9 * * *"), ("0 0 25 * * *", "within 0 to 23"), ("tomorrow", "6 fields"), ("", "6 fields")],
)
def test_a_schedule_that_cannot_be_meant_is_refused_before_anything_is_asked(schedule: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        recurring.check_schedule(schedule)
    assert words in str(refused.value)


def test_what_a_run_would_be_refused_for_a_recurring_run_is_too(backend: ScriptedBackend) -> None:
    with pytest.raises(InvalidInput, match="data"):
        create(backend, parameters={})
    with pytest.raises(BackendError, match="concurrency"):
        create(backend, max_concurrency=11)
    assert recurring.list_recurring_runs(backend.connection) == []


def test_the_command_adds_lists_pauses_resumes_and_deletes(backend: ScriptedBackend) -> None:
    assert "kfops recurring add" in kfops("recurring")
    upload(package(), connection=backend.connection)
    made = json.loads(kfops("recurring", "add", "churn", "data=x", "--schedule", "@daily", "--catch-up", "--json"))
    assert (made["schedule"], made["catch_up"], made["parameters"]["data"]) == ("@daily", True, "x")
    text = kfops("recurring", "add", "churn", "data=x", "--schedule", "0 0 9 * * *", "--name", "mornings")
    assert "mornings" in text and "Next" in text
    assert "@daily" in kfops("recurring")
    assert "paused" in kfops("recurring", "pause", made["id"])
    assert [found["enabled"] for found in json.loads(kfops("recurring", "--json"))] == [True, False]
    assert "goes on" in kfops("recurring", "resume", made["id"])
    assert "deleted" in kfops("recurring", "delete", made["id"])
    assert made["id"] not in kfops("recurring")
    assert "'0 0 9 * * *'" in kfops("recurring", "add", "churn", "--schedule", "0 9 * * *", ends_with=1)


@pytest.fixture
def shell(backend: ScriptedBackend) -> Iterator[Any]:
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    made.run_line_magic("load_ext", "kfops_lab")
    yield made
    atexit.unregister(made.atexit_operations)
    InteractiveShell.clear_instance()


def test_a_cell_adds_lists_pauses_resumes_and_deletes(backend: ScriptedBackend, shell: Any) -> None:
    def cell(source: str) -> str:
        with capture_output() as captured:
            error = shell.run_cell(source).error_in_exec
        assert error is None, error
        return "\n".join(output.data["text/plain"] for output in captured.outputs)

    version = upload(package(), connection=backend.connection)
    assert "%kfops recurring add" in cell("%kfops recurring")
    shown = cell(f"%kfops recurring add '0 0 9 * * *' data=x --name mornings --version {version.id}")
    (made,) = recurring.list_recurring_runs(backend.connection)
    assert made.id in shown and "mornings" in shown and "0 0 9 * * *" in shown
    assert made.parameters["data"] == "x"
    assert "paused" in cell(f"%kfops recurring pause {made.id}")
    assert "enabled" in cell(f"%kfops recurring resume {made.id}")
    assert made.id in cell("%kfops recurring")
    assert "deleted" in cell(f"%kfops recurring delete {made.id}")
    assert recurring.list_recurring_runs(backend.connection) == []


def test_a_cell_that_says_too_little_is_answered_with_an_example(shell: Any) -> None:
    with capture_output():
        error = shell.run_cell("%kfops recurring add").error_in_exec
    assert isinstance(error, InvalidInput)
    assert "0 0 9 * * MON-FRI" in error.remedy
