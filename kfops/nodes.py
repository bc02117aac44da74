"""What one Argo node, and the template it ran, say about a step: state, reason, inputs and outputs.

Only facts about a single step live here; how steps hang together is ``graph.py``.
"""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

from kfops.types import Artifact

#: Parameters that kfp adds to every v2-compatible step; they say nothing about the pipeline.
INJECTED = frozenset({"pipeline-name", "pipeline-output-directory", "pipeline-root"})

#: Longer values are cut: a graph is a picture, the artifact holds the whole.
LONGEST_VALUE = 2000

_PHASES = {
    "": "pending",
    "Pending": "pending",
    "Running": "running",
    "Succeeded": "succeeded",
    "Skipped": "skipped",
    "Failed": "failed",
    "Error": "failed",
    "Omitted": "omitted",
}
_EXIT_CODE = re.compile(r"exit (?:code|status) (\d+)")
_STOPPED = re.compile(r"^(?:terminated$|workflow shutdown with strategy)", re.I)
_CACHED_FROM = re.compile(r"Cached from run (\S+)$")
_STORED_BY = re.compile(r"artifacts/([^/]+)/")
_PATH_NAME = re.compile(r"^/tmp/(?:inputs|outputs)/([^/]+)/data$")
_PLACEHOLDER = re.compile(r"\{\{(?:inputs|workflow)\.parameters\.([^}]+)\}\}")
_ANY_PLACEHOLDER = re.compile(
    r'"?\{\{(?:inputs\.parameters|tasks\.[^.}]+\.outputs\.parameters|workflow\.parameters)\.([^}]+)\}\}"?'
)


def state_of(node: Mapping[str, Any], *, terminated: bool = False) -> str:
    """Return the state of a node in kfops' words; ``terminated`` is whether the run was asked to stop."""
    state = _PHASES.get(node.get("phase") or "", "pending")
    message = node.get("message") or ""
    if state == "failed" and ((terminated and not _EXIT_CODE.search(message)) or is_stop(message)):
        return "stopped"
    if state == "succeeded" and is_cached(node):
        return "cached"
    return state


def is_stop(message: str) -> bool:
    """Whether a message of the embedded backend or of Argo says that somebody stopped the run."""
    return bool(_STOPPED.match(message))


def is_cached(node: Mapping[str, Any]) -> bool:
    """Whether a node took its outputs from an earlier run.

    The embedded backend says so. Kubeflow only leaves a trace: the outputs' keys are those of another pod.
    """
    if node.get("type") not in (None, "Pod"):
        return False
    if node.get("reusedFromCache"):
        return True
    artifacts = (node.get("outputs") or {}).get("artifacts") or []
    keys = [a["s3"]["key"] for a in artifacts if (a.get("s3") or {}).get("key") and a.get("name") != "main-logs"]
    return bool(keys) and all(key.startswith("artifacts/") and node.get("id", "") not in key for key in keys)


def cache_origin(node: Mapping[str, Any]) -> tuple[str, str]:
    """Return the id of the run whose outputs a cached node took, and the name of its workflow; "" for what is unknown.

    The embedded backend names the run. In Kubeflow the keys of the outputs name the workflow.
    """
    found = _CACHED_FROM.search((node.get("message") or "").strip())
    if found:
        return found.group(1), ""
    for artifact in (node.get("outputs") or {}).get("artifacts") or []:
        stored = _STORED_BY.match((artifact.get("s3") or {}).get("key") or "")
        if stored:
            return "", stored.group(1)
    return "", ""


def reason_of(node: Mapping[str, Any], when: str = "") -> str:
    """Return why a node failed, was skipped or cached, in one line; "" when there is nothing to say."""
    message = (node.get("message") or "").strip()
    phase = node.get("phase")
    if phase == "Skipped":
        return f"not {when}" if when else message
    if phase in ("Failed", "Error"):
        code = _EXIT_CODE.search(message)
        if code:
            return f"exit code {code.group(1)}"
        if node.get("type") not in (None, "Pod") and message.startswith("child "):
            return ""
    return message.splitlines()[0] if message else ""


