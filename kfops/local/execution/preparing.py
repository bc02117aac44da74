"""From a step to the job that runs it: a draft that one function after another adds to.

What belongs to one feature of a template (its input artifacts, the v2 launcher, packages to install, volumes) is one
function in ``_ADDITIONS``. It may change anything of the draft, write files to ``draft.host(path)``, and leave work
for the time when the step has succeeded in ``draft.afterwards``.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Callable, Sequence, Tuple

from .. import launcher
from ..executors.base import Mount
from ..workflow.pods import is_launcher_copy
from .collecting import place_inputs
from .draft import LAYER_FILES, Draft, Metrics, Step, Surroundings
from .environment import (
    StepError,
    command_line,
    container_environment,
    expand,
)
from .packages import KFP_NEEDS
from .paths import FOR_MOUNTS, TEMPORARY, WORK, opened_folders, own_folders
from .preamble import CONSTRAINTS, PACKAGES, installs, split
from .volumes import Volumes


def prepare(step: Step, folder: Path, root: Path, around: Surroundings) -> Draft:
    """Return the complete draft of a step whose folder and root exist, with everything on the disk that the step needs.

    Raises
    ------
    StepError
        The template asks for what is not there, such as an unknown secret or an artifact that was deleted.
    launcher.LauncherError
        The v2 launcher would have ended with an error before the step's command.
    """
    volumes = Volumes(step.template, folder / "volumes", step.pod, around.secrets, around.claims)
    draft = Draft(step, around, folder, volumes, root)
    for addition in _ADDITIONS:
        addition(draft)
    return draft


def takes_long(step: Step, around: Surroundings) -> bool:
    """Tell whether preparing a step may do more than look at a few files and make a folder."""
    template, container = step.template, step.template["container"]
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    return (
        bool(step.inputs.artifacts)
        or not all(map(is_launcher_copy, template.get("initContainers") or []))
        or any(set(volume) - {"name", "emptyDir"} for volume in template.get("volumes") or [])
        or (around.python != sys.executable and any("pip install" in str(word) for word in words))
    )


def prepare_container(draft: Draft) -> None:
    """Complete the draft of a container that is not the step's main one: it has no inputs and outputs of its own."""
    for addition in (_command, _volumes, _folders, _texts):
        addition(draft)


def _command(draft: Draft) -> None:
    draft.asked = container_environment(draft.container, draft.step.pod, draft.around.secrets)
    draft.cwd = expand(str(draft.container.get("workingDir") or WORK), draft.asked)
    draft.argv = command_line(draft.container, draft.asked)


def _volumes(draft: Draft) -> None:
    """Add the container's own mounts to those it may have in common with another one."""
    unused = launcher.FOLDER if launcher.is_launched(draft.argv) else ""  # its program is built in here
    own = draft.volumes.mounts(draft.container, draft.asked, unused)
    taken = {mount.path for mount in own}
    draft.mounts = [*(mount for mount in draft.mounts if mount.path not in taken), *own]
    if any(draft.cwd.startswith(mount.path + "/") for mount in draft.mounts):
        draft.host(draft.cwd).mkdir(parents=True, exist_ok=True)


def _inputs(draft: Draft) -> None:
    place_inputs(draft.step.template, draft.step.inputs, draft.host, draft.around.artifacts)


def _launcher(draft: Draft) -> None:
    """Do what the v2 launcher does before its command, and afterwards what it does behind it."""
    launch = launcher.parse(draft.argv)
    if launch is None:
        return
    launched = launcher.prepare(
        launch,
        draft.host,
        draft.around.artifacts,
        default_root=(draft.around.secrets.of(launcher.CONFIG) or {}).get(launcher.ROOT_KEY, ""),
        region=draft.asked.get("AWS_REGION", ""),
    )
    draft.argv, draft.launched = launched.argv, True

    def finish() -> Metrics:
        return launcher.metrics(launcher.finish(launched, draft.host, draft.around.artifacts))

    draft.afterwards.append(finish)


def _folders(draft: Draft) -> None:
    draft.private = own_folders(draft.cwd, draft.mounts)
    draft.opened = opened_folders(draft.step.template, draft.private, draft.mounts)
    if draft.around.isolated:
        draft.opened += [folder for folder in FOR_MOUNTS if folder not in draft.private and os.path.isdir(folder)]
    draft.visible = list(_interpreter(draft.around.python))
    if not draft.around.models.is_dir():
        draft.around.models.mkdir(parents=True, exist_ok=True)
    draft.shared = [str(draft.around.models)]


def _packages(draft: Draft) -> None:
    if draft.around.images:
        return
    draft.argv, missing = split(draft.argv, draft.around.installed)
    if missing:
        variables = {**draft.around.variables, **draft.asked}
        draft.layer = draft.around.layers.layer(missing, draft.around.python, variables)
        draft.mounts.append(Mount(str(draft.layer.site), str(draft.layer.site), read_only=True))
        draft.visible.append(str(LAYER_FILES))
    if not installs(draft.argv):
        return
    constraints = draft.host(CONSTRAINTS)
    constraints.parent.mkdir(parents=True, exist_ok=True)
    constraints.write_text(KFP_NEEDS, encoding="utf-8")
    draft.asked.setdefault("PIP_CONSTRAINT", CONSTRAINTS)
    draft.asked.setdefault("PIP_TARGET", PACKAGES)
    draft.python_path(PACKAGES)


def _texts(draft: Draft) -> None:
    """Refuse what the kernel cannot be told: a command, a variable or a path with a NUL or half a character in it."""
    told = [("its command", text) for text in draft.argv]
    told += [(f"the variable {name!r}", value) for name, value in draft.asked.items()]
    told += [("a path", path) for path in [draft.cwd, *draft.private, *draft.opened]]
    told += [("a path", mount.path) for mount in draft.mounts]
    for what, text in told:
        try:
            possible = b"\0" not in os.fsencode(text)
        except UnicodeEncodeError:
            possible = False
        if not possible:  # its value is not said: it may be a secret
            raise StepError(f"The step could not be started: {what} has a character that no program can be given")


_ADDITIONS: Sequence[Callable[[Draft], None]] = (_command, _volumes, _inputs, _launcher, _folders, _packages, _texts)


@functools.lru_cache(maxsize=16)
def _interpreter(python: str) -> Tuple[str, ...]:
    """Return the interpreter's folders, where they lie below ``/tmp`` and would be hidden by a step's own."""
    prefix = os.path.dirname(os.path.dirname(python))
    found = {prefix, sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(python))}
    return tuple(sorted(path for path in found if path.startswith(TEMPORARY + "/")))
