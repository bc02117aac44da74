"""``podSpecPatch``: changes of a step's pod that are merged into it, lists of named things by their names.

It is Kubernetes' strategic merge patch: objects are merged field by field, null removes a field, lists are replaced
but for those whose items have a key.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Mapping

from .shape import CONTAINER, VOLUME, Shape, problems

MAIN = "main"
#: The lists of a pod whose items are merged, with the key by which they find each other.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")
_SHAPE: Shape = {"containers": [CONTAINER], "initContainers": [CONTAINER], "volumes": [VOLUME]}
_POD = {"containers", "initContainers", "volumes", "activeDeadlineSeconds"}
#: Fields of a pod that only ask the cluster for something and change no result on one machine.
_ADVICE = {
    "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "imagePullSecrets",
    "nodeName", "nodeSelector", "overhead", "preemptionPolicy", "priority", "priorityClassName", "restartPolicy",
    "runtimeClassName", "schedulerName", "securityContext", "serviceAccount", "serviceAccountName",
    "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
}  # fmt: skip


class PatchError(ValueError):
    """A patch that cannot be read or merged."""


def patched(template: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a container template with its ``podSpecPatch`` merged into it, and without one.

    Raises
    ------
    PatchError
        The patch is no JSON or YAML of an object, or does not have the form of a pod.

    Examples
    --------
    >>> patched({"container": {"image": "a"}, "podSpecPatch": '{"containers": [{"name": "main", "image": "b"}]}'})
    {'container': {'image': 'b'}}
    """
    text = template.get("podSpecPatch")
    if not text:
        return template
    return _merged_into(template, read(text))


def _merged_into(template: Mapping[str, Any], patch: Mapping[str, Any]) -> Dict[str, Any]:
    pod: Dict[str, Any] = {key: template[key] for key in _POD if template.get(key) is not None}
    pod["containers"] = [{**(template.get("container") or {}), "name": MAIN}]
    merged = _merge(pod, {key: value for key, value in patch.items() if key in _POD})
    main = next(
        dict(container) for container in merged.get("containers") or pod["containers"] if container["name"] == MAIN
    )
    main.pop("name")
    rest = {key: value for key, value in template.items() if key not in _POD and key != "podSpecPatch"}
    rest.update({key: value for key, value in merged.items() if key != "containers"})
    return {**rest, "container": main}


def read(text: str) -> Dict[str, Any]:
    """Return a patch as data; raises PatchError."""
    found = _parsed(text)
    wrong = list(problems(found, _SHAPE, ""))
    if wrong:
        raise PatchError(f"podSpecPatch: {wrong[0]}")
    for listed in ("containers", "initContainers"):
        if not all(container.get("name") for container in found.get(listed) or []):
            raise PatchError(f"podSpecPatch: one of {listed} has no name, by which it would be merged")
    return found


def _parsed(text: str) -> Dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        import yaml

        try:
            found = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise PatchError(f"podSpecPatch is neither JSON nor YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise PatchError("podSpecPatch must be an object")
    return found


def of_patch(template: Mapping[str, Any]) -> Iterator[str]:
    """Name everything of a template's patch that is not emulated; placeholders stand for anything."""
    text = template.get("podSpecPatch") or ""
    try:
        patch = _told(text)
    except PatchError as error:
        yield str(error)
        return
    yield from (f"podSpecPatch of {key}" for key in sorted(set(patch) - _POD - _ADVICE))
    directive = re.search(r"\"(\$[a-zA-Z]+)", json.dumps(patch))
    if directive:
        yield f"the directive {directive.group(1)} in podSpecPatch"
    known = {MAIN: "containers", "wait": "containers"}
    known.update({str(init.get("name")): "initContainers" for init in template.get("initContainers") or []})
    known["init"] = "initContainers"
    for listed in ("containers", "initContainers"):
        for container in patch.get(listed) or []:
            if known.get(container["name"]) != listed:
                yield f"podSpecPatch adding container {container['name']!r}"


def preview(template: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a template as its patch will make it, as far as that can be told while placeholders stand in it."""
    try:
        return _merged_into(template, _told(template.get("podSpecPatch") or ""))
    except PatchError:
        return template


def _told(text: str) -> Dict[str, Any]:
    """Return what can be told of a patch before its placeholders are replaced; raises PatchError."""
    try:
        return read(text)
    except PatchError:
        if _PLACEHOLDER.search(text) is None:
            raise
    patch = _parsed(_PLACEHOLDER.sub("0", text))  # as they may stand for numbers
    try:
        return read(json.dumps(patch))
    except PatchError:  # or for objects: then nothing can be told, but for the fields
        return dict.fromkeys(patch)


def _merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> Dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(before, dict):
            result[key] = _merge(before, value)
        elif isinstance(value, list) and isinstance(before, list) and key in _KEYS:
            result[key] = _merge_list(before, value, _KEYS[key])
        else:
            result[key] = value
    return result


def _merge_list(old: List[Any], new: List[Any], key: str) -> List[Any]:
    result = list(old)
    for item in new:
        place = next((number for number, known in enumerate(result) if known.get(key) == item.get(key)), None)
        if place is None:
            result.append(item)
        else:
            result[place] = _merge(result[place], item)
    return result
