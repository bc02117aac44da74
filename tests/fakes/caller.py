"""Asking an embedded backend as plain HTTP, and what tests of its API often ask."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kfops.local import daemon

V1 = "/apis/v1beta1"


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


def refused(answer, status, words):
    """Assert that a request was refused in the API server's form."""
    assert answer.status == status, answer.content
    body = answer.body
    assert words in body["error"]
    assert body["message"] == body["error"]
    assert isinstance(body["code"], int)
    assert body["details"][0]["@type"] == "type.googleapis.com/api.Error"


def make_pipeline(caller, workflow, name=None):
    answer = caller.upload(
        f"{V1}/pipelines/upload?name={quote(name or uuid.uuid4().hex)}", json.dumps(workflow).encode()
    )
    assert answer.status == 200, answer.content
    return answer.body


def make_run(caller, workflow, **fields):
    body = {"name": "run", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}, **fields}
    return caller.post(f"{V1}/runs", body)["run"]


def wait(caller, run_id, timeout=30):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        run = caller.get(f"{V1}/runs/{run_id}")["run"]
        if run.get("status") in ("Succeeded", "Failed", "Error"):
            return run
        time.sleep(0.05)
    raise AssertionError(f"the run has not ended: {run}")
