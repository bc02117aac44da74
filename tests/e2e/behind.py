"""The embedded backend of a JupyterLab, spoken to behind the panel's back."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import quote

from tests.e2e.conftest import LabServer


class Backend:
    """The backend that the panel talks to; it runs once the panel has been opened."""

    def __init__(self, lab: LabServer) -> None:
        self._url = json.loads((lab.local_dir / "connection.json").read_text())["url"]
        self._token = (lab.local_dir / "token").read_text().strip()

    def post(self, path: str, body: dict[str, Any] | bytes | None = None, **headers: str) -> dict[str, Any]:
        """Send something to the API and return its answer."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        sent = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{self._url}/apis/v1beta1/{path}", data, sent)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def start(self, name: str, workflow: dict[str, Any]) -> str:
        """Start a run and return its id."""
        spec = {"workflow_manifest": json.dumps(workflow)}
        return str(self.post("runs", {"name": name, "pipeline_spec": spec})["run"]["id"])

    def run(self, version: str, name: str) -> str:
        """Run a version and return the run's id."""
        reference = {"key": {"type": "PIPELINE_VERSION", "id": version}, "relationship": "CREATOR"}
        return str(self.post("runs", {"name": name, "resource_references": [reference]})["run"]["id"])

    def upload(self, name: str, workflow: dict[str, Any], pipeline_id: str = "") -> str:
        """Upload a pipeline, or a version of one, and return its id."""
        edge = "kfops-test"
        form = f'--{edge}\r\nContent-Disposition: form-data; name="uploadfile"; filename="p.yaml"\r\n\r\n'
        body = form.encode() + json.dumps(workflow).encode() + f"\r\n--{edge}--\r\n".encode()
        place = f"upload_version?pipelineid={pipeline_id}&name=" if pipeline_id else "upload?name="
        answer = self.post(
            f"pipelines/{place}{quote(name)}", body, **{"Content-Type": f"multipart/form-data; boundary={edge}"}
        )
        return str(answer["id"])


def shell_workflow(commands: dict[str, str], name: str = "seen", **spec: Any) -> dict[str, Any]:
    """Return a workflow with a shell step for each command, one after another."""
    steps = list(commands)
    tasks = [
        {"name": step, "template": step, **({"dependencies": [steps[number - 1]]} if number else {})}
        for number, step in enumerate(steps)
    ]
    templates = [
        {"name": step, "container": {"image": "none", "command": ["sh", "-c", commands[step]]}} for step in steps
    ]
    annotations = {"pipelines.kubeflow.org/pipeline_spec": json.dumps({"name": name})}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": f"{name}-", "annotations": annotations},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "dag": {"tasks": tasks}}, *templates], **spec},
    }
