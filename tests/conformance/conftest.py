"""A started embedded backend, and its own client: what every conformance test needs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

from kfops.local import daemon


@dataclass(frozen=True)
class Answer:
    """What the backend answered."""

    status: int
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Caller:
    """Asks the backend as plain HTTP, so that a test sees what goes over the wire."""

    endpoint: daemon.Endpoint

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        token = self.endpoint.token_path.read_text() if token is None else token
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint.url + path, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read())

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.content
        return answer.body

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.ask("POST", path, body if body is not None else {})
        assert answer.status == 200, answer.content
        return answer.body

    def upload(self, path: str, content: bytes, filename: str = "p.yaml") -> Answer:
        boundary = "a1b2c3d4e5"
        form = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="uploadfile"; filename="{filename}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        return self.ask(
            "POST",
            path,
            form + content + f"\r\n--{boundary}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )


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
