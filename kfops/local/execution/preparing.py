"""From a step to the job that runs it: a draft that one function after another adds to.

What belongs to one feature of a template (its input artifacts, the v2 launcher, packages to install, volumes) is one
function in ``_ADDITIONS``. It may change anything of the draft, write files to ``draft.host(path)``, and leave work
for the time when the step has succeeded in ``draft.afterwards``.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from .. import launcher
from ..artifacts import ArtifactStore
from ..executors.base import Job, Mount
from ..workflow.inputs import Inputs
from .claims import Claims
from .collecting import place_inputs
from .container_job import container_job
from .environment import (
    Pod,
    SecretValues,
    StepError,
    command_line,
    container_environment,
    expand,
    with_interpreter_first,
)
from .packages import KFP_NEEDS, Layer, Layers
from .paths import FOR_MOUNTS, TEMPORARY, WORK, Rewriting, on_host, opened_folders, own_folders
from .preamble import CONSTRAINTS, PACKAGES, Installed, installs, split
from .volumes import Volumes

_EXECUTORS = Path(__file__).resolve().parents[1] / "executors"
#: Folders with a ``sitecustomize``, for steps without a view of their own and for steps with a layer of packages.
_SHARED_FILES, _LAYER_FILES = _EXECUTORS / "shared_files", _EXECUTORS / "layer_files"
#: Metrics for the run, each ``{"name", "numberValue", "format"}``.
Metrics = List[Dict[str, Any]]


@dataclass(frozen=True)
class Step:
    """What is to be run: a template with every placeholder replaced, for one node of one run."""

    run_id: str
    node_id: str
    workflow_name: str
    started: str
    template: Mapping[str, Any]
    inputs: Inputs
    pod: Pod

    @property
    def id(self) -> str:
        """``<run id>/<node id>``."""
        return f"{self.run_id}/{self.node_id}"


@dataclass(frozen=True)
class Surroundings:
    """What all steps of a backend have in common.

    Parameters
    ----------
    python
        The pipeline environment's interpreter; the steps' ``python`` and ``python3``.
    isolated
        Whether a step has a file system view of its own.
    variables
        What every step has of the backend's own environment.
    images
        Whether a step runs in its image.
    """

    data_dir: Path
    python: str
    isolated: bool
    artifacts: ArtifactStore
    secrets: SecretValues
    claims: Claims
    installed: Installed
    variables: Mapping[str, str]
    layers: Layers
    images: bool = False

    @property
    def models(self) -> Path:
        """The model store."""
        return self.data_dir / "models"


@dataclass
class Draft:
    """A job in the making.

    Parameters
    ----------
    asked
        The variables that the template asks for; what every step gets is added at the end and does not replace them.
    argv, cwd, private, opened, visible, shared, mounts
        As in the job.
    root
        The host folder that becomes the step's ``/``.
    layer
        The packages that are to be there when the command starts, beside those of the interpreter.
    afterwards
        Called in this order when the command has succeeded, before its outputs are collected.
    """

    step: Step
    around: Surroundings
    folder: Path
    volumes: Volumes
    root: Path
    asked: Dict[str, str] = field(default_factory=dict)
    argv: List[str] = field(default_factory=list)
    cwd: str = WORK
    private: List[str] = field(default_factory=list)
    opened: List[str] = field(default_factory=list)
    visible: List[str] = field(default_factory=list)
    shared: List[str] = field(default_factory=list)
    mounts: List[Mount] = field(default_factory=list)
    layer: Optional[Layer] = None
    afterwards: List[Callable[[], Metrics]] = field(default_factory=list)

    @property
    def container(self) -> Mapping[str, Any]:
        """The template's container."""
        return self.step.template["container"]  # type: ignore[no-any-return]

    def host(self, path: str) -> Path:
        """Return the host path of a path in the step's view."""
        return on_host(self.root, path, self.cwd, {mount.path: mount.source for mount in self.mounts})

    def python_path(self, folder: str) -> None:
        """Put a folder of the step's view first among those that its Python looks into."""
        self.asked["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, self.asked.get("PYTHONPATH")]))

    def job(self) -> Job:
        """Return what the executor runs."""
        if self.around.images:
            return container_job(self)
        argv, asked, cwd = self.argv, self.asked, self.cwd
        if not self.around.isolated:
            argv, asked, cwd = self._rewritten()
        values = dict(self.around.variables)
        with_interpreter_first(values, os.path.dirname(self.around.python))
        values.update(KFOPS_LOCAL="1", KFOPS_MODEL_STORE=str(self.around.models), PYTHONUNBUFFERED="1")
        values["KFOPS_STEP"] = str(self.folder)
        values.update(asked)
        if self.layer is not None:
            self.layer.show(values, _LAYER_FILES)
        return Job(
            id=self.step.id,
            argv=argv,
            env=values,
            root=str(self.root),
            folder=str(self.folder),
            cwd=cwd,
            private=self.private,
            opened=self.opened,
            visible=self.visible,
            shared=self.shared,
            mounts=self.mounts,
        )

    def _rewritten(self) -> Tuple[List[str], Dict[str, str], str]:
        """Return command, variables and working folder with the step's own folders named by their host paths."""
        own = [*self.private, *self.opened]
        rewriting = Rewriting(self.root, own)
        for mount in self.mounts:
            _link(self.root / mount.path.lstrip("/"), mount.source)
        for path in own:
            self.host(path).mkdir(parents=True, exist_ok=True)
        asked = rewriting.values(self.asked)
        asked.setdefault("TMPDIR", str(self.root / "tmp"))
        asked["KFOPS_STEP_ROOT"] = str(self.root)
        asked["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_SHARED_FILES), asked.get("PYTHONPATH")]))
        return rewriting.words(self.argv), asked, rewriting.text(self.cwd)


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


def takes_long(step: Step) -> bool:
    """Tell whether preparing a step may do more than look at a few files and make a folder."""
    template, container = step.template, step.template["container"]
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    return (
        bool(step.inputs.artifacts or template.get("initContainers") or template.get("volumes"))
        or bool(container.get("envFrom"))
        or any("valueFrom" in variable for variable in container.get("env") or [])
        or any(mark in str(word) for word in words for mark in ("pip install", "/kfp-launcher/"))
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
    own = draft.volumes.mounts(draft.container, draft.asked)
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
    draft.argv = launched.argv
    draft.mounts = [mount for mount in draft.mounts if mount.path != launcher.FOLDER]

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
        draft.visible.append(str(_LAYER_FILES))
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


def _link(place: Path, source: str) -> None:
    """Let a place below a root that is no mount lead to a volume."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(str(place)):
        place.symlink_to(source)


@functools.lru_cache(maxsize=16)
def _interpreter(python: str) -> Tuple[str, ...]:
    """Return the interpreter's folders, where they lie below ``/tmp`` and would be hidden by a step's own."""
    prefix = os.path.dirname(os.path.dirname(python))
    found = {prefix, sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(python))}
    return tuple(sorted(path for path in found if path.startswith(TEMPORARY + "/")))
