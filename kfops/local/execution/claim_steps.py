"""Steps that act on PersistentVolumeClaims instead of running a command."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

from ..workflow import jsonpath
from ..workflow.claims import deleted_claim, is_kubectl, manifest_of
from .claims import ClaimError, Claims

_FOUND = "persistentvolumeclaim/{}"


@dataclass(frozen=True)
class Done:
    """What such a step has printed, and the outputs of its node."""

    log: str
    outputs: Dict[str, Any] = field(default_factory=dict)


def acts_on_claims(template: Mapping[str, Any]) -> bool:
    """Tell whether a template acts on claims here instead of running its command."""
    return "resource" in template or is_kubectl(_argv(template))


def act(template: Mapping[str, Any], claims: Claims, creator: str) -> Done:
    """Do what a template asks for.

    Parameters
    ----------
    creator
        Names the step: what it has created before the backend was killed is not created again.

    Raises
    ------
    ClaimError
        It cannot be done, in the words of kubectl.
    """
    if "resource" not in template:
        name = deleted_claim(_argv(template))
        if name is None:
            raise ClaimError("kubectl is not run: it might reach a real cluster")
        gone = claims.delete(
            name, missing_is_fine=any(word.startswith("--ignore-not-found") for word in _argv(template))
        )
        return Done(f"{_FOUND.format(name)}\n" if gone else "")
    resource = template["resource"]
    try:
        manifest = manifest_of(resource.get("manifest") or "")
    except ValueError as error:
        raise ClaimError(str(error)) from error
    return _act(resource, manifest, template, claims, creator)


def _act(
    resource: Mapping[str, Any], manifest: Dict[str, Any], template: Mapping[str, Any], claims: Claims, creator: str
) -> Done:
    action = resource.get("action")
    name = str(manifest["metadata"].get("name") or "")
    if action == "delete":
        flags = resource.get("flags") or []
        gone = claims.delete(name, missing_is_fine=any(flag.startswith("--ignore-not-found") for flag in flags))
        return Done(f"{_FOUND.format(name)} deleted\n" if gone else "")
    if action == "get":
        claim = claims.get(name)
    else:
        claim = (claims.create if action == "create" else claims.apply)(manifest, creator)
    text = f"{_FOUND.format(claim['metadata']['name'])} {'found' if action == 'get' else 'created'}\n"
    return Done(text + json.dumps(claim, indent=2) + "\n", _outputs(template, claim))


def _outputs(template: Mapping[str, Any], claim: Mapping[str, Any]) -> Dict[str, Any]:
    parameters: List[Dict[str, Any]] = []
    for parameter in (template.get("outputs") or {}).get("parameters") or []:
        source = parameter.get("valueFrom") or {}
        value: Optional[str] = None
        if source.get("jsonPath") is not None:
            value = jsonpath.evaluate(source["jsonPath"], claim)
        parameters.append(
            {"name": parameter["name"], "value": str(parameter.get("value") or "") if value is None else value}
        )
    return {"parameters": parameters} if parameters else {}


def _argv(template: Mapping[str, Any]) -> List[str]:
    container = template.get("container") or {}
    return [str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])]]
