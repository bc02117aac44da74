"""What the embedded backend does not emulate, found in a workflow and named.

A feature that only asks the cluster for something (node selectors, tolerations, resources, pull secrets) changes no
result on one machine and is let through. A feature that would change the result is refused.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List, Mapping

from ...errors import UnsupportedWorkflow

#: Workflow fields that change what runs. Everything else in `spec` is advice to the cluster.
_SPEC = {
    "workflowTemplateRef": "workflow templates (workflowTemplateRef)",
    "suspend": "suspended workflows (suspend)",
    "shutdown": "shutdown",
    "synchronization": "synchronization",
    "volumeClaimTemplates": "PersistentVolumeClaims (volumeClaimTemplates)",
    "hooks": "lifecycle hooks (hooks)",
    "templateDefaults": "templateDefaults",
}
_KINDS = {
    "resource": "resource templates, which create Kubernetes objects (resource)",
    "script": "script templates (script)",
    "steps": "steps templates (steps)",
    "suspend": "suspend templates (suspend)",
    "data": "data templates (data)",
    "http": "HTTP templates (http)",
    "containerSet": "container sets (containerSet)",
    "plugin": "plugins (plugin)",
    "templateRef": "references to other workflows' templates (templateRef)",
}
_TEMPLATE = {
    "sidecars": "sidecars",
    "daemon": "daemon containers (daemon)",
    "memoize": "memoize",
    "synchronization": "synchronization",
    "timeout": "timeout",
}
_TASK = {
    "withSequence": "loops over a sequence (withSequence)",
    "depends": "`depends` expressions",
    "continueOn": "continueOn",
    "hooks": "lifecycle hooks (hooks)",
    "onExit": "exit handlers of a single task (onExit)",
    "templateRef": "references to other workflows' templates (templateRef)",
    "inline": "inline templates (inline)",
}
_PATCHABLE = {"resources", "name", "imagePullPolicy", "image"}
_PATCH_ADVICE = {"containers", "nodeSelector", "tolerations", "affinity", "priorityClassName", "schedulerName"}


def refuse_unsupported(spec: Mapping[str, Any], templates: Mapping[str, Dict[str, Any]]) -> None:
    """Raise when a workflow uses something that is not emulated.

    Raises
    ------
    UnsupportedWorkflow
        ``details["features"]`` lists everything found.
    """
    found: List[str] = [text for key, text in _SPEC.items() if spec.get(key)]
    volumes = _volumes(spec)
    for name, template in templates.items():
        found += [f"{text}, in template {name!r}" for text in _of_template(template, volumes)]
    if found:
        raise UnsupportedWorkflow(
            "The embedded backend cannot run this workflow.",
            why="It does not emulate: " + "; ".join(found) + ".",
            remedy="Run it on Kubeflow Pipelines, or leave out what is named.",
            features=found,
        )


def _of_template(template: Mapping[str, Any], shared: Mapping[str, str]) -> Iterator[str]:
    for table in (_KINDS, _TEMPLATE):
        yield from (text for key, text in table.items() if template.get(key) or template.get(key) == {})
    if "{{=" in json.dumps(template):
        yield "expression placeholders ({{=...}})"
    if (template.get("retryStrategy") or {}).get("expression"):
        yield "retryStrategy.expression"
    for parameter in (template.get("outputs") or {}).get("parameters") or []:
        source = parameter.get("valueFrom") or {}
        if {"jsonPath", "jqFilter", "event", "supplied", "expression"} & set(source) and "resource" not in template:
            yield f"output parameter {parameter.get('name')!r} taken by {', '.join(sorted(source))}"
    if "dag" in template:
        for task in (template["dag"] or {}).get("tasks") or []:
            yield from (f"{text} of task {task.get('name')!r}" for key, text in _TASK.items() if task.get(key))
    elif "container" in template:
        yield from _of_container(template, shared)
    elif not set(template) & set(_KINDS):
        yield "templates that are neither a container nor a dag"


def _of_container(template: Mapping[str, Any], shared: Mapping[str, str]) -> Iterator[str]:
    container = template["container"] or {}
    if not container.get("command"):
        yield "containers without a command, as only their image knows what to run"
    if container.get("lifecycle"):
        yield "lifecycle hooks of containers (lifecycle)"
    for init in template.get("initContainers") or []:
        if not is_launcher_copy(init):
            yield f"init container {init.get('name')!r}"
    own = _volumes(template)
    for mount in container.get("volumeMounts") or []:
        kind = own.get(mount.get("name"), shared.get(mount.get("name"), "unknown"))
        if kind != "emptyDir":
            yield f"volume {mount.get('name')!r} ({kind})"
    for artifact in (template.get("inputs") or {}).get("artifacts") or []:
        remote = sorted({"s3", "gcs", "http", "git", "hdfs", "oss", "artifactory"} & set(artifact))
        if remote:
            yield f"input artifact {artifact.get('name')!r} from {remote[0]}"
    patch = template.get("podSpecPatch")
    if patch:
        yield from _of_patch(patch)


def _of_patch(patch: str) -> Iterator[str]:
    try:
        fields = json.loads(patch)
    except ValueError:
        yield "podSpecPatch that is not JSON"
        return
    if not isinstance(fields, dict):
        yield "podSpecPatch that is not an object"
        return
    yield from (f"podSpecPatch of {key}" for key in sorted(set(fields) - _PATCH_ADVICE))
    for container in fields.get("containers") or []:
        yield from (f"podSpecPatch of containers.{key}" for key in sorted(set(container) - _PATCHABLE))


def is_launcher_copy(container: Mapping[str, Any]) -> bool:
    """Tell whether an init container only copies the v2 launcher, which is built in here."""
    command = list(container.get("command") or []) + list(container.get("args") or [])
    return len(command) == 3 and command[1] == "--copy" and str(command[2]).startswith("/kfp-launcher/")


def _volumes(holder: Mapping[str, Any]) -> Dict[str, str]:
    kinds: Dict[str, str] = {}
    for volume in holder.get("volumes") or []:
        kind = sorted(set(volume) - {"name"})
        kinds[str(volume.get("name"))] = kind[0] if kind else "emptyDir"
    return kinds
