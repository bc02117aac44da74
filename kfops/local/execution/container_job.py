"""The job of a step that runs in its own image: nothing of the host's programs and variables, only what it declares."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Mapping

from ..artifacts import MOUNTS
from ..executors.base import Image, Job, Mount
from .environment import StepError
from .paths import TEMPORARY
from .quantities import quantity

if TYPE_CHECKING:
    from .draft import Draft

#: Folders that every step has for itself, whatever its image has there.
_OWN = [TEMPORARY, *MOUNTS.values()]
_LATEST = ":latest"


def container_job(draft: Draft) -> Job:
    """Return the job of a complete draft."""
    binds = list(draft.mounts)
    for folder in _OWN:
        if not _covered(folder, binds):
            binds.append(Mount(folder, str(draft.root) + folder))
            Path(str(draft.root) + folder).mkdir(parents=True, exist_ok=True)
    binds += [Mount(folder, folder) for folder in draft.shared]
    artifacts = (draft.step.template.get("inputs") or {}).get("artifacts") or []
    for path in _paths(artifact.get("path") for artifact in artifacts):
        if not _covered(path, binds) and draft.host(path).exists():
            binds.append(Mount(path, str(draft.host(path))))
    _open_to_every_user(draft.root)
    given = {"KFOPS_LOCAL": "1", "KFOPS_MODEL_STORE": str(draft.around.models), "PYTHONUNBUFFERED": "1"}
    return Job(
        id=draft.step.id,
        argv=draft.argv,
        env={**given, **draft.asked},
        root=str(draft.root),
        folder=str(draft.folder),
        cwd=draft.cwd if draft.container.get("workingDir") else "",
        mounts=sorted(binds, key=lambda mount: len(mount.path)),
        image=_image(draft, binds),
    )


def pull_policy(container: Mapping[str, Any]) -> str:
    """Return when an image is fetched, by the rules of Kubernetes; what is ``localhost``'s is nowhere else.

    Examples
    --------
    >>> pull_policy({"image": "python"}), pull_policy({"image": "python:3.9"})
    ('Always', 'IfNotPresent')
    """
    image = str(container.get("image") or "")
    if container.get("imagePullPolicy"):
        return str(container["imagePullPolicy"])
    tagged = ":" in image.rpartition("/")[2] or "@" in image
    latest = image.endswith(_LATEST) or not tagged
    return "Always" if latest and not image.startswith("localhost/") else "IfNotPresent"


def _image(draft: Draft, binds: List[Mount]) -> Image:
    container = draft.container
    name = str(container.get("image") or "")
    if not name or name.startswith("-"):  # which the engine would take for an option
        raise StepError(f'InvalidImageName: Failed to apply default image tag "{name}": it is not the name of an image')
    limits = (container.get("resources") or {}).get("limits") or {}
    outputs = draft.step.template.get("outputs") or {}
    left = [artifact.get("path") for artifact in outputs.get("artifacts") or []]
    left += [(parameter.get("valueFrom") or {}).get("path") for parameter in outputs.get("parameters") or []]
    try:
        memory, cpus = int(quantity(limits.get("memory", 0))), float(quantity(limits.get("cpu", 0)))
    except ValueError as error:
        raise StepError(f"resources.limits: {error}") from error
    return Image(
        name=name,
        pull=pull_policy(container),
        entrypoint=bool(container.get("command")),
        user=_user({**(draft.step.template.get("securityContext") or {}), **(container.get("securityContext") or {})}),
        memory=memory,
        cpus=cpus,
        outputs=[path for path in _paths(left) if not _covered(path, binds)],
    )


def _user(context: Mapping[str, Any]) -> str:
    user, group = context.get("runAsUser"), context.get("runAsGroup")
    if user is None:
        return ""
    return f"{user}:{group}" if group is not None else str(user)


def _paths(found: Any) -> List[str]:
    return [posixpath.normpath(posixpath.join("/", path)) for path in found if path]


def _covered(path: str, binds: List[Mount]) -> bool:
    return any(path == mount.path or path.startswith(mount.path.rstrip("/") + "/") for mount in binds)


def _open_to_every_user(root: Path) -> None:
    """Let whatever user an image has read what it is given, and write where it is to leave something."""
    for folder, _, names in os.walk(str(root)):
        os.chmod(folder, 0o1777)  # noqa: S103 - what /tmp has everywhere
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | 0o444)
