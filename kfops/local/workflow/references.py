"""Placeholders that can never be replaced, which Argo refuses before a run: inputs, tasks, outputs that do not exist.

Only names that are Argo's own, without spaces around them, are looked at. ``{{$.inputs...}}`` and the like, or what a
template of Jinja has (``{{ tasks.first.name }}``), belong to somebody else and stay.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Optional, Set

from .substitution import tags

_OF_INPUT = re.compile(r"inputs\.(parameters|artifacts)\.([^.]+)(?:\..*)?")
_OF_TASK = re.compile(r"tasks\.([^.]+)\.(.+)")
_OF_OUTPUT = re.compile(r"outputs\.(parameters|artifacts)\.(.+)")
_OF_PARAMETER = "workflow.parameters."
_OF_END = {"workflow.status", "workflow.failures"}
_OF_WORKFLOW = re.compile(
    r"workflow\.(name|namespace|uid|serviceAccountName|parameters|priority|status|failures"
    r"|(creationTimestamp|duration|scheduledTime|labels|annotations|outputs).*)"
)


def unresolvable(
    templates: Mapping[str, Dict[str, Any]], parameters: Mapping[str, str], before_end: Collection[str] = ()
) -> Iterator[str]:
    """Tell which placeholders of which template lead nowhere, in Argo's words.

    Parameters
    ----------
    templates
        All templates by name; every task's template is among them, and the tasks of a DAG form no circle.
    parameters
        The workflow's parameters.
    before_end
        The names of templates that run while nobody knows yet how the workflow ends.
    """
    for name, template in templates.items():
        where = f"templates.{name}"
        if name in before_end:
            told = [tag for tag in tags(template) if tag in _OF_END]
            yield from (f"{where} failed to resolve {{{{{tag}}}}}, which only an exit handler is told" for tag in told)
        declared = _declared(template, "inputs")
        if "dag" not in template:
            body = {key: value for key, value in template.items() if key not in ("metadata", "inputs")}
            yield from _wrong(where, tags(body), declared, parameters, lambda asked: None)
            continue
        tasks = {task["name"]: task for task in template["dag"].get("tasks") or []}
        outputs = {one: _declared(templates[task["template"]], "outputs") for one, task in tasks.items()}
        for task in tasks.values():
            body = {key: task.get(key) for key in ("arguments", "when", "withItems", "withParam")}
            known = functools.partial(_told, task, tasks, outputs)
            yield from _wrong(f"{where}.tasks.{task['name']}", tags(body), declared, parameters, known)
        yield from _wrong(f"{where}.outputs", tags(template.get("outputs")), declared, parameters, outputs.get)


def _wrong(
    where: str,
    names: List[str],
    inputs: Set[str],
    parameters: Mapping[str, str],
    outputs_of: Callable[[str], Optional[Set[str]]],
) -> Iterator[str]:
    """Tell which of ``names`` lead nowhere; ``outputs_of`` answers None for a task that cannot be asked here."""
    for name in names:
        of_input, of_task = _OF_INPUT.fullmatch(name), _OF_TASK.fullmatch(name)
        fine = True
        if of_input is not None:
            fine = f"{of_input.group(1)}.{of_input.group(2)}" in inputs
        elif name.startswith(_OF_PARAMETER):
            fine = name[len(_OF_PARAMETER) :] in parameters
        elif name.startswith(("workflow.", "pod.")):
            fine = name == "pod.name" or _OF_WORKFLOW.fullmatch(name) is not None
        elif of_task is not None:
            of_output = _OF_OUTPUT.fullmatch(of_task.group(2))
            told = outputs_of(of_task.group(1))
            fine = told is not None
            if told is not None and of_output is not None:
                fine = f"{of_output.group(1)}.{of_output.group(2)}" in told
        if not fine:
            yield f"{where} failed to resolve {{{{{name}}}}}"


def _declared(template: Mapping[str, Any], side: str) -> Set[str]:
    held = template.get(side) or {}
    return {f"{kind}.{item['name']}" for kind in ("parameters", "artifacts") for item in held.get(kind) or []}


def _told(
    task: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]], outputs: Mapping[str, Set[str]], asked: str
) -> Optional[Set[str]]:
    """Return the outputs of the task ``asked``, or None when ``task`` does not come after it."""
    seen: Set[str] = set()
    waiting = list(task.get("dependencies") or [])
    if asked in waiting:  # as nearly always
        return outputs.get(asked)
    while waiting:
        one = waiting.pop()
        if one == asked:
            return outputs[one]
        if one not in seen:
            seen.add(one)
            waiting += tasks[one].get("dependencies") or []
    return None
