"""What is chosen in one place counts everywhere in the project, is kept, and can be undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest
from click.testing import CliRunner, Result
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config as ShellConfig

import kfops
from kfops import choices, config
from kfops.cli.command import commands
from kfops.connection import connect
from kfops.errors import ConfigError, InvalidInput
from kfops.local import daemon
from kfops.serving.connections import Connections
from kfops.serving.methods import table
from tests.fakes.faulty_server import HEALTHY, FaultyServer, answering, answering_json, serving


@pytest.fixture
def cluster(nowhere: Path, tmp_path: Path) -> Iterator[FaultyServer]:
    """A cluster that config.yaml of the working folder names; the embedded backend is stopped when the test is over."""
    with serving(answering_json(HEALTHY)) as server:
        (nowhere / "config.yaml").write_text(f"connection: {{host: {server.url}}}  # ours\n")
        yield server
    daemon.stop(tmp_path / "local")


def command(*words: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(commands, list(words), prog_name="kfops")


def test_a_choice_goes_before_config_yaml_until_it_is_undone(cluster: FaultyServer) -> None:
    assert connect().status().use == "auto"
    found = kfops.use("embedded")
    assert (found.kind, found.use, found.cluster, found.error) == ("embedded", "embedded", cluster.url, None)
    assert connect().kind == "embedded"
    assert (kfops.use("cluster").kind, connect().kind) == ("cluster", "cluster")
    assert (kfops.use("auto").use, connect().host) == ("auto", cluster.url)


def test_a_choice_leaves_config_yaml_alone_and_holds_for_its_project_only(cluster: FaultyServer, nowhere: Path) -> None:
    before = (nowhere / "config.yaml").read_bytes()
    kfops.use("embedded")
    assert (nowhere / "config.yaml").read_bytes() == before
    (nowhere / "below").mkdir()
    assert config.load(start=nowhere / "below").backend == "embedded"
    other = nowhere / "below" / "config.yaml"
    other.write_text("pipeline: {name: other}\n")
    assert config.load(other).backend == "auto"
    assert config.load(start=nowhere.parent).backend == "auto"


def test_an_argument_goes_before_the_choice(cluster: FaultyServer) -> None:
    kfops.use("embedded")
    assert connect(host=cluster.url).kind == "cluster"
    assert connect(kind="cluster").host == cluster.url


def test_a_cluster_that_nothing_names_cannot_be_chosen(nowhere: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        kfops.use("cluster")
    assert "connection" in caught.value.remedy
    assert config.load().chosen == "auto"
    with pytest.raises(InvalidInput):
        kfops.use("elsewhere")


def test_a_cluster_that_does_not_let_us_in_stays_chosen_and_says_why(nowhere: Path) -> None:
    with serving(answering(403, "RBAC: access denied")) as server:
        (nowhere / "config.yaml").write_text(f"connection: {{kind: embedded, host: {server.url}}}\n")
        found = kfops.use("cluster")
        assert (found.kind, found.use, found.host) == ("cluster", "cluster", server.url)
        assert found.error is not None
        assert "PodDefault" in found.error["remedy"]
        assert config.load().backend == "cluster"


def test_a_choice_that_cannot_be_read_is_none(cluster: FaultyServer, tmp_path: Path) -> None:
    kfops.use("embedded")
    (kept,) = (tmp_path / "home" / ".config" / "kfops" / "backends").iterdir()
    kept.write_text("{")
    assert config.load().chosen == "auto"


def test_a_choice_that_cannot_be_kept_says_what_to_do_instead(tmp_path: Path, nowhere: Path) -> None:
    (tmp_path / "home" / ".config").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "kfops").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be kept") as caught:
        choices.choose(nowhere / "config.yaml", "embedded")
    assert "kind: embedded" in caught.value.remedy


def test_the_command_chooses_and_says_what_is_chosen(cluster: FaultyServer) -> None:
    chosen = command("use", "embedded")
    assert chosen.exit_code == 0, chosen.stderr
    assert "embedded backend" in chosen.stdout
    assert "kfops use auto" in command("status").stdout
    assert json.loads(command("use", "auto", "--json").stdout)["kind"] == "cluster"
    assert "Chosen" not in command("status").stdout


def test_the_command_refuses_a_cluster_that_nothing_names(nowhere: Path) -> None:
    refused = command("use", "cluster")
    assert refused.exit_code == 1
    assert "No cluster is named here." in refused.stderr


@pytest.fixture
def shell(nowhere: Path) -> Iterator[Any]:
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance(config=ShellConfig({"HistoryManager": {"enabled": False}}))
    made.run_line_magic("load_ext", "kfops_lab")
    yield made
    InteractiveShell.clear_instance()


def shown(shell: Any, line: str) -> str:
    with capture_output() as captured:
        shell.run_cell(line).raise_error()
    return "\n".join(output.data["text/plain"] for output in captured.outputs)


def test_a_notebook_chooses_and_follows_what_is_chosen_elsewhere(cluster: FaultyServer, shell: Any) -> None:
    assert "Embedded backend" in shown(shell, "%kfops use embedded")
    assert "%kfops use auto" in shown(shell, "%kfops status")
    kfops.use("cluster")
    asked = len(cluster.asked)
    shown(shell, "%kfops runs")
    assert any("/runs" in request.target for request in cluster.asked[asked:])


class Call:
    def __init__(self) -> None:
        self.lines: list = []

    def log_line(self, line: str) -> None:
        self.lines.append(line)

    def check(self) -> None:
        pass


def test_a_watched_list_ends_when_another_backend_is_chosen(cluster: FaultyServer, nowhere: Path) -> None:
    worker = table(None, Connections())  # type: ignore[arg-type]
    assert worker["status"](Call(), str(nowhere))["kind"] == "cluster"
    call = Call()
    call.check = lambda: choices.choose(nowhere / "config.yaml", "embedded")  # type: ignore[method-assign]
    worker["runs.watch"](call, str(nowhere), "")
    assert call.lines[-1] == "switched"
    found = worker["connection.use"](Call(), str(nowhere), "auto")
    assert (found["kind"], found["use"], found["cluster"]) == ("cluster", "auto", cluster.url)
