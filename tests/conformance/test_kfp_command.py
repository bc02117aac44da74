"""Every command of the unmodified `kfp`, and what somebody sees who has never had a cluster."""

from __future__ import annotations

import io
import json
import re
import sys
import time
import uuid

import kfp
import pytest
from click import Group
from kfp.cli.cli import cli, main
from kfp.components import create_component_from_func

#: Needs gcloud, gsutil and kubectl, and looks at them and at the machine only.
NOT_OF_A_BACKEND = {"diagnose_me"}


def say(word: str) -> str:
    return word


@kfp.dsl.pipeline(name="says")
def says(word: str = "ha"):
    create_component_from_func(say)(word)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("package") / "says.yaml")
    kfp.compiler.Compiler().compile(says, path)
    return path


@pytest.fixture
def command(endpoint, tmp_path, monkeypatch, capsys):
    """Run the command in this process; importing kfp once for each would take minutes."""
    context = tmp_path / "context.json"
    header = f"Bearer {endpoint.token_path.read_text()}"
    context.write_text(
        json.dumps(
            {
                "namespace": "",
                "client_authentication_header_name": "authorization",
                "client_authentication_header_value": header,
            }
        )
    )
    monkeypatch.setattr(kfp.Client, "LOCAL_KFP_CONTEXT", str(context))
    monkeypatch.setenv("PATH", "/nowhere")
    called = set()

    def run(*words):
        called.add(" ".join(words[:2]))
        monkeypatch.setattr(sys, "argv", ["kfp", "--endpoint", endpoint.url, *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out + captured.err

    run.called = called
    return run


def said(answer, *words):
    code, output = answer
    assert code == 0, output
    for word in words:
        assert word in output
    return output


def id_in(text):
    return re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text).group()


def test_every_command_works(command, package):
    name = uuid.uuid4().hex
    experiment = id_in(said(command("experiment", "create", name, "-d", "about it"), name, "about it"))
    said(command("experiment", "list", "-m", "100"), experiment)
    said(command("experiment", "get", experiment), name)
    pipeline = id_in(said(command("pipeline", "upload", "-p", name, package), "word", "ha"))
    said(command("pipeline", "upload-version", "-p", pipeline, "-v", "two", package), "two")
    said(command("pipeline", "list-versions", pipeline), "two", name)
    said(command("pipeline", "list", "-m", "100"), pipeline)
    said(command("pipeline", "get", pipeline), "word")
    said(command("run", "submit", "-e", name, "-r", "by file", "-f", package, "-t", "60", "word=ho"), "Succeeded")
    run = id_in(said(command("run", "submit", "-e", name, "-r", "by name", "-n", name, "word=ho"), "by name"))
    said(command("run", "get", run), "by name")
    said(command("run", "list", "-e", experiment), "by file", "by name")
    said(command("pipeline", "delete", pipeline), "deleted")
    said(command("experiment", "delete", experiment), "deleted")
    assert command.called == {
        f"{group} {verb}"
        for group, found in cli.commands.items()
        if group not in NOT_OF_A_BACKEND
        for verb in (found.commands if isinstance(found, Group) else [""])
    }


def test_watching_without_argos_program_says_so_and_the_run_goes_on(command, package):
    code, output = command("run", "submit", "-e", "watched", "-f", package, "--watch")
    assert code == 1
    assert "argo isn't found" in output
    run = id_in(output)
    while "Succeeded" not in said(command("run", "get", run)):
        time.sleep(0.2)


def test_what_is_not_there_is_told_with_its_name(command):
    code, output = command("run", "get", "nobody")
    assert (code, "Run nobody not found." in output) == (1, True)
