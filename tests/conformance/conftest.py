"""A started embedded backend, and its own client: what every conformance test needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest

from kfops.local import daemon
from tests.fakes.caller import Caller


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[daemon.Endpoint]:
    folder = tmp_path_factory.mktemp("backend")
    yield daemon.ensure_running(folder)
    daemon.stop(folder)


@pytest.fixture(scope="module")
def caller(endpoint: daemon.Endpoint) -> Caller:
    return Caller(endpoint)


@pytest.fixture
def workflow() -> dict[str, Any]:
    """A workflow of one step that echoes its parameter."""
    return echo_workflow()


def echo_workflow(command: str = "echo $0") -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "echo-"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "word", "value": "hello"}, {"name": "unset", "value": ""}]},
            "templates": [
                {
                    "name": "main",
                    "inputs": {"parameters": [{"name": "word"}]},
                    "dag": {
                        "tasks": [
                            {
                                "name": "echo",
                                "template": "echo",
                                "arguments": {"parameters": [{"name": "word", "value": "{{inputs.parameters.word}}"}]},
                            }
                        ]
                    },
                },
                {
                    "name": "echo",
                    "inputs": {"parameters": [{"name": "word"}]},
                    "container": {
                        "image": "python:3.9",
                        "command": ["sh", "-c", command],
                        "args": ["{{inputs.parameters.word}}"],
                    },
                },
            ],
        },
    }


@pytest.fixture
def package(workflow: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "echo.yaml"
    path.write_text(json.dumps(workflow))
    return path
