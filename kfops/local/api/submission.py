"""From a workflow and a caller's parameters to the Workflow that is executed.

It does what the API server of Kubeflow Pipelines does to a workflow before it hands it to Argo.
"""

from __future__ import annotations

import json
import re
import secrets
import string
import time
from typing import Any, Mapping, Sequence

from ..problems import Invalid
from .macros import Macros

NAMESPACE = "kubeflow"
MAX_PARAMETERS_SIZE = 10_000
_SUFFIX = string.ascii_lowercase + string.digits
_OPTIONAL_OUTPUTS = ("mlpipeline-ui-metadata", "mlpipeline-metrics")


def v2_pipeline_name(workflow: dict[str, Any], name: str) -> None:
    """Give a v2-compatible workflow the name under which it has been uploaded, as its parameter ``pipeline-name``."""
    annotations = _mapping(workflow.get("metadata") or {}, "annotations")
    if annotations.get("pipelines.kubeflow.org/v2_pipeline") != "true":
        return
    for parameter in workflow["spec"]["arguments"]["parameters"]:
        if parameter["name"] == "pipeline-name":
            parameter["value"] = f"pipeline/{name}"


def parse_parameters(found: Sequence[Mapping[str, Any]], declared: Sequence[str]) -> list[dict[str, str]]:
    """Return a caller's parameters as ``{"name", "value"}``; raises Invalid for one that the workflow does not have."""
    parameters = []
    for parameter in found:
        name, value = parameter.get("name"), parameter.get("value", "")
        if not isinstance(name, str) or not isinstance(value, (str, type(None))):
            raise Invalid("A parameter must have a name and a value that are strings.")
        if name not in declared:
            raise Invalid(f"Unrecognized input parameter: {name}.", f"Known are: {', '.join(declared) or 'none'}.")
        parameters.append({"name": name, "value": value or ""})
    size = len(json.dumps(parameters).encode())
    if size > MAX_PARAMETERS_SIZE:
        raise Invalid(
            f"The input parameter length exceed maximum size of {MAX_PARAMETERS_SIZE}.", f"They take {size} bytes."
        )
    return parameters


def set_parameters(workflow: dict[str, Any], given: Sequence[Mapping[str, str]]) -> None:
    """Give a workflow's parameters the values that a caller gives them."""
    values = {parameter["name"]: parameter["value"] for parameter in given}
    for parameter in workflow["spec"]["arguments"]["parameters"]:
        if parameter["name"] in values:
            parameter["value"] = values[parameter["name"]]


def expand_macros(workflow: dict[str, Any], macros: Macros) -> None:
    """Write out the macros in the values of a workflow's parameters."""
    for parameter in workflow["spec"]["arguments"]["parameters"]:
        if isinstance(parameter.get("value"), str):
            parameter["value"] = macros.expand(parameter["value"])


def prepare(
    workflow: dict[str, Any],
    *,
    run_id: str,
    run_name: str,
    created_at: int,
    name: str = "",
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the Workflow to execute, ready for the engine; ``workflow``, with its parameters set, is used up.

    ``created_at`` is in microseconds since 1970. ``name`` is the Workflow's, made of its own unless given.
    """
    prepared = workflow
    prepared["spec"].setdefault("serviceAccountName", "pipeline-runner")
    for template in prepared["spec"].get("templates", []):
        if isinstance(template, dict):
            _mark_template(template)
    pods = _mapping(prepared["spec"], "podMetadata")
    prepared["spec"]["podMetadata"] = {**pods, "labels": {**_mapping(pods, "labels"), "pipeline/runid": run_id}}
    metadata = prepared.get("metadata") or {}
    prepared["metadata"] = _metadata(metadata, name or _name(metadata), run_id, run_name, created_at)
    prepared["metadata"]["labels"].update(labels or {})
    prepared.pop("status", None)
    # As text, because that is how the real server does it: everywhere, names of templates and sources of code included.
    return json.loads(json.dumps(prepared).replace("{{workflow.uid}}", run_id))  # type: ignore[no-any-return]


def _name(metadata: dict[str, Any]) -> str:
    prefix = metadata.get("generateName") or (f"{metadata['name']}-" if metadata.get("name") else "workflow-")
    prefix = re.sub("[^a-z0-9.-]+", "-", str(prefix).lower()).lstrip("-.")[:57]
    return prefix + random_suffix()


def random_suffix() -> str:
    """Return what Kubernetes puts behind a ``generateName``."""
    return "".join(secrets.choice(_SUFFIX) for _ in range(5))


def _metadata(metadata: dict[str, Any], name: str, run_id: str, run_name: str, created_at: int) -> dict[str, Any]:
    return {
        **{key: value for key, value in metadata.items() if key != "generateName"},
        "name": name,
        "namespace": NAMESPACE,
        "uid": run_id,
        "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created_at // 1_000_000)),
        "labels": {**_mapping(metadata, "labels"), "pipeline/runid": run_id},
        "annotations": {**_mapping(metadata, "annotations"), "pipelines.kubeflow.org/run_name": run_name},
    }


def _mark_template(template: dict[str, Any]) -> None:
    """Add what the server adds to every template, and make its own two outputs optional."""
    metadata = _mapping(template, "metadata")
    template["metadata"] = {
        **metadata,
        "annotations": {"sidecar.istio.io/inject": "false", **_mapping(metadata, "annotations")},
        "labels": {**_mapping(metadata, "labels"), "pipelines.kubeflow.org/cache_enabled": "true"},
    }
    outputs = template.get("outputs")
    artifacts = outputs.get("artifacts") if isinstance(outputs, dict) else None
    for artifact in artifacts if isinstance(artifacts, list) else []:
        if isinstance(artifact, dict) and artifact.get("name") in _OPTIONAL_OUTPUTS:
            artifact["optional"] = True


def _mapping(owner: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the mapping called ``name``, {} when it is absent; raises Invalid when it is something else."""
    found = owner.get(name) or {}
    if not isinstance(found, dict):
        raise Invalid(f"The workflow's {name} must be a mapping.")
    return found
