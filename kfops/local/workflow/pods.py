"""What of a container template is not emulated: volumes, init containers, artifacts from elsewhere, kubectl."""

from __future__ import annotations

import posixpath
from typing import Any, Dict, Iterator, List, Mapping

from .claims import is_kubectl, of_kubectl
from .patching import of_patch, preview

_VOLUMES = ("emptyDir", "persistentVolumeClaim", "secret", "configMap", "downwardAPI", "projected")
_PROJECTED = ("secret", "configMap", "downwardAPI")
_REMOTE = ("artifactory", "azure", "gcs", "git", "hdfs", "http", "oss", "s3")


def of_container_template(template: Mapping[str, Any], images: bool) -> Iterator[str]:
    """Name everything of a container template that is not emulated; ``images``: steps run in their images."""
    if template.get("podSpecPatch"):
        yield from of_patch(template)
        template = preview(template)
    yield from _of_container(template["container"] or {}, "containers", images)
    argv = _argv(template["container"] or {})
    if is_kubectl(argv):
        yield from of_kubectl(argv)
        if (template.get("outputs") or {}).get("parameters") or (template.get("outputs") or {}).get("artifacts"):
            yield "outputs of kubectl"
    for init in template.get("initContainers") or []:
        if not is_launcher_copy(init):
            yield from _of_container(init, f"init container {init['name']!r}", images)
            if is_kubectl(_argv(init)):
                yield f"kubectl in init container {init['name']!r}"
    yield from _of_volumes(template)
    for side in ("inputs", "outputs"):
        yield from of_artifacts(template.get(side) or {}, f"{side[:-1]} artifact")


def of_artifacts(holder: Mapping[str, Any], what: str) -> Iterator[str]:
    """Name the artifacts that come from, or go to, somewhere else than the backend's own store."""
    for artifact in holder.get("artifacts") or []:
        for remote in _REMOTE:
            if artifact.get(remote):
                yield f"{what} {artifact['name']!r} in {remote}"
        for field in ("fromExpression", "subPath", "globalName"):
            if artifact.get(field):
                yield f"{field} of {what} {artifact['name']!r}"


def is_launcher_copy(container: Mapping[str, Any]) -> bool:
    """Tell whether an init container only copies the v2 launcher, which is built in here."""
    command = _argv(container)
    return len(command) == 3 and command[1] == "--copy" and command[2].startswith("/kfp-launcher/")


def with_shared(template: Dict[str, Any], spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a template with what the workflow gives to all its pods: the volumes that it mounts, and metadata."""
    if "container" not in template:
        return template
    own = {volume["name"] for volume in template.get("volumes") or []}
    containers = [template["container"] or {}, *(template.get("initContainers") or [])]
    mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts") or []}
    shared = [volume for volume in spec.get("volumes") or [] if volume["name"] in mounted - own]
    result = dict(template)
    if shared:
        result["volumes"] = [*(template.get("volumes") or []), *shared]
    common = spec.get("podMetadata")
    if common:
        metadata = template.get("metadata") or {}
        result["metadata"] = {
            key: {**(common.get(key) or {}), **(metadata.get(key) or {})} for key in ("labels", "annotations")
        }
    return result


def _argv(container: Mapping[str, Any]) -> List[str]:
    return [str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])]]


def _of_container(container: Mapping[str, Any], what: str, images: bool) -> Iterator[str]:
    if not container.get("command") and not images:
        yield f"{what} without a command, as only their image knows what to run (local.executor: container uses images)"
    if container.get("lifecycle"):
        yield f"lifecycle hooks of {what} (lifecycle)"


def _of_volumes(template: Mapping[str, Any]) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in template.get("volumes") or []}
    inits = [init for init in template.get("initContainers") or [] if not is_launcher_copy(init)]
    seen = set()
    for container in [template["container"] or {}, *inits]:
        for mount in container.get("volumeMounts") or []:
            name = mount["name"]
            if posixpath.normpath(posixpath.join("/", mount["mountPath"])) in ("/", "//"):
                yield f"volume {name!r} in place of the whole file system (mountPath: /)"
            if name in seen:
                continue
            seen.add(name)
            if name not in volumes:
                yield f"volume {name!r} (unknown)"
            else:
                yield from _of_volume(volumes[name])


def _of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    for kind in sorted(key for key, value in volume.items() if key != "name" and value is not None):
        if kind not in _VOLUMES:
            yield f"volume {volume['name']!r} ({kind})"
    for source in (volume.get("projected") or {}).get("sources") or []:
        for kind in sorted(key for key, value in source.items() if value is not None and key not in _PROJECTED):
            yield f"volume {volume['name']!r} (projected {kind})"
