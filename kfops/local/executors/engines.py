"""podman and docker: which of them runs containers on this machine, and with which settings.

What a machine lets podman do differs (an OCI runtime that refuses the machine's cgroups, limits that may not be
raised), and no version tells. So a container that does nothing is run first, as the user has configured podman, then
with fewer demands, and the first settings that work are kept for the process. It needs no image: its root is an empty
folder, its program this machine's own.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple, Union

from ...errors import InvalidInput

_TRIAL_TIME = 30.0
_MOST_PROCESSES = 32768
_MARK = "Error: "
#: Engines by the name that config.yaml has for them; ``auto`` tries them in this order.
NAMES = ("podman", "docker")


@dataclass(frozen=True)
class Engine:
    """A container engine that works here.

    Parameters
    ----------
    program
        Its command, with the options that come first.
    run
        Options that every container needs here.
    """

    name: str
    program: Tuple[str, ...]
    run: Tuple[str, ...] = ()

    def command(self, *words: str) -> List[str]:
        """Return a command line of the engine."""
        return [*self.program, *words]


_found: Dict[str, Union[Engine, str]] = {}


def find(choice: str) -> Engine:
    """Return the engine that config.yaml asks for; it takes a second when it is asked for the first time.

    Raises
    ------
    InvalidInput
        There is none that works, with what each of them said.
    """
    reasons = []
    for name in NAMES if choice == "auto" else (choice,):
        if not isinstance(_found.get(name), Engine):  # one that did not work may have been repaired
            _found[name] = _podman() if name == "podman" else _docker()
        engine = _found[name]
        if isinstance(engine, Engine):
            return engine
        reasons.append(f"{name}: {engine}" + ("" if engine.endswith((".", "?", "!")) else "."))
    raise InvalidInput(
        "Steps cannot be executed in containers here.",
        why=f"config.yaml asks for it (local.executor), and nothing here can run a container. {' '.join(reasons)}",
        remedy="Install or repair podman or docker, or set local.executor to process in config.yaml.",
    )


def _docker() -> Union[Engine, str]:
    """Return docker; why it does not work, in one line, when it does not."""
    if shutil.which("docker") is None:
        return "it is not installed"
    reason = _run(["docker", "version", "--format", "{{.Server.Version}}"])
    return reason or Engine("docker", ("docker",))


def _podman() -> Union[Engine, str]:
    """Return podman with the first settings that work; why none does, in one line, when none does."""
    if shutil.which("podman") is None:
        return "it is not installed"
    reason = ""
    for engine in _candidates():
        reason = _trial(engine)
        if not reason:
            return engine
    return reason


def _candidates() -> Iterator[Engine]:
    """From podman as it is configured to podman with another runtime, and limits that need no right to raise them."""
    most = min(_MOST_PROCESSES, *(limit for limit in resource.getrlimit(resource.RLIMIT_NPROC) if limit > 0), 1 << 30)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits = ("--ulimit", f"nofile={files}:{files}", "--ulimit", f"nproc={most}:{most}")
    runtimes: Sequence[Tuple[str, ...]] = [(), *([("--runtime", "runc")] if shutil.which("runc") else [])]
    for runtime in runtimes:
        yield Engine("podman", ("podman", *runtime))
        yield Engine("podman", ("podman", *runtime), limits)


def _trial(engine: Engine) -> str:
    true = os.path.realpath(shutil.which("true") or "/bin/true")
    with tempfile.TemporaryDirectory(prefix="kfops-trial-") as root:
        folders = {"/" + true.split("/")[1], "/usr", *(path for path in ("/lib", "/lib64", "/nix", "/gnu"))}
        volumes = [f"--volume={os.path.realpath(path)}:{path}:ro" for path in sorted(folders) if Path(path).is_dir()]
        options = ["--rm", "--network=host", "--log-driver=none", *engine.run, *volumes]
        return _run(engine.command("run", *options, "--rootfs", root, true))


def _run(command: List[str]) -> str:
    """Return why a command does not succeed, in one line; "" when it does."""
    try:
        asked = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_TRIAL_TIME,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it does not answer within {_TRIAL_TIME:.0f} s"
    if asked.returncode == 0:
        return ""
    return last_line(asked.stderr.decode(errors="replace")) or f"it ends with exit code {asked.returncode}"


def last_line(text: str) -> str:
    """Return the last line of what an engine has written, without its own mark."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1][len(_MARK) :] if lines[-1].startswith(_MARK) else lines[-1]
