"""What the embedded backend does not emulate, found in a workflow and named.

A feature that only asks the cluster for something (node selectors, tolerations, resources, pull secrets) changes no
result on one machine and is let through. A feature that would change the result is refused.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping

from ...errors import UnsupportedWorkflow
from .claims import of_resource
from .pods import of_artifacts, of_container_template
from .substitution import texts_with_placeholders

#: Workflow fields that change what runs. Everything else in `spec` is advice to the cluster.
_SPEC = {
    "workflowTemplateRef": "workflow templates (workflowTemplateRef)",
    "suspend": "suspended workflows (suspend)",
    "shutdown": "shutdown",
    "synchronization": "synchronization",
    "volumeClaimTemplates": "PersistentVolumeClaims (volumeClaimTemplates)",
    "hooks": "lifecycle hooks (hooks)",
    "templateDefaults": "templateDefaults",
    "podSpecPatch": "a podSpecPatch of the whole workflow",
    "retryStrategy": "a retryStrategy of the whole workflow",
}
_KINDS = {
    "script": "script templates (script)",
    "steps": "steps templates (steps)",
    "suspend": "suspend templates (suspend)",
    "data": "data templates (data)",
    "http": "HTTP templates (http)",
    "containerSet": "container sets (containerSet)",
    "plugin": "plugins (plugin)",
    "templateRef": "references to other workflows' templates (templateRef)",
    "template": "templates that stand for another one (template)",
    "inline": "inline templates (inline)",
}
_TEMPLATE = {
    "sidecars": "sidecars",
    "daemon": "daemon containers (daemon)",
    "memoize": "memoize",
    "synchronization": "synchronization",
    "timeout": "timeout",
    "failFast": "templates that fail with the first of their pods (failFast)",
    "hooks": "lifecycle hooks (hooks)",
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
_RETRY_POLICIES = ("", "Always", "OnError", "OnFailure")
_SOURCES = ("jsonPath", "jqFilter", "event", "supplied", "expression", "configMapKeyRef")
#: Placeholders that Argo replaces by what is never known here; each with how it is called.
_PLACEHOLDERS = {
    re.compile(r"\{\{="): "expression placeholders ({{=...}})",
    re.compile(r"\{\{\s*tasks\.[^{}]*\.outputs\.result\s*\}\}"): "the output of a step's command (outputs.result)",
    re.compile(r"\{\{\s*workflow\.outputs\."): "outputs of the whole workflow (workflow.outputs)",
}


def refuse_unsupported(spec: Mapping[str, Any], templates: Mapping[str, Dict[str, Any]], images: bool = False) -> None:
    """Raise when a workflow uses something that is not emulated; ``images``: steps run in their images.

    Raises
    ------
    UnsupportedWorkflow
        ``details["features"]`` lists everything found.
    """
    found: List[str] = [text for key, text in _SPEC.items() if _asked(spec, key)]
    found += list(of_artifacts(spec.get("arguments") or {}, "workflow artifact"))
    for name, template in templates.items():
        found += [f"{text}, in template {name!r}" for text in _of_template(template, images)]
    if found:
        raise UnsupportedWorkflow(
            "The embedded backend cannot run this workflow.",
            why="It does not emulate: " + "; ".join(found) + ".",
            remedy="Run it on Kubeflow Pipelines, or leave out what is named.",
            features=found,
        )


def _asked(holder: Mapping[str, Any], key: str) -> bool:
    """Tell whether a field asks for something: an empty object does, as in ``suspend: {}``."""
    return bool(holder.get(key)) or holder.get(key) == {}


def _of_template(template: Mapping[str, Any], images: bool) -> Iterator[str]:
    for table in (_KINDS, _TEMPLATE):
        yield from (text for key, text in table.items() if _asked(template, key))
    texts = texts_with_placeholders(template)
    yield from (name for pattern, name in _PLACEHOLDERS.items() if any(map(pattern.search, texts)))
    strategy = template.get("retryStrategy") or {}
    if strategy.get("expression"):
        yield "retryStrategy.expression"
    if (strategy.get("retryPolicy") or "") not in _RETRY_POLICIES:
        yield f"retryPolicy {strategy['retryPolicy']}"
    yield from _of_parameters(template)
    kinds = [kind for kind in ("container", "dag", "resource") if _asked(template, kind)]
    if len(kinds) > 1:
        yield f"templates that are several things at once ({', '.join(kinds)})"
    elif kinds == ["dag"]:
        yield from _of_dag(template)
    elif kinds == ["container"]:
        yield from of_container_template(template, images)
    elif kinds == ["resource"]:
        yield from of_resource(template)
    elif not set(template) & set(_KINDS):
        yield "templates that are neither a container nor a dag"


def _of_parameters(template: Mapping[str, Any]) -> Iterator[str]:
    for side in ("inputs", "outputs"):
        for parameter in (template.get(side) or {}).get("parameters") or []:
            what = f"{side[:-1]} parameter {parameter['name']!r}"
            sources = {key for key, value in (parameter.get("valueFrom") or {}).items() if value is not None}
            unknown = sources & set(_SOURCES) if side == "outputs" else sources - {"default"}
            if unknown - ({"jsonPath"} if "resource" in template else set()):
                yield f"{what} taken by {', '.join(sorted(unknown))}"
            if parameter.get("globalName"):
                yield f"globalName of {what}"


def _of_dag(template: Mapping[str, Any]) -> Iterator[str]:
    if template["dag"].get("target"):
        yield "DAGs of which only a part is wanted (target)"
    for side in ("inputs", "outputs"):
        yield from of_artifacts(template.get(side) or {}, f"{side[:-1]} artifact")
    for task in template["dag"].get("tasks") or []:
        what = f"of task {task['name']!r}"
        yield from (f"{text} {what}" for key, text in _TASK.items() if _asked(task, key))
        yield from (f"{text} {what}" for text in of_artifacts(task.get("arguments") or {}, "artifact"))
        for parameter in (task.get("arguments") or {}).get("parameters") or []:
            if parameter.get("valueFrom"):
                yield f"parameter {parameter['name']!r} {what} taken by {', '.join(sorted(parameter['valueFrom']))}"
