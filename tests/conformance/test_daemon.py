"""The embedded backend as a process: one per data folder, private, quick to find, and never in the way."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from kfops.errors import LocalBackendError
from kfops.local import daemon

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    daemon.stop(tmp_path / "data")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def healthy(endpoint):
    request = urllib.request.Request(
        endpoint.url + "/apis/v1beta1/healthz",
        headers={"Authorization": f"Bearer {endpoint.token_path.read_text()}"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status == 200


def kill(endpoint, folder):
    os.kill(endpoint.pid, signal.SIGKILL)
    while daemon.status(folder)["running"]:
        time.sleep(0.01)


def python(code, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, **options)


def test_it_is_started_once_and_found_again(folder):
    first = daemon.ensure_running(folder)
    assert healthy(first)
    assert daemon.ensure_running(folder) == first
    assert first.data_dir == folder


@pytest.mark.alone
def test_finding_it_takes_less_than_50_ms_and_imports_no_database(folder):
    daemon.ensure_running(folder)
    code = (
        "import sys, time; from kfops.local import daemon\n"
        f"start = time.perf_counter(); daemon.ensure_running({str(folder)!r})\n"
        "print(time.perf_counter() - start, [name for name in ('sqlalchemy', 'tornado', 'kfp') if name in sys.modules])"
    )
    found = sorted(python(code).communicate()[0].strip().split(" ", 1) for _ in range(3))
    assert float(found[0][0]) < 0.05
    assert found[0][1] == "[]"


def test_what_it_writes_is_for_its_owner_only(folder):
    endpoint = daemon.ensure_running(folder)
    assert mode(folder) == 0o700
    for name in ("token", "connection.json", "kfops.db", "backend.log", "backend.lock"):
        assert mode(folder / name) == 0o600, name
    assert endpoint.token_path == folder / "token"
    announced = json.loads((folder / "connection.json").read_text())
    assert endpoint.token_path.read_text() not in json.dumps(announced)


def test_starting_it_from_many_processes_at_once_ends_with_one(folder):
    code = f"from kfops.local import daemon; e = daemon.ensure_running({str(folder)!r}); print(e.pid, e.url)"
    starters = [python(code) for _ in range(6)]
    answers = {starter.communicate(timeout=60)[0] for starter in starters}
    assert len(answers) == 1
    assert (folder / "backend.log").read_text().count(" serves ") == 1


def test_a_second_process_on_the_same_folder_gives_up_and_says_so(folder):
    daemon.ensure_running(folder)
    second = subprocess.run(
        [sys.executable, "-m", "kfops.local", "--data-dir", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert "Another embedded backend is running" in second.stderr
    assert healthy(daemon.ensure_running(folder))


def test_two_folders_have_two_backends(folder, tmp_path):
    first, second = daemon.ensure_running(folder), daemon.ensure_running(tmp_path / "other")
    try:
        assert first.url != second.url
        assert first.token_path.read_text() != second.token_path.read_text()
    finally:
        daemon.stop(tmp_path / "other")


def test_it_outlives_the_process_that_started_it(folder):
    code = f"from kfops.local import daemon; daemon.ensure_running({str(folder)!r})"
    assert python(code, start_new_session=True).wait(timeout=60) == 0
    assert daemon.status(folder)["running"] is True


def test_its_environment_has_none_of_the_callers_secrets(folder, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("JUPYTER_TOKEN", "hush")
    endpoint = daemon.ensure_running(folder)
    environment = Path(f"/proc/{endpoint.pid}/environ").read_bytes()
    assert b"hush" not in environment
    assert b"PATH=" in environment


def test_after_a_restart_it_is_at_the_same_address_with_the_same_token(folder):
    first = daemon.ensure_running(folder)
    token = first.token_path.read_text()
    assert daemon.stop(folder) is True
    assert not (folder / "connection.json").exists()
    second = daemon.ensure_running(folder)
    assert (second.url, second.token_path.read_text()) == (first.url, token)
    assert second.pid != first.pid


def test_after_kill_9_it_is_started_again(folder):
    first = daemon.ensure_running(folder)
    kill(first, folder)
    second = daemon.ensure_running(folder)
    assert second.pid != first.pid
    assert healthy(second)


def test_a_port_that_was_taken_meanwhile_is_left_alone(folder):
    import socket
    from urllib.parse import urlsplit

    port = urlsplit(daemon.ensure_running(folder).url).port
    daemon.stop(folder)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        assert urlsplit(daemon.ensure_running(folder).url).port != port


def test_a_connection_file_that_leads_to_something_else_is_not_believed(folder, tmp_path):
    other = daemon.ensure_running(tmp_path / "other")
    try:
        kill(daemon.ensure_running(folder), folder)
        facts = json.loads((folder / "connection.json").read_text())
        (folder / "connection.json").write_text(json.dumps({**facts, "url": other.url}))
        assert daemon.ensure_running(folder).url != other.url
        daemon.stop(folder)
        for text in ("", "{", "[]", '{"url": 1}'):
            (folder / "connection.json").write_text(text)
            assert healthy(daemon.ensure_running(folder))
            daemon.stop(folder)
    finally:
        daemon.stop(tmp_path / "other")


def test_stopping_what_does_not_run_is_not_an_error(folder):
    assert daemon.stop(folder) is False
    daemon.ensure_running(folder)
    assert daemon.stop(folder) is True
    assert daemon.stop(folder) is False
    assert daemon.status(folder)["running"] is False


def test_the_status_tells_what_there_is(folder):
    assert daemon.status(folder) == {
        "running": False,
        "data_dir": str(folder),
        "sizes": {"kfops.db": 0, "runs": 0, "artifacts": 0, "models": 0, "packages": 0},
        "settings": {"executor": "process", "engine": "auto", "secrets": "", "parallelism": 0},
    }
    endpoint = daemon.ensure_running(folder)
    found = daemon.status(folder)
    assert (found["running"], found["pid"], found["url"], found["active_runs"]) == (True, endpoint.pid, endpoint.url, 0)
    assert found["uptime"] >= 0
    assert found["sizes"]["kfops.db"] > 0


def test_reset_deletes_only_a_folder_of_ours(folder, tmp_path):
    daemon.ensure_running(folder)
    assert daemon.reset(folder) == folder
    assert not folder.exists()
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.txt").write_text("years of work")
    with pytest.raises(LocalBackendError, match="not deleted"):
        daemon.reset(foreign)
    with pytest.raises(LocalBackendError, match="holds other files"):
        daemon.ensure_running(foreign)
    assert (foreign / "chapter.txt").read_text() == "years of work"
    assert [path.name for path in foreign.iterdir()] == ["chapter.txt"]


def test_a_backend_that_cannot_start_tells_the_end_of_its_log(folder):
    daemon.ensure_running(folder)
    daemon.stop(folder)
    (folder / "kfops.db").write_bytes(b"this is no database, whatever it is called" * 100)
    with pytest.raises(LocalBackendError) as refused:
        daemon.ensure_running(folder)
    assert "not a database" in refused.value.why
    assert "backend.log" in refused.value.remedy


def test_data_of_a_newer_version_is_refused_and_kept(folder):
    import sqlite3

    daemon.ensure_running(folder)
    daemon.stop(folder)
    connection = sqlite3.connect(folder / "kfops.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(LocalBackendError) as refused:
        daemon.ensure_running(folder)
    assert "written by a newer kfops" in refused.value.why


def test_a_backend_of_another_version_is_replaced(folder, monkeypatch):
    first = daemon.ensure_running(folder)
    monkeypatch.setattr(daemon, "_installed_version", lambda: "99")
    second = daemon.ensure_running(folder)
    assert second.pid != first.pid


def test_a_backend_of_another_version_is_not_taken_from_under_a_run(folder, monkeypatch, workflow):
    first = daemon.ensure_running(folder)
    workflow["spec"]["templates"][1]["container"]["command"] = ["sh", "-c", "sleep 600"]
    body = {"name": "long", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
    request = urllib.request.Request(
        first.url + "/apis/v1beta1/runs",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {first.token_path.read_text()}"},
    )
    urllib.request.urlopen(request, timeout=10).close()
    monkeypatch.setattr(daemon, "_installed_version", lambda: "99")
    second = daemon.ensure_running(folder)
    assert second.pid == first.pid
    assert f"still of version {first.version}" in second.note


def test_a_backend_that_is_only_busy_is_waited_for(folder):
    first = daemon.ensure_running(folder)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        with pytest.raises(LocalBackendError, match=r"does not answer within 0\.3 s"):
            daemon.ensure_running(folder, timeout=0.3)
        waker = python(f"import os, time; time.sleep(2); os.kill({first.pid}, {int(signal.SIGCONT)})")
        assert daemon.ensure_running(folder) == first
        waker.communicate()
    finally:
        os.kill(first.pid, signal.SIGCONT)


@pytest.mark.alone
def test_it_starts_in_under_two_seconds_and_is_small_when_idle(folder):
    start = time.monotonic()
    endpoint = daemon.ensure_running(folder)
    assert time.monotonic() - start < 2  # measured 0.5 s; the margin is for machines that do other things
    memory = Path(f"/proc/{endpoint.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in memory.splitlines() if line.startswith("VmRSS"))
    assert resident < 80 * 1024
