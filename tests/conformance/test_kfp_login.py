"""`kfops local login` and the unmodified `kfp` command of kfp 1.7.0."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from kfops.local import daemon

Run = Callable[..., "subprocess.CompletedProcess[str]"]
HEADER = "client_authentication_header_value"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def context(home: Path) -> Path:
    return home / ".config" / "kfp" / "context.json"


@pytest.fixture
def run(endpoint: daemon.Endpoint, home: Path) -> Run:
    """Run `kfops` or `kfp` as the user of that home; the token is nowhere in the output."""

    def run(*words: str, data_dir: Path = endpoint.data_dir) -> subprocess.CompletedProcess[str]:
        program = ["-m", "kfops"] if words[0] == "kfops" else [str(Path(sys.executable).parent / words[0])]
        found = subprocess.run(
            [sys.executable, *program, *words[1:]],
            env={
                "HOME": str(home),
                "PATH": os.environ["PATH"],
                "KFOPS_LOCAL_DIR": str(data_dir),
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "LC_ALL": "C.UTF-8",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert endpoint.token_path.read_text().strip() not in found.stdout
        return found

    return run


def test_kfps_command_works_between_login_and_logout(run: Run, endpoint: daemon.Endpoint, context: Path) -> None:
    listing = ("kfp", "--endpoint", endpoint.url, "experiment", "list")
    assert not context.exists()
    told = run("kfops", "local", "login")
    assert "--watch needs a cluster" in told.stdout
    assert f"kfp --endpoint {endpoint.url} pipeline list" in told.stdout
    assert str(context) in told.stdout
    assert stat.S_IMODE(context.stat().st_mode) == 0o600
    worked = run(*listing)
    assert worked.returncode == 0, worked.stdout
    assert "Default" in worked.stdout

    run("kfops", "local", "logout")
    assert not context.exists()
    refused = run(*listing)  # kfp tries five times, with five seconds after each
    assert refused.returncode == 1
    assert "kfops local login" in refused.stdout


def test_what_else_is_in_kfps_file_stays(run: Run, context: Path) -> None:
    context.parent.mkdir(parents=True)
    context.write_text('{"namespace": "team-a"}')
    run("kfops", "local", "login")
    assert json.loads(context.read_text())["namespace"] == "team-a"
    run("kfops", "local", "login")
    run("kfops", "local", "logout")
    assert json.loads(context.read_text()) == {"namespace": "team-a"}


@pytest.mark.parametrize("text", [json.dumps({"namespace": "a", HEADER: "Bearer of-a-cluster"}), "{not json"])
def test_a_file_with_other_credentials_or_other_text_is_left_alone(run: Run, context: Path, text: str) -> None:
    context.parent.mkdir(parents=True)
    context.write_text(text)
    told = run("kfops", "local", "login")
    assert told.returncode == 1
    assert str(context) in told.stdout
    run("kfops", "local", "logout")
    assert context.read_text() == text


def test_reset_takes_away_the_token_of_the_data_that_it_deletes(run: Run, context: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run("kfops", "local", "start", data_dir=other)
    run("kfops", "local", "login")
    kept = run("kfops", "local", "reset", "--yes", data_dir=other)
    assert kept.returncode == 0
    assert context.exists()

    known = run("kfops", "local", "login", data_dir=other)
    assert known.returncode == 0, known.stderr
    assert "gone from kfp's file" in run("kfops", "local", "reset", "--yes", data_dir=other).stdout
    assert not context.exists()
