"""The containers of a step beside its main one: init containers, run before it, one after another.

Each has a file system view of its own, and shares with the main container what it mounts of the step's volumes.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import List, Mapping, Tuple

from ..executors.base import Job, Mount
from ..workflow.pods import is_launcher_copy
from .draft import Draft
from .preparing import prepare_container


def init_containers(main: Draft) -> List[Tuple[str, Job]]:
    """Return the names and jobs of a step's init containers, in their order; ``main`` is complete.

    Raises
    ------
    StepError
        One of them asks for what is not there.
    """
    found = []
    for number, container in enumerate(main.step.template.get("initContainers") or []):
        if is_launcher_copy(container):
            continue
        mirrored = [*main.mounts, *_input_artifacts(main)] if container.get("mirrorVolumeMounts") else []
        template = {**main.step.template, "container": container, "inputs": {}, "outputs": {}}
        draft = Draft(
            replace(main.step, template=template),
            main.around,
            main.folder,
            main.volumes,
            main.folder / "init" / str(number),
            mounts=mirrored,
        )
        draft.root.mkdir(parents=True, exist_ok=True)
        prepare_container(draft)
        found.append((str(container["name"]), draft.job()))
    return found


def _input_artifacts(main: Draft) -> List[Mount]:
    """Return the main container's input artifacts, which mirroring its mounts includes."""
    found = []
    for artifact in (main.step.template.get("inputs") or {}).get("artifacts") or []:
        path = _absolute(artifact)
        if path and main.host(path).exists() and not any(_below(path, mount.path) for mount in main.mounts):
            found.append(Mount(path, str(main.host(path))))
    return found


def _absolute(artifact: Mapping[str, str]) -> str:
    path = artifact.get("path") or ""
    return posixpath.normpath(posixpath.join("/", path)) if path else ""


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
