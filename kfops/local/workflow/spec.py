"""A submitted Workflow as typed data, and the check that refuses what cannot be run here before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set

from ...errors import InvalidInput
from ..settings import of_workflow
from .features import refuse_unsupported
from .inputs import InputError, bind
from .pods import with_shared
from .references import unresolvable
from .shape import misshapen
from .substitution import as_text

_SHOWN = 3


@dataclass(frozen=True)
class Workflow:
    """What the planner needs of a Workflow; templates stay the dictionaries that they are."""

    name: str
    namespace: str
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    created_at: str
    entrypoint: str
    templates: Mapping[str, Dict[str, Any]]
    parameters: Mapping[str, str]
    artifacts: Mapping[str, Dict[str, Any]]
    on_exit: str = ""
    parallelism: Optional[int] = None
    deadline: Optional[float] = None
    service_account: str = ""
    order: Dict[str, List[Dict[str, Any]]] = field(default_factory=dict, compare=False)

    def tasks(self, template: str) -> List[Dict[str, Any]]:
        """Return the tasks of a DAG template, every one after those that it depends on."""
        if template not in self.order:
            self.order[template] = _ordered(template, self.templates[template]["dag"].get("tasks") or [])
        return self.order[template]


def parse(workflow: Dict[str, Any]) -> Workflow:
    """Return the typed form of what should be a Workflow.

    Raises
    ------
    InvalidInput
        It is not a Workflow, or has a parameter without a value.
    """
    if not isinstance(workflow, dict) or not isinstance(workflow.get("spec"), dict):
        raise InvalidInput(
            "This is not an Argo Workflow.", why="It has no `spec`.", remedy="Compile it with kfp 1.7.0."
        )
    wrong = misshapen(workflow)
    if wrong:
        shown = "; ".join(wrong[:_SHOWN]) + ("; and so on" if len(wrong) > _SHOWN else "")
        raise InvalidInput("This is not an Argo Workflow.", why=f"{shown}.", remedy="Compile it with kfp 1.7.0.")
    return typed(workflow)


def typed(workflow: Mapping[str, Any]) -> Workflow:
    """Return the typed form of a Workflow whose form has been checked, as that of every stored run has been."""
    spec, metadata = workflow["spec"], workflow.get("metadata") or {}
    templates: Dict[str, Dict[str, Any]] = {}
    for template in spec.get("templates") or []:
        name = template["name"]
        if name in templates:
            raise InvalidInput(f"The workflow has two templates named {name!r}.")
        templates[name] = with_shared({key: value for key, value in template.items() if value is not None}, spec)
    arguments = spec.get("arguments") or {}
    return Workflow(
        name=metadata.get("name") or (metadata.get("generateName") or "workflow-") + "check",
        namespace=metadata.get("namespace") or "kubeflow",
        uid=str(metadata.get("uid") or ""),
        labels={key: as_text(value) for key, value in (metadata.get("labels") or {}).items()},
        annotations={key: as_text(value) for key, value in (metadata.get("annotations") or {}).items()},
        created_at=str(metadata.get("creationTimestamp") or ""),
        entrypoint=spec.get("entrypoint") or "",
        templates=templates,
        parameters=_parameters(arguments.get("parameters") or []),
        artifacts={artifact["name"]: artifact for artifact in arguments.get("artifacts") or []},
        on_exit=spec.get("onExit") or "",
        parallelism=_positive(spec, "parallelism"),
        deadline=None if spec.get("activeDeadlineSeconds") is None else float(spec["activeDeadlineSeconds"]),
        service_account=spec.get("serviceAccountName") or "",
    )


def check(workflow: Dict[str, Any]) -> Workflow:
    """Return the typed form of a workflow; refuse one that cannot be run here, before anything of it is stored.

    Raises
    ------
    UnsupportedWorkflow
        It uses something that is not emulated; ``details["features"]`` lists each by name and template.
    InvalidInput
        Argo would refuse it as well: no entrypoint, an unknown template, a cycle, a parameter without a value.
    """
    parsed = parse(workflow)
    if not parsed.entrypoint:
        raise InvalidInput("The workflow cannot be run.", why="spec.entrypoint is required.")
    for name in filter(None, (parsed.entrypoint, parsed.on_exit)):
        if name not in parsed.templates:
            raise InvalidInput("The workflow cannot be run.", why=f"It has no template named {name!r}.")
    refuse_unsupported(workflow["spec"], parsed.templates, of_workflow(workflow).executor == "container")
    for name, template in parsed.templates.items():
        if "dag" not in template:
            continue
        if not parsed.tasks(name):
            raise InvalidInput("The workflow cannot be run.", why=f"templates.{name} must have at least one task.")
        if template.get("activeDeadlineSeconds") is not None:
            raise InvalidInput(
                "The workflow cannot be run.",
                why=f"templates.{name}.activeDeadlineSeconds is only valid for leaf templates.",
                remedy="Give it to the steps, or to the whole workflow.",
            )
        for task in parsed.tasks(name):
            if task.get("template") not in parsed.templates:
                raise InvalidInput(
                    "The workflow cannot be run.",
                    why=f"Task {task['name']!r} of {name!r} uses the unknown template {task.get('template')!r}.",
                )
    lost = [
        *unresolvable(parsed.templates, parsed.parameters, _reached(parsed, parsed.entrypoint)),
        *_not_supplied(parsed, workflow["spec"].get("arguments") or {}),
    ]
    if lost:
        raise InvalidInput("The workflow cannot be run.", why=f"{lost[0]}.", remedy="Declare it, or correct the name.")
    return parsed


def _reached(workflow: Workflow, entrypoint: str) -> Set[str]:
    """Return the names of a template and of all that its tasks, and theirs, use."""
    seen, waiting = {entrypoint}, [entrypoint]
    while waiting:
        template = waiting.pop()
        tasks = workflow.tasks(template) if "dag" in workflow.templates[template] else []
        found = {task["template"] for task in tasks} - seen
        seen |= found
        waiting += found
    return seen


def _not_supplied(workflow: Workflow, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Tell which inputs of which template nobody gives it, in Argo's words."""
    calls = [("spec.arguments", name, arguments) for name in (workflow.entrypoint, workflow.on_exit) if name]
    for name, template in workflow.templates.items():
        for task in workflow.tasks(name) if "dag" in template else []:
            calls.append((f"templates.{name}.tasks.{task['name']}", task["template"], task.get("arguments") or {}))
    for where, called, given in calls:
        try:
            bind(workflow.templates[called], given, lambda name: {"raw": {}})
        except InputError as error:
            yield f"{where} templates.{called} {error}"


