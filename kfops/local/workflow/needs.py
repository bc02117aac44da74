"""What a workflow takes from its namespace: Secrets, ConfigMaps and claims whose names are known before a run starts.

A name that comes from a step's output, or through an input, is known only when its step is about to start.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Set

from .claims import manifest_of
from .patching import PatchError, patched
from .pods import is_launcher_copy
from .spec import Workflow
from .substitution import substitute

SECRET, CONFIG_MAP, CLAIM = "secret", "configMap", "claim"
_OF_ENV = {"secretKeyRef": SECRET, "configMapKeyRef": CONFIG_MAP}
_OF_ENV_FROM = {"secretRef": SECRET, "configMapRef": CONFIG_MAP}
_OF_VOLUME = {"secret": SECRET, "configMap": CONFIG_MAP}


class Need(NamedTuple):
    """Something that has to exist; ``key`` is "" where all of it is asked for."""

    kind: str
    name: str
    key: str
    template: str


def needs(workflow: Workflow) -> List[Need]:
    """Return what the steps of a workflow ask for that is not optional and that no step of it makes."""
    known = {f"workflow.parameters.{name}": value for name, value in workflow.parameters.items()}
    known.update({"workflow.name": workflow.name, "workflow.namespace": workflow.namespace})
    made = _made(workflow, known)
    found: List[Need] = []
    for name, template in workflow.templates.items():
        for need in _of_template(name, _patched(template, known)):
            need = need._replace(name=substitute(need.name, known.get), key=substitute(need.key, known.get))
            by_a_step = need.kind == CLAIM and (made is None or need.name in made)
            if not by_a_step and "{{" not in need.name + need.key:
                found.append(need)
    return list(dict.fromkeys(found))


def _patched(template: Dict[str, Any], known: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        return patched(substitute(template, known.get)) if template.get("podSpecPatch") else template
    except PatchError:  # it has a placeholder in it that only its step knows
        return {}


def _made(workflow: Workflow, known: Mapping[str, str]) -> Optional[Set[str]]:
    """Return the names of the claims that a workflow makes; None when one of them is not known before."""
    names: Set[str] = set()
    for template in workflow.templates.values():
        resource = template.get("resource") or {}
        if resource.get("action") not in ("create", "apply"):
            continue
        try:
            name = str(manifest_of(substitute(resource.get("manifest") or "", known.get))["metadata"].get("name") or "")
        except ValueError:
            return None
        if not name or "{{" in name:
            return None
        names.add(name)
    return names


def _of_template(name: str, template: Mapping[str, Any]) -> Iterator[Need]:
    if "container" not in template:
        return
    inits = [init for init in template.get("initContainers") or [] if not is_launcher_copy(init)]
    mounted: Set[str] = set()
    for container in [template["container"] or {}, *inits]:
        mounted.update(mount["name"] for mount in container.get("volumeMounts") or [])
        for variable in container.get("env") or []:
            for field, kind in _OF_ENV.items():
                yield from _asked(kind, (variable.get("valueFrom") or {}).get(field), name)
        for source in container.get("envFrom") or []:
            for field, kind in _OF_ENV_FROM.items():
                yield from _asked(kind, source.get(field), name)
    for volume in template.get("volumes") or []:
        if volume["name"] not in mounted:
            continue
        claim = volume.get("persistentVolumeClaim")
        if claim:
            yield Need(CLAIM, str(claim["claimName"]), "", name)
        for part in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
            for field, kind in _OF_VOLUME.items():
                yield from _asked(kind, part.get(field), name)


def _asked(kind: str, source: Optional[Mapping[str, Any]], template: str) -> Iterator[Need]:
    if not source or source.get("optional"):
        return
    name = str(source.get("secretName") or source.get("name") or "")
    keys = [source["key"]] if source.get("key") else [item.get("key") for item in source.get("items") or []]
    for key in keys or [""]:
        yield Need(kind, name, str(key or ""), template)
