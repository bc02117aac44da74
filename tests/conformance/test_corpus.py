"""Every workflow of the corpus ends as it does on Kubeflow Pipelines, or is refused by name before it starts.

The corpus is not part of the project: it is `../shared/corpus`, seen from the checkout. When it is absent there is
one test here, skipped, that says so; the same features are tested by test_engine*.py.
"""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from kfops.errors import InvalidInput, UnsupportedWorkflow
from kfops.local.engine import check
from tests.fakes.engine import Ended, executed

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
#: What runs on one machine as it does on a cluster; the rest asks for more than that and may be refused instead.
EXACT = ("runs", "fails-by-design", "needs-pypi")
ABSENT = ("gcloud", "gsutil", "kubectl", "nginx")


@dataclass(frozen=True)
class Line:
    """A line of the index."""

    file: str
    kind: str
    arguments: dict[str, str]
    phases: tuple[str, ...]
    run: str
    skipped: str

    def workflow(self) -> dict[str, Any]:
        with (CORPUS / self.file).open() as file:
            loaded = yaml.safe_load(file)
        for parameter in loaded["spec"].get("arguments", {}).get("parameters", []):
            if parameter["name"] in self.arguments:
                parameter["value"] = self.arguments[parameter["name"]]
        return loaded  # type: ignore[no-any-return]


def _lines() -> list[Line]:
    index = CORPUS / "INDEX.tsv"
    if not index.is_file():
        return []
    with index.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Line(
            row["file"],
            row["class"],
            json.loads(row["arguments"]),
            tuple(row["expected_phase"].split("|")),
            row["expected_steps_run"],
            row["expected_steps_skipped"],
        )
        for row in rows
    ]


LINES = _lines()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give steps the machine that the corpus is judged for: no package index, and none of the programs of clouds."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # a step does not see what is below /tmp
        for program in ABSENT:
            (Path(folder) / program).write_text(f"#!/bin/sh\necho {program}: not found >&2\nexit 127\n")
            (Path(folder) / program).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        yield


def _name(line: Line) -> str:
    return line.file + ("" if line.arguments == {} else "-with-arguments")


@pytest.mark.needs("corpus")
def test_the_corpus_has_workflows_of_every_class() -> None:
    assert {line.kind for line in LINES} >= {*EXACT, "needs-image", "needs-network", "needs-kubernetes"}


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("line", [line for line in LINES if line.kind != "needs-pypi"], ids=_name)
def test_a_workflow_ends_as_on_kubeflow_pipelines(line: Line, tmp_path: Path) -> None:
    workflow = line.workflow()
    refusal = _refusal(workflow)
    if refusal is None:
        assert line.phases != ("refused",)
        _hold(line, workflow, tmp_path)
    elif isinstance(refusal, UnsupportedWorkflow):
        assert line.kind not in EXACT, refusal
        assert refusal.details["features"]
    else:
        assert line.phases == ("refused",), refusal


def _refusal(workflow: dict[str, Any]) -> InvalidInput | UnsupportedWorkflow | None:
    try:
        check(workflow)
    except (InvalidInput, UnsupportedWorkflow) as refusal:
        return refusal
    return None


@pytest.mark.needs("package index")
@pytest.mark.parametrize("line", [line for line in LINES if line.kind == "needs-pypi"], ids=_name)
def test_a_workflow_that_installs_packages_ends_as_on_kubeflow_pipelines(line: Line, tmp_path: Path) -> None:
    _hold(line, line.workflow(), tmp_path)


def _hold(line: Line, workflow: dict[str, Any], folder: Path) -> None:
    """Execute a workflow and compare its end, and the steps that ran and were left out, with those of the index."""
    ended = executed(workflow, folder)
    explanation = _explain(ended)
    assert ended.phase in line.phases, explanation
    assert _unexpected(line, ended) == [], explanation
    assert _missing(line, ended) == [], explanation
    assert _wrongly_left_out(line, ended) == [], explanation


def _steps(listed: str) -> list[tuple[str, bool, bool]]:
    """Return name, whether it fails, and whether it may be absent, for each step of a column."""
    found = []
    for item in listed.split(", "):
        match = re.fullmatch(r"([\w.()-]+?)(\(Failed\)|\(omitted\))?(\?)?", item.strip())
        if match and item.strip() != "-":
            found.append((match.group(1), match.group(2) == "(Failed)", match.group(3) == "?"))
    return found


def _path(node: dict[str, Any]) -> str:
    """Return a node's path as the index writes it: without the workflow's name and the items of loops."""
    _, _, path = str(node["name"]).partition(".")
    return re.sub(r"\((\d+):[^)]*\)", r"(\1)", path)


def _run(ended: Ended) -> dict[str, str]:
    """Return the phases of the steps that were started, a retried step once."""
    nodes = ended.status["nodes"].values()
    retried = {node["name"]: node for node in nodes if node["type"] == "Retry"}
    run = {}
    for node in nodes:
        name = node["name"]
        if node["type"] == "Pod" and re.sub(r"\(\d+\)$", "", name) not in retried:
            run[_path(node)] = node["phase"]
    run.update({_path(node): node["phase"] for node in retried.values()})
    return run


def _unexpected(line: Line, ended: Ended) -> list[str]:
    expected = {name for name, _, _ in _steps(line.run)}
    if "recursive" in line.file:  # its rounds are drawn; the index names those of the first
        rounds = re.compile(r"(graph-flip-component-1\.condition-2\.)+")
        return [name for name in _run(ended) if rounds.sub(r"\1", name) not in expected]
    return [name for name in _run(ended) if name not in expected]


def _missing(line: Line, ended: Ended) -> list[str]:
    run = _run(ended)
    wrong = []
    for name, fails, optional in _steps(line.run):
        if name not in run:
            wrong += [] if optional else [f"{name} did not run"]
        elif (run[name] != "Succeeded") != fails and not ("Failed" in line.phases and "Succeeded" in line.phases):
            wrong.append(f"{name} ended {run[name]}")
    return wrong


def _wrongly_left_out(line: Line, ended: Ended) -> list[str]:
    left_out = {_path(node): node["phase"] for node in ended.status["nodes"].values()}
    wrong = []
    for item in line.skipped.split(", "):
        match = re.fullmatch(r"([\w.()-]+?)(\(omitted\))?", item.strip())
        if match and match.group(1) != "-":
            phase = "Omitted" if match.group(2) else "Skipped"
            if left_out.get(match.group(1)) != phase:
                wrong.append(f"{match.group(1)} is {left_out.get(match.group(1))}, not {phase}")
    return wrong


def _explain(ended: Ended) -> str:
    lines = [f"{ended.phase}: {ended.status.get('message')}"]
    for node in ended.status["nodes"].values():
        lines.append(f"{_path(node)} {node['type']} {node['phase']} {node.get('message', '')}")
        log = ended.folder / node["id"] / "main.log"
        if node["phase"] in ("Failed", "Error") and log.exists():
            lines.append(log.read_text()[-1500:])
    return "\n".join(lines)
