"""The inputs of a template at one place: arguments, own values, defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional

from .substitution import as_text


class InputError(ValueError):
    """A template cannot run for want of an input."""


class LostArtifact(InputError):
    """What a ``from:`` names was not made: by a task that was skipped, for instance."""


@dataclass(frozen=True)
class Inputs:
    """Parameter values and artifacts (Argo's location dictionaries) by name."""

    parameters: Dict[str, str] = field(default_factory=dict)
    artifacts: Dict[str, Dict[str, Any]] = field(default_factory=dict)

    def as_status(self) -> Dict[str, Any]:
        """Return the ``inputs`` of a status node."""
        status: Dict[str, Any] = {}
        if self.parameters:
            status["parameters"] = [{"name": name, "value": value} for name, value in self.parameters.items()]
        if self.artifacts:
            status["artifacts"] = list(self.artifacts.values())
        return status


def bind(
    template: Mapping[str, Any],
    arguments: Mapping[str, Any],
    find: Callable[[str], Optional[Dict[str, Any]]],
) -> Inputs:
    """Return the inputs of ``template`` when it is called with a task's (or the workflow's) ``arguments``.

    Parameters
    ----------
    find
        Answers the artifact that a ``from:`` names.

    Raises
    ------
    InputError
        A parameter or an artifact that is not optional was not supplied.
    """
    declared = template.get("inputs") or {}
    values = {given["name"]: given.get("value", given.get("default")) for given in _named(arguments, "parameters")}
    parameters: Dict[str, str] = {}
    for parameter in declared.get("parameters") or []:
        name = parameter["name"]
        value = values.get(name)
        if value is None:
            value = parameter.get("value", parameter.get("default"))
        if value is None:
            raise InputError(f"inputs.parameters.{name} was not supplied")
        parameters[name] = as_text(value)
    given = {artifact["name"]: artifact for artifact in _named(arguments, "artifacts")}
    artifacts: Dict[str, Dict[str, Any]] = {}
    for declaration in declared.get("artifacts") or []:
        name = declaration["name"]
        source = _location(given.get(name), find) or _location(declaration, find)
        if source is None:
            if declaration.get("optional") or (given.get(name) or {}).get("optional"):
                continue
            lost = (given.get(name) or {}).get("from")
            if lost:
                raise LostArtifact(f"Unable to resolve: {lost}")
            raise InputError(f"inputs.artifacts.{name} was not supplied")
        artifact = {"name": name, **source}
        artifact.update({field: declaration[field] for field in ("path", "mode") if declaration.get(field) is not None})
        artifacts[name] = artifact
    return Inputs(parameters, artifacts)


def _named(arguments: Mapping[str, Any], kind: str) -> List[Dict[str, Any]]:
    return list(arguments.get(kind) or [])


def _location(
    artifact: Optional[Dict[str, Any]], find: Callable[[str], Optional[Dict[str, Any]]]
) -> Optional[Dict[str, Any]]:
    if artifact is None:
        return None
    if artifact.get("from"):
        artifact = find(artifact["from"]) or {}
    for kind in ("raw", "s3"):
        if kind in artifact:
            return {kind: artifact[kind]}
    return None
