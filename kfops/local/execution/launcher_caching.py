"""Caching as the v2 launcher does it: what makes two of its steps the same, and what a step is given of another.

In a cluster the steps of V2_COMPATIBLE pipelines are left alone by what caches all others. The launcher asks instead
whether its pipeline has had this component with this command, these inputs and these kinds of outputs, and knows
nothing of tasks' names, of variables and volumes, of the pipeline root and of how old outputs may be.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from ..launcher import DEFAULT_ROOT
from ..launcher_command import Launch, LauncherError, is_launched, parse
from ..mlmd import parameter_value
from ..workflow.inputs import Inputs
from ..workflow.substitution import as_text
from .environment import command_line, expand

_REPLACED = ("raw", "s3")


def is_of_launcher(template: Mapping[str, Any]) -> bool:
    """Tell whether a step's outputs are remembered in the launcher's way."""
    return is_launched(list((template.get("container") or {}).get("command") or []))


def fingerprint(template: Mapping[str, Any], inputs: Inputs) -> Optional[Dict[str, Any]]:
    """Return what makes a launcher's step the same as another, as JSON; None when it must not be looked up.

    That is the case when it cannot be started, or when its command has what each pod is told about itself.
    """
    variables, of_pod = _variables(template["container"])
    try:
        launch = parse(command_line(template["container"], variables))
        if launch is None or any(f"$({name})" in word for name in of_pod for word in launch.command):
            return None
        if launch.runtime["outputArtifacts"]:
            launch.root(DEFAULT_ROOT)  # one that holds no artifacts fails the step, whatever is remembered
        if not _paths(launch) >= {path for _, path in _declared(template)}:
            return None
        return {
            "pipeline": launch.options.get("pipeline_name"),
            "image": launch.options.get("container_image"),
            "command": launch.command,
            "parameters": {
                name: parameter_value(declared.get("type"), launch.parameters[name])
                for name, declared in launch.runtime["inputParameters"].items()
            },
            "artifacts": _artifacts(launch, inputs),
            "outputs": [launch.runtime["outputParameters"], launch.runtime["outputArtifacts"]],
        }
    except (LauncherError, ValueError, KeyError, TypeError, AttributeError):
        return None  # the step says what is wrong when it is started


def replayed(
    template: Mapping[str, Any], outputs: Mapping[str, Any], text: Callable[[str], str]
) -> Optional[Dict[str, Any]]:
    """Return remembered outputs under the names that this template has for them, None when one is not among them.

    What a step writes has the same path in every task of its component, and a name that begins with the task's.

    Parameters
    ----------
    text
        Answers the content of a stored artifact: a parameter that nobody asked for at the time is only there as one.
    """
    artifacts = {artifact.get("path"): artifact for artifact in outputs.get("artifacts") or []}
    values = {p["valueFrom"]["path"]: p["value"] for p in outputs.get("parameters") or [] if "valueFrom" in p}
    found: Dict[str, Any] = {**outputs, "parameters": [], "artifacts": []}
    for kind, path in _declared(template):
        if kind == "parameters" and path not in values and path in artifacts:
            written = text(artifacts[path]["s3"]["key"])
            values[path] = written[:-1] if written.endswith("\n") else written
        if path not in (values if kind == "parameters" else artifacts):
            return None
    declared = template.get("outputs") or {}
    for parameter in declared.get("parameters") or []:
        path = parameter["valueFrom"]["path"]
        found["parameters"].append({"name": parameter["name"], "valueFrom": {"path": path}, "value": values[path]})
    for artifact in declared.get("artifacts") or []:
        found["artifacts"].append({**artifacts[artifact["path"]], "name": artifact["name"]})
    return {kind: value for kind, value in found.items() if value != []}


def _variables(container: Mapping[str, Any]) -> Tuple[Dict[str, str], List[str]]:
    """Return the variables that the template gives a value, and the names of those that it does not."""
    values: Dict[str, str] = {}
    of_pod = []
    for variable in container.get("env") or []:
        if variable.get("valueFrom"):
            of_pod.append(variable["name"])
        else:
            values[variable["name"]] = expand(as_text(variable.get("value") or ""), values)
    return values, of_pod


def _paths(launch: Launch) -> set[str]:
    told = launch.runtime
    paths = {declared["path"] for declared in told["outputParameters"].values()}
    return paths | {declared["metadataPath"] for declared in told["outputArtifacts"].values()}


def _declared(template: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
    """Yield kind and path of each output of a template, None for the path of one that is not read from a file."""
    declared = template.get("outputs") or {}
    for parameter in declared.get("parameters") or []:
        yield "parameters", (parameter.get("valueFrom") or {}).get("path")
    for artifact in declared.get("artifacts") or []:
        yield "artifacts", artifact.get("path")


def _artifacts(launch: Launch, inputs: Inputs) -> Dict[str, Any]:
    """Return the input artifacts by the component's names for them; where a record is stored stands for its number."""
    stored = {artifact.get("path"): artifact for artifact in inputs.artifacts.values()}
    return {
        name: {kind: stored[declared["metadataPath"]].get(kind) for kind in _REPLACED}
        for name, declared in launch.runtime["inputArtifacts"].items()
    }
