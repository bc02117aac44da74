"""The kfops command says what there is, ends with the right code, and shows errors without a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from click.testing import CliRunner, Result

from kfops.cli.command import commands
from kfops.pipelines import upload
from kfops.runs import list_runs
from tests.fakes.backend import ScriptedBackend, scripted_backend
from tests.fakes.faulty_server import answering, serving
from tests.fakes.packages import package

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedBackend]:
    with scripted_backend(tmp_path / "backend") as found:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", found.connection.host)
        monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "backend" / "token"))
        yield found


def kfops(*words: str, ends_with: int = 0, **options: Any) -> Result:
    """Return what the command writes, having checked how it ends and that no traceback is shown."""
    result = CliRunner(mix_stderr=False).invoke(commands, list(words), prog_name="kfops", **options)
    assert result.exit_code == ends_with, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    return result


def started(backend: ScriptedBackend, *words: str) -> str:
    """Return the id of a run that the command has started."""
    upload(package(), connection=backend.connection)
    return json.loads(kfops("run", "churn", "data=x", "--json", *words).stdout)["id"]


def test_status_shows_the_connection_as_text_and_as_json(backend: ScriptedBackend) -> None:
    text = kfops("status").stdout
    assert backend.connection.host in text
    assert "kfp 1.7.0" in text
    data = json.loads(kfops("status", "--json").stdout)
    assert data["kind"] == "embedded"
    assert data["error"] is None


def test_an_error_is_its_message_its_cause_and_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(403, "RBAC: access denied")) as server:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", server.url)
        result = kfops("status", ends_with=1)
    assert result.stdout == ""
    assert "Error: The service mesh denies access" in result.stderr
    assert "PodDefault.yaml" in result.stderr


def test_an_error_is_shown_without_waiting_for_kfp() -> None:
    code = (
        "import sys\nfrom kfops.cli import main\nsys.argv[1:] = ['status']\n"
        "try:\n    main()\nexcept SystemExit as end:\n"
        "    print(end.code, [m for m in ('kfp', 'kubernetes', 'minio') if m in sys.modules])"
    )
    environment = {"KF_PIPELINES_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(ROOT), "PATH": ""}
    begin = time.monotonic()
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert ran.stdout.strip() == "1 []"
    assert "Nothing listens" in ran.stderr
    assert time.monotonic() - begin < 30


def test_without_the_pipeline_environment_the_command_says_what_to_install() -> None:
    code = "import sys\nsys.modules['click'] = None\nfrom kfops.cli import main\nmain()"
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "has no click" in ran.stderr
    assert "pip install 'kfops-lab[kernel]'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("words", [["nonsense"], ["runs", "--limit", "x"], ["run", "a", "b"], ["materialize", "."]])
def test_a_mistake_in_the_command_line_ends_with_2(words: List[str], backend: ScriptedBackend) -> None:
    assert "Usage:" in kfops(*words, ends_with=2).stderr


def test_python_m_kfops_is_the_same_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "kfops", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.startswith("Usage: kfops ")


def test_help_lists_every_verb() -> None:
    text = kfops("--help").stdout
    listed = text.split("Commands:")[1].splitlines()
    verbs = {line.split()[0] for line in listed if line.startswith("  ") and not line.startswith("   ")}
    assert verbs == {
        *("status", "use", "compile", "upload", "build", "run", "runs", "logs", "stop", "retry"),
        *("recurring", "models", "materialize", "local"),
    }


def test_a_run_is_started_by_the_name_of_its_pipeline(backend: ScriptedBackend) -> None:
    upload(package(), connection=backend.connection)
    newest = upload(package(), connection=backend.connection)
    text = kfops("run", "churn", "data=x", "rate=0.5").stdout
    (run,), _ = list_runs(backend.connection)
    assert run.id in text
    assert run.version_id == newest.id
    assert run.parameters["rate"] == "0.5"


def test_a_run_is_started_by_the_id_of_its_version_or_by_config_yaml(backend: ScriptedBackend, nowhere: Path) -> None:
    first = upload(package(), connection=backend.connection)
    upload(package(), connection=backend.connection)
    kfops("run", first.id, "data=x")
    (nowhere / "config.yaml").write_text("pipeline:\n  name: churn\n  pipeline_args: {data: y}\n")
    kfops("run")
    runs, _ = list_runs(backend.connection)
    assert [run.version_name for run in runs] == ["version 2", "version 1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "Which pipeline"),
        (["run", "unknown"], "neither a pipeline nor a version 'unknown'"),
        (["run", "gone.py"], "There is no file gone.py"),
        (["run", "churn", "dat=x"], "Did you mean data?"),
        (["runs", "unknown"], "Run unknown not found"),
        (["logs", "unknown"], "Run unknown not found"),
        (["stop", "unknown"], "Run unknown not found"),
        (["retry", "unknown"], "unknown"),
        (["compile"], "Which file"),
    ],
)
def test_what_cannot_be_is_said_and_ends_with_1(words: List[str], message: str, backend: ScriptedBackend) -> None:
    upload(package(), connection=backend.connection)
    assert message in kfops(*words, ends_with=1).stderr


def test_waiting_shows_the_steps_and_ends_as_the_run_does(backend: ScriptedBackend) -> None:
    upload(package(), connection=backend.connection)
    backend.on_submit = lambda run_id: backend.script(run_id, "Succeeded", {"prepare": ("Succeeded", "")})
    text = kfops("run", "churn", "data=x", "--wait").stdout
    assert "succeeded   prepare  (20 s)" in text
    assert "State  succeeded" in text
    backend.on_submit = lambda run_id: backend.script(run_id, "Failed", {"train": ("Failed", "Error (exit code 7)")})
    result = kfops("run", "churn", "data=x", "--wait", ends_with=1)
    assert "train: exit code 7" in result.stderr
    assert "kfops logs" in result.stderr


def test_an_interrupted_wait_leaves_the_run_alone(backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(package(), connection=backend.connection)
    monkeypatch.setattr("kfops.cli.show.Progress.__call__", _raise_interrupt)
    assert "The run goes on" in kfops("run", "churn", "data=x", "--wait", ends_with=130).stderr
    assert [run.state for run in list_runs(backend.connection)[0]] == ["pending"]


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_runs_are_listed_and_one_is_shown_with_its_steps(backend: ScriptedBackend) -> None:
    assert "No runs yet" in kfops("runs").stdout
    run_id = started(backend)
    backend.move(run_id, "Failed", {"prepare": ("Succeeded", ""), "train": ("Failed", "Error (exit code 1)")})
    lines = kfops("runs").stdout.splitlines()
    assert lines[0].split() == ["RUN", "STATE", "STARTED", "TIME", "ID"]
    assert run_id in lines[1]
    detail = kfops("runs", run_id).stdout
    assert "train: exit code 1" in detail
    assert detail.index("prepare") < detail.rindex("train")
    data = json.loads(kfops("runs", "--json").stdout)
    assert [run["id"] for run in data] == [run_id]
    assert json.loads(kfops("runs", run_id, "--json").stdout)["state"] == "failed"


def test_the_log_is_that_of_the_step_or_of_the_one_that_failed(backend: ScriptedBackend) -> None:
    run_id = started(backend)
    backend.move(run_id, "Failed", {"prepare": ("Succeeded", ""), "train": ("Failed", "Error (exit code 1)")})
    backend.write_log(run_id, "prepare", "prepared\n")
    backend.write_log(run_id, "train", "no memory")
    assert kfops("logs", run_id).stdout == "no memory\n"
    assert kfops("logs", run_id, "prepare").stdout == "prepared\n"
    assert "Its steps are prepare, train" in kfops("logs", run_id, "prepar", ends_with=1).stderr


def test_a_log_that_is_followed_ends_with_its_step(backend: ScriptedBackend) -> None:
    run_id = started(backend)
    backend.move(run_id, "Running", {"prepare": ("Running", "")})
    backend.write_log(run_id, "prepare", "one\n")

    def end() -> None:
        time.sleep(0.5)
        backend.write_log(run_id, "prepare", "one\ntwo\n")
        backend.move(run_id, "Running", {"prepare": ("Succeeded", "")})

    threading.Thread(target=end, daemon=True).start()
    assert kfops("logs", run_id, "prepare", "--follow").stdout == "one\ntwo\n"


def test_a_run_is_stopped(backend: ScriptedBackend) -> None:
    run_id = started(backend)
    assert kfops("stop", run_id).stdout == "The run is stopped.\n"