def filled_in(text: str, values: Mapping[str, Any]) -> str:
    """Return a text with the placeholders replaced whose values are known."""
    for name, value in values.items():
        if value is not None:
            text = text.replace("{{" + name + "}}", str(value))
    return text


def condition_text(when: str) -> str:
    """Return Argo's ``when`` as a person would write it: ``flip-coin-Output == heads``."""
    text = _ANY_PLACEHOLDER.sub(lambda found: found.group(1), when)
    return re.sub(r'"([^"]*)"', r"\1", text)


def display_name(template: Mapping[str, Any], task: str) -> str:
    """Return the name given with ``set_display_name``, else the task's name."""
    return _annotations(template).get("pipelines.kubeflow.org/task_display_name") or task


def inputs_of(template: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, str]:
    """Return a step's input parameters by the name its component gives them, with what is known of the values."""
    known = _values((node.get("inputs") or {}).get("parameters"))
    declared = _values((template.get("inputs") or {}).get("parameters"))
    arguments = _json(_annotations(template).get("pipelines.kubeflow.org/arguments.parameters"))
    if not arguments:
        return {name: known.get(name, value) for name, value in declared.items() if name not in INJECTED}
    found = {}
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value)
        found[name] = _cut(_PLACEHOLDER.sub(lambda hit: known.get(hit.group(1), ""), text) if known else _plain(text))
    return found


def outputs_of(template: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, str]:
    """Return a step's output parameters, with their values once they exist."""
    known = _values((node.get("outputs") or {}).get("parameters"))
    found = {}
    for parameter in (template.get("outputs") or {}).get("parameters") or []:
        path = (parameter.get("valueFrom") or {}).get("path", "")
        found[_name(parameter["name"], path)] = known.get(parameter["name"], "")
    return found


def artifacts_of(template: Mapping[str, Any], node: Mapping[str, Any], side: str) -> list[Artifact]:
    """Return the artifacts of ``side`` (``inputs`` or ``outputs``); addresses are known once the step has run."""
    written = {a.get("name"): a for a in (node.get(side) or {}).get("artifacts") or []}
    kinds = _artifact_types(template, side)
    parameters = {
        (p.get("valueFrom") or {}).get("path") for p in (template.get("outputs") or {}).get("parameters") or []
    }
    found = []
    for artifact in (template.get(side) or {}).get("artifacts") or []:
        path = artifact.get("path", "")
        if side == "outputs" and path in parameters:
            continue  # kfp exports every output parameter as a file too
        name = _name(artifact["name"], path)
        found.append(Artifact(name, _uri(written.get(artifact["name"]) or {}), kinds.get(name, "")))
    return found


def _artifact_types(template: Mapping[str, Any], side: str) -> dict[str, str]:
    container = template.get("container") or {}
    for variable in container.get("env") or []:
        if variable.get("name") == "KFP_V2_RUNTIME_INFO":
            declared = _json(variable.get("value")).get("inputArtifacts" if side == "inputs" else "outputArtifacts")
            return {name: facts.get("schemaTitle", "").split(".")[-1] for name, facts in (declared or {}).items()}
    spec = _json(_annotations(template).get("pipelines.kubeflow.org/component_spec"))
    return {
        io["name"]: io["type"] if isinstance(io.get("type"), str) else ""
        for io in spec.get(side) or []
        if isinstance(io, dict) and "name" in io
    }


def _uri(artifact: Mapping[str, Any]) -> str:
    stored = artifact.get("s3") or {}
    if not stored.get("key"):
        return ""
    return f"minio://{stored.get('bucket') or 'mlpipeline'}/{stored['key']}"


def _name(name: str, path: str) -> str:
    found = _PATH_NAME.match(path or "")
    return found.group(1) if found else name


def _plain(text: str) -> str:
    return _PLACEHOLDER.sub("", text) if _PLACEHOLDER.fullmatch(text) else text


def _values(parameters: Any) -> dict[str, str]:
    found = {}
    for parameter in parameters or []:
        value = parameter.get("value")
        found[parameter["name"]] = _cut("" if value is None else value if isinstance(value, str) else json.dumps(value))
    return found


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def _annotations(template: Mapping[str, Any]) -> dict[str, str]:
    return (template.get("metadata") or {}).get("annotations") or {}


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
