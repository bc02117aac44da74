"""The worker is started when it is needed, started again when it has died, and ends with the server."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

import pytest
from kfops_server.routes import status as status_route


def started(folder):
    """The process ids of the workers that have been started."""
    log = folder / "environment" / "started"
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition, limit=5.0):
    for _ in range(int(limit / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


async def test_nothing_is_started_with_the_server(services, tmp_path):
    await asyncio.sleep(0.1)
    assert started(tmp_path) == []


async def test_the_first_requests_start_one_worker_between_them(api, tmp_path):
    answers = await asyncio.gather(*(api("GET", f"runs/r{number}") for number in range(5)))
    assert [status for status, _ in answers] == [200] * 5
    assert len(started(tmp_path)) == 1


async def test_the_status_answers_at_once_while_the_worker_starts(api, monkeypatch):
    monkeypatch.setenv("SCRIPTED_WORKER_PAUSE", "30")
    status, answer = await api("GET", "status")
    assert status == 200
    assert answer["environment"]["state"] == "starting"
    assert answer["connection"] is None


async def test_the_status_waits_for_the_worker_when_asked_to(api, worker_python):
    _, answer = await api("GET", "status", wait="1")
    assert answer["environment"] == {
        "state": "ready",
        "python": worker_python,
        "versions": {"kfp": "1.7.0", "kfops": "0", "python": "3.11.0"},
        "message": f"kfp 1.7.0 in {worker_python}",
        "install_command": "",
        "error": None,
    }
    assert answer["connection"]["kind"] == "embedded"
    assert answer["server"]["version"]


async def test_a_backend_that_takes_long_to_start_is_not_called_broken(api, monkeypatch):
    monkeypatch.setenv("SCRIPTED_WORKER", "connects slowly")
    monkeypatch.setattr(status_route, "CONNECTION_WAIT", 0.3)
    environment = {"state": "starting"}
    while environment["state"] == "starting":
        _, answer = await api("GET", "status")
        environment = answer["environment"]
    assert (environment["state"], environment["message"]) == ("ready", "The backend is starting.")
    assert answer["connection"] is None
    await asyncio.sleep(1)
    _, answer = await api("GET", "status")
    assert answer["connection"]["kind"] == "embedded"


async def test_a_crash_fails_what_was_in_flight_and_the_next_request_starts_another(api, tmp_path):
    waiting = asyncio.ensure_future(api("GET", "versions/silent"))
    await api("GET", "runs")
    status, error = await api("GET", "versions/crash")
    assert (status, error["code"]) == (503, "worker_error")
    assert "exit code 7" in error["why"]
    assert "Fatal: out of luck Bearer [redacted]" in error["why"]
    assert error["details"]["exit_code"] == 7
    assert (await waiting)[0] == 503
    assert (await api("GET", "runs"))[0] == 200
    assert len(started(tmp_path)) == 2


async def test_a_worker_that_is_killed_is_named_by_its_signal(api, tmp_path):
    await api("GET", "runs")
    waiting = asyncio.ensure_future(api("GET", "versions/silent"))
    await asyncio.sleep(0.1)
    os.kill(started(tmp_path)[0], signal.SIGKILL)
    status, error = await waiting
    assert status == 503
    assert "signal 9" in error["why"]


async def test_an_operation_of_a_worker_that_dies_fails(api, finished):
    _, operation = await api("POST", "versions/crash/images")
    done = await finished(operation)
    assert (done["state"], done["error"]["code"]) == ("failed", "worker_error")


async def test_a_worker_that_cannot_start_is_not_started_over_and_over(api, monkeypatch, tmp_path):
    monkeypatch.setenv("SCRIPTED_WORKER", "dies")
    for _ in range(5):
        status, error = await api("GET", "runs")
        assert (status, error["code"]) == (503, "worker_error")
        assert "no module named kfp" in error["why"]
    assert len(started(tmp_path)) == 1
    _, answer = await api("GET", "status")
    assert answer["environment"]["state"] == "failed"
    assert answer["environment"]["error"]["details"]["exit_code"] == 3
    # It is tried again after a pause, and works when what was wrong has been put right.
    monkeypatch.delenv("SCRIPTED_WORKER")
    await asyncio.sleep(1.1)
    assert (await api("GET", "runs"))[0] == 200


async def test_a_worker_that_dies_soon_after_its_start_gets_a_pause_the_second_time(api, tmp_path):
    for _ in range(2):
        assert (await api("GET", "versions/crash"))[0] == 503
    assert (await api("GET", "runs"))[0] == 503
    assert len(started(tmp_path)) == 2


class TestRequestTimeLimit:
    @pytest.fixture
    def extension_config(self, worker_python):
        return {"python": worker_python, "request_time_limit": 1.0}

    async def test_a_request_that_takes_too_long_is_given_up(self, api):
        await api("GET", "status", wait="1")
        status, error = await api("GET", "versions/silent")
        assert (status, error["code"], error["details"]["kind"]) == (502, "connection_failed", "timeout")
        _, given_up = await api("GET", "versions/cancelled")
        assert len(given_up) == 1


class TestStartTimeLimit:
    @pytest.fixture
    def extension_config(self, worker_python):
        return {"python": worker_python, "start_time_limit": 0.5}

    async def test_a_worker_that_takes_too_long_to_start_is_ended(self, api, monkeypatch, tmp_path):
        monkeypatch.setenv("SCRIPTED_WORKER_PAUSE", "30")
        status, error = await api("GET", "runs")
        assert (status, error["code"]) == (503, "worker_error")
        assert "0.5 s" in error["why"]
        await until(lambda: not any(runs(pid) for pid in started(tmp_path)))


async def test_the_worker_ends_with_the_server(api, services, tmp_path):
    await api("GET", "runs")
    [pid] = started(tmp_path)
    assert runs(pid)
    await services.close()
    assert not runs(pid)
    status, error = await api("GET", "runs")
    assert (status, error["code"]) == (503, "worker_error")


async def test_a_server_that_ends_without_cleaning_up_leaves_no_worker(api, services, tmp_path):
    await api("GET", "runs")
    [pid] = started(tmp_path)
    services.worker.kill()
    await until(lambda: not runs(pid))


async def test_the_workers_output_is_logged_without_tokens(api, caplog):
    caplog.set_level(logging.DEBUG)
    await api("GET", "versions/crash")
    assert "kfops worker: Fatal: out of luck Bearer [redacted]" in caplog.text
    assert "abcdefghijklmnop" not in caplog.text


async def test_no_secret_is_on_the_workers_command_line(api, tmp_path, jp_auth_header):
    secret = jp_auth_header["Authorization"].split()[1]
    await api("GET", "runs")
    [pid] = started(tmp_path)
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        assert secret.encode() not in file.read()