def _parameters(given: List[Dict[str, Any]]) -> Dict[str, str]:
    values: Dict[str, str] = {}
    for parameter in given:
        name, value = parameter.get("name"), parameter.get("value", parameter.get("default"))
        if value is None:
            raise InvalidInput(
                f"Parameter {name!r} has no value.",
                why=f"spec.arguments.{name}.value is required.",
                remedy="Give the run a value for it: the pipeline has no default.",
            )
        values[str(name)] = as_text(value)
    return values


def _positive(holder: Mapping[str, Any], key: str) -> Optional[int]:
    value = holder.get(key)
    return value if value is not None and value > 0 else None


def _ordered(template: str, tasks: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    known = {task.get("name"): task for task in tasks}
    if len(known) < len(tasks):
        raise InvalidInput(f"DAG {template!r} has two tasks of the same name, or one without a name.")
    ordered: List[Dict[str, Any]] = []
    waiting = {name: list(task.get("dependencies") or []) for name, task in known.items()}
    for name, dependencies in waiting.items():
        for dependency in dependencies:
            if dependency not in known:
                raise InvalidInput(f"Task {name!r} of {template!r} depends on {dependency!r}, which does not exist.")
    needed_by: Dict[Any, List[Any]] = {name: [] for name in known}
    missing = {name: len(set(dependencies)) for name, dependencies in waiting.items()}
    for name, dependencies in waiting.items():
        for dependency in set(dependencies):
            needed_by[dependency].append(name)
    ready = [name for name in known if missing[name] == 0]
    for name in ready:  # grows while it is walked
        ordered.append(known[name])
        for follower in needed_by[name]:
            missing[follower] -= 1
            if missing[follower] == 0:
                ready.append(follower)
    if len(ordered) < len(known):
        raise InvalidInput(f"The tasks of DAG {template!r} depend on each other in a circle.")
    return ordered
