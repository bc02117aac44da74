"""Placeholders that can never be replaced, which Argo refuses before a run: inputs, tasks, outputs that do not exist.

Only names that are Argo's own are looked at. ``{{$.inputs...}}`` and the like belong to somebody else and stay.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Set

from .substitution import substitute

_OF_INPUT = re.compile(r"inputs\.(parameters|artifacts)\.([^.]+)(?:\..*)?")
_OF_TASK = re.compile(r"tasks\.([^.]+)\.(.+)")
_OF_OUTPUT = re.compile(r"outputs\.(parameters|artifacts)\.(.+)")
_OF_WORKFLOW = "workflow.parameters."


def unresolvable(templates: Mapping[str, Dict[str, Any]], parameters: Mapping[str, str]) -> Iterator[str]:
    """Tell which placeholders of which template lead nowhere, in Argo's words.

    Parameters
    ----------
    templates
        All templates by name; every task's template is among them, and the tasks of a DAG form no circle.
    parameters
        The workflow's parameters.
    """
    for name, template in templates.items():
        where = f"templates.{name}"
        declared = _declared(template, "inputs")
        if "dag" not in template:
            body = {key: value for key, value in template.items() if key not in ("metadata", "inputs")}
            yield from _wrong(where, _names(body), declared, parameters, {})
            continue
        tasks = {task["name"]: task for task in template["dag"].get("tasks") or []}
        for task in tasks.values():
            known = {one: _outputs_of(tasks[one], templates) for one in _ancestors(task, tasks)}
            body = {key: task.get(key) for key in ("arguments", "when", "withItems", "withParam")}
            yield from _wrong(f"{where}.tasks.{task['name']}", _names(body), declared, parameters, known)
        every = {one: _outputs_of(task, templates) for one, task in tasks.items()}
        yield from _wrong(f"{where}.outputs", _names(template.get("outputs")), declared, parameters, every)


def _wrong(
    where: str,
    names: List[str],
    inputs: Set[str],
    parameters: Mapping[str, str],
    tasks: Mapping[str, Set[str]],
) -> Iterator[str]:
    """Tell which of ``names`` lead nowhere; ``tasks`` are those that may be asked, with what they give."""
    for name in names:
        of_input, of_task = _OF_INPUT.fullmatch(name), _OF_TASK.fullmatch(name)
        fine = True
        if of_input is not None:
            fine = f"{of_input.group(1)}.{of_input.group(2)}" in inputs
        elif name.startswith(_OF_WORKFLOW):
            fine = name[len(_OF_WORKFLOW) :] in parameters
        elif of_task is not None:
            of_output = _OF_OUTPUT.fullmatch(of_task.group(2))
            fine = of_task.group(1) in tasks
            if fine and of_output is not None:
                fine = f"{of_output.group(1)}.{of_output.group(2)}" in tasks[of_task.group(1)]
        if not fine:
            yield f"{where} failed to resolve {{{{{name}}}}}"


def _names(value: Any) -> List[str]:
    """Return the names of all placeholders in a value."""
    found: List[str] = []
    substitute(value, found.append)  # a lookup that knows nothing, and notes what it is asked for
    return found


def _declared(template: Mapping[str, Any], side: str) -> Set[str]:
    held = template.get(side) or {}
    return {f"{kind}.{item['name']}" for kind in ("parameters", "artifacts") for item in held.get(kind) or []}


def _outputs_of(task: Mapping[str, Any], templates: Mapping[str, Dict[str, Any]]) -> Set[str]:
    return _declared(templates[task["template"]], "outputs")


def _ancestors(task: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]]) -> Set[str]:
    found: Set[str] = set()
    waiting = list(task.get("dependencies") or [])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += tasks[one].get("dependencies") or []
    return found
