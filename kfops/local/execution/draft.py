"""A job in the making: what is to be run, what all steps have in common, and what has been decided so far."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ..artifacts import ArtifactStore
from ..executors.base import Job, Mount
from ..workflow.inputs import Inputs
from .claims import Claims
from .container_job import container_job
from .environment import Pod, SecretValues, with_interpreter_first
from .packages import Layer, Layers
from .paths import WORK, Rewriting, on_host
from .preamble import Installed
from .volumes import Volumes

_EXECUTORS = Path(__file__).resolve().parents[1] / "executors"
#: Folders with a ``sitecustomize``, for steps without a view of their own and for steps with a layer of packages.
_SHARED_FILES, LAYER_FILES = _EXECUTORS / "shared_files", _EXECUTORS / "layer_files"
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
    launched
        Whether the v2 launcher stands before the command.
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
    launched: bool = False
    afterwards: List[Callable[[], Metrics]] = field(default_factory=list)
    _places: Optional[Dict[str, Path]] = None

    @property
    def container(self) -> Mapping[str, Any]:
        """The template's container."""
        return self.step.template["container"]  # type: ignore[no-any-return]

    def host(self, path: str) -> Path:
        """Return the host path of a path in the step's view."""
        found = None if self._places is None else self._places.get(path)
        if found is None:
            found = on_host(self.root, path, self.cwd, {mount.path: mount.source for mount in self.mounts})
            if self._places is not None:
                self._places[path] = found
        return found

    def settle(self) -> None:
        """Look for each path no more than once from now on: the step has ended, and makes no links any more."""
        self._places = {}

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
            self.layer.show(values, LAYER_FILES)
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


def _link(place: Path, source: str) -> None:
    """Let a place below a root that is no mount lead to a volume."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(str(place)):
        place.symlink_to(source)
