"""What the engine asks of an executor, whichever way it makes processes."""

from __future__ import annotations

import abc
import signal as signals
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional


@dataclass(frozen=True)
class Mount:
    """A host folder or file that a step sees at a place of its own; ``path`` is absolute and has no ``..``."""

    path: str
    source: str
    read_only: bool = False


@dataclass(frozen=True)
class Image:
    """What a job runs in, where the executor uses images.

    Parameters
    ----------
    pull
        When it is fetched: ``Always``, ``IfNotPresent`` or ``Never``.
    entrypoint
        Whether the job's command replaces the image's own, or is what that is given as arguments.
    user
        ``uid`` or ``uid:gid``; "" for the image's own.
    memory, cpus
        The most it may use, in bytes and processors; 0 for all there is.
    outputs
        Paths that are no mount's, copied to the job's root when the command has succeeded.
    """

    name: str
    pull: str = "IfNotPresent"
    entrypoint: bool = True
    user: str = ""
    memory: int = 0
    cpus: float = 0.0
    outputs: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """A command to run to its end.

    Parameters
    ----------
    id
        ``<run id>/<node id>``; also put into the environment of the step, to find what is left of it.
    argv, env
        The command and its whole environment.
    root
        Host folder that becomes the step's ``/``, with the host's own top-level folders visible in it.
    folder
        Host folder for what is known about the step: its ``main.log``.
    cwd
        Working folder, as the step sees it.
    private
        Folders, as the step sees them, that must be its own and empty.
    opened
        Folders that must be its own, but show what the host has in them.
    visible
        Host folders that can still be read although they lie below a private one, such as the interpreter's. The step
        cannot change them: one that empties its ``/tmp`` must not empty the interpreter.
    shared
        Host folders that can be written although they lie below a private one, such as the model store.
    mounts
        Volumes. Their paths, or the folders around those that are files, are among the private and opened ones.
    lasting
        Whether later jobs will have the same root.
    image
        For an executor that uses images: ``argv`` may be empty then, ``env`` and ``cwd`` ("" for the image's own) are
        those of the container, and ``mounts`` is all that it sees of the host.
    """

    id: str
    argv: List[str]
    env: Dict[str, str]
    root: str
    folder: str
    cwd: str
    private: List[str] = field(default_factory=list)
    opened: List[str] = field(default_factory=list)
    visible: List[str] = field(default_factory=list)
    shared: List[str] = field(default_factory=list)
    mounts: List[Mount] = field(default_factory=list)
    lasting: bool = False
    image: Optional[Image] = None

    def to_dict(self) -> Dict[str, Any]:
        """Return the JSON form for the process that forks."""
        return {**vars(self), "mounts": [vars(mount) for mount in self.mounts]}


@dataclass(frozen=True)
class Ended:
    """How a command ended: an exit code, or the signal that killed it, or the reason why it could not be started."""

    code: Optional[int] = None
    signal: Optional[int] = None
    out_of_memory: bool = False
    error: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the command ran and returned 0."""
        return self.code == 0 and not self.error

    @property
    def exit_code(self) -> int:
        """The exit code as a container runtime gives it: 128 and the signal for a killed process."""
        if self.code is not None:
            return self.code
        return 128 + (self.signal or 0) if self.signal else 1

    def message(self) -> str:
        """Return the message of a node whose command ended like this; empty for success."""
        if self.error:
            return self.error
        if self.out_of_memory:
            return f"OOMKilled (exit code {self.exit_code})"
        if self.signal:
            try:
                name = signals.Signals(self.signal).name
            except ValueError:
                name = str(self.signal)
            return f"Error (exit code {self.exit_code}): killed by signal {name}"
        return f"Error (exit code {self.code})" if self.code else ""


class Executor(abc.ABC):
    """Runs jobs; every job is a real process of its own.

    Attributes
    ----------
    images
        Whether jobs run in the image of their template, and not with the programs of this machine.
    """

    images = False

    @abc.abstractmethod
    async def start(self) -> None:
        """Make ready to run jobs."""

    @abc.abstractmethod
    async def run(self, job: Job) -> Ended:
        """Run a job to its end. When cancelled, kill all its processes before returning."""

    @abc.abstractmethod
    async def stop(self, job_id: str, grace: float) -> None:
        """Ask a job's processes to end, and kill them after ``grace`` seconds; ``run`` then returns."""

    def forget(self, root: str) -> None:  # noqa: B027 - not every executor keeps something
        """Let go of what is kept for a lasting root, which no job will have any more."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Kill every process that is left."""

    @property
    @abc.abstractmethod
    def isolated(self) -> bool:
        """Whether a step has its own file system view; if not, paths have to be rewritten."""
