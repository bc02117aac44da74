"""What a workflow asks of the cluster and one machine does not do; it changes no result, but a run says so."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping

from .patching import preview

_OF_POD = {
    "affinity": "affinities",
    "nodeSelector": "node selectors",
    "priorityClassName": "priorities",
    "schedulerName": "schedulers",
    "securityContext": "security contexts",
    "tolerations": "tolerations",
}
_OF_CONTAINER = {
    "livenessProbe": "probes",
    "readinessProbe": "probes",
    "resources": "limits of resources",
    "securityContext": "security contexts",
    "startupProbe": "probes",
}


def not_followed(templates: Mapping[str, Dict[str, Any]], images: bool) -> str:
    """Return a sentence that names what is not followed, empty when there is nothing.

    Parameters
    ----------
    images
        Whether steps run in containers, which are given their limits of memory and processors.
    """
    names = {name for template in templates.values() if "container" in template for name in _asked(template)}
    if images:
        names.discard(_OF_CONTAINER["resources"])
    return f"Asked of the cluster and not followed here: {', '.join(sorted(names))}." if names else ""


def _asked(template: Mapping[str, Any]) -> Iterator[str]:
    template = preview(template) if template.get("podSpecPatch") else template
    yield from (name for key, name in _OF_POD.items() if template.get(key))
    for container in [template.get("container") or {}, *(template.get("initContainers") or [])]:
        yield from (name for key, name in _OF_CONTAINER.items() if container.get(key))
