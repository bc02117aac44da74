"""Where nothing names a cluster, the embedded backend is started, used and found again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Iterator, List

import pytest
from click.testing import CliRunner

from kfops.cli.command import commands
from kfops.connection import connect
from kfops.errors import InvalidInput
from kfops.local import daemon
from kfops.runs import run, wait

PIPELINE = """\
from kfp import dsl
from kfp.components import create_component_from_func


def wait_a_little(seconds: float):
    import time
    time.sleep(seconds)
    print("waited", seconds)


@dsl.pipeline(name="waiting")
def waiting(seconds: float = 0.1):
    create_component_from_func(wait_a_little)(seconds)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """The folder that KFOPS_LOCAL_DIR names, its backend stopped when the test is over."""
    yield tmp_path / "local"
    daemon.stop(tmp_path / "local")


def kfops(*words: str) -> str:
    result = CliRunner(mix_stderr=False).invoke(commands, list(words), prog_name="kfops")
    assert result.exit_code == 0, result.stdout + result.stderr
    return result.stdout


def test_the_embedded_backend_is_what_is_left(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "ann")
    monkeypatch.setenv("LOGNAME", "ann")
    connection = connect()
    assert (connection.kind, connection.identity, connection.multi_user) == ("embedded", "ann", False)
    assert connection.required_namespace() == ""
    assert connect().host == connection.host
    assert (data_dir / "token").read_text().strip() not in repr(connection) + json.dumps(connection.status().to_dict())


def test_its_token_in_the_environment_names_no_cluster(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = connect()
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(data_dir / "token"))
    assert connect().host == first.host
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", first.host)
    assert connect().kind == "embedded"


def test_it_is_taken_when_it_is_asked_for_whatever_the_environment_says(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:9")
    assert connect(kind="embedded").kind == "embedded"
    with pytest.raises(InvalidInput):
        connect(kind="embedded", host="http://127.0.0.1:9")


def test_the_commands_of_local_start_show_stop_and_delete_it(data_dir: Path) -> None:
    assert "stopped" in kfops("local", "status")
    assert f"KF_PIPELINES_SA_TOKEN_PATH={data_dir / 'token'}" in kfops("local", "start")
    assert json.loads(kfops("local", "status", "--json"))["running"] is True
    assert kfops("local", "stop") == "Stopped.\n"
    assert kfops("local", "stop") == "It was not running.\n"
    assert data_dir.exists()
    refused = CliRunner().invoke(commands, ["local", "reset"], input="n\n")
    assert refused.exit_code == 1
    assert data_dir.exists()
    kfops("local", "reset", "--yes")
    assert not data_dir.exists()


def test_a_file_becomes_a_package_a_version_and_a_run(data_dir: Path, nowhere: Path) -> None:
    (nowhere / "waiting.py").write_text(PIPELINE)
    compiled = kfops("compile", "waiting.py", "-o", "package.yaml")
    assert "seconds    float  0.1" in compiled
    assert (nowhere / "package.yaml").read_text().startswith("apiVersion:")
    (nowhere / "config.yaml").write_text(
        "pipeline:\n  name: mine\n  pipeline_path: waiting.py\n  pipeline_execution_mode: V1_LEGACY\n"
    )
    assert "version 1" in kfops("upload")
    ran = json.loads(kfops("run", "--wait", "--json", "seconds=0.25"))
    assert (ran["state"], ran["pipeline_name"], ran["parameters"]) == ("succeeded", "mine", {"seconds": "0.25"})
    assert "waited 0.25" in kfops("logs", ran["id"])


def test_waiting_goes_on_over_the_death_of_the_backend(data_dir: Path, nowhere: Path) -> None:
    (nowhere / "waiting.py").write_text(PIPELINE)
    version = json.loads(kfops("upload", "waiting.py", "--json"))
    connection = connect()
    started = run(version["id"], parameters={"seconds": 1.5}, connection=connection)
    states: List[str] = []

    def kill() -> None:
        while "running" not in states:
            time.sleep(0.05)
        os.kill(daemon.status()["pid"], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    ended = wait(started, timeout=60, on_update=lambda now: states.append(now.state), connection=connection)
    killer.join(5)
    assert not killer.is_alive()
    assert ended.state == "succeeded"


def test_a_backend_that_took_the_place_of_a_killed_one_is_not_taken_for_it(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The killed one's connection.json is read a moment before the other one, on the same port, removes it."""
    first = daemon.ensure_running(data_dir)
    os.kill(first.pid, signal.SIGKILL)
    ask = daemon._ask

    def answered_by_another(*asked: object) -> object:
        monkeypatch.setattr(daemon, "_ask", ask)
        (data_dir / "connection.json").unlink()
        return {}

    monkeypatch.setattr(daemon, "_ask", answered_by_another)

    second = daemon.ensure_running(data_dir)

    assert second.pid != first.pid
    os.kill(second.pid, 0)
