"""buildah, podman and docker: builders that are programs on this machine.

What a machine lets them do differs (no user namespaces, no overlay file system, an OCI runtime that refuses the
machine's cgroups), and no version or platform check tells. So a tiny image is built first, with the user's own
settings, then with fewer demands, and the first settings that work are kept for the process.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from abc import abstractmethod
from pathlib import Path
from typing import Mapping, NamedTuple, Sequence

from kfops.errors import BuildFailed
from kfops.images import process
from kfops.images.builder import NOT_INSTALLED, Builder, OnLog
from kfops.images.context import DOCKERFILE, Context
from kfops.images.credentials import auth_file
from kfops.images.explain import explain, unusable_because
from kfops.images.reference import parse

#: Seconds that trying out one group of settings may take.
_TRIAL_TIMEOUT = 20.0


class Settings(NamedTuple):
    """Options in front of the sub-command, and options of a build."""

    program: tuple[str, ...] = ()
    build: tuple[str, ...] = ()


#: From the least changed to the least demanding: as the user configured it; builds that need no OCI runtime; storage
#: that needs no overlay file system; both.
_CANDIDATES = (
    Settings(),
    Settings(build=("--isolation", "chroot")),
    Settings(program=("--storage-driver", "vfs")),
    Settings(program=("--storage-driver", "vfs"), build=("--isolation", "chroot")),
)

_found: dict[str, Settings | str] = {}
_finding = threading.Lock()


class _LocalBuilder(Builder):
    """What the three have in common: the context as a folder, the steps one after the other, their errors."""

    def build(
        self,
        context: Context,
        reference: str,
        *,
        insecure: bool = False,
        on_log: OnLog | None = None,
        cancelled: threading.Event | None = None,
    ) -> str:
        target = str(parse(reference))
        with tempfile.TemporaryDirectory(prefix="kfops-image-") as scratch:
            folder = Path(scratch) / "context"
            folder.mkdir()
            context.copy_to(folder)
            steps = self._steps(folder, target, Path(scratch) / "digest", insecure=insecure)
            lines: list[str] = []
            for command in steps:
                try:
                    result = process.run(command, env=_environment(), on_line=on_log, cancelled=cancelled)
                except process.CancelledError:
                    raise BuildFailed(f"Building image '{context.name}' was cancelled.", image=context.name) from None
                lines = result.lines
                if result.code != 0:
                    raise _failed(context.name, target, command, result)
            return self._digest(target, Path(scratch) / "digest", lines)

    @abstractmethod
    def _steps(self, folder: Path, target: str, digest_file: Path, *, insecure: bool) -> Sequence[Sequence[str]]:
        """Return the command lines that build and push, one after the other."""

    @abstractmethod
    def _digest(self, target: str, digest_file: Path, pushed: list[str]) -> str:
        """Return the pushed image's digest, from the file it was written to or the last step's output."""


class BuildahBuilder(_LocalBuilder):
    """buildah: builds without a daemon, as root or as an ordinary user."""

    name = "buildah"
    build_command = "bud"

    def unusable(self) -> str:
        """Return why it cannot build here, "" when it can."""
        found = self._settings()
        return found if isinstance(found, str) else ""

    def _settings(self) -> Settings | str:
        program = shutil.which(self.name)
        if program is None:
            return NOT_INSTALLED
        with _finding:
            if program not in _found:
                _found[program] = find_settings(program, self.build_command)
            return _found[program]

    def _steps(self, folder: Path, target: str, digest_file: Path, *, insecure: bool) -> Sequence[Sequence[str]]:
        settings = self._settings()
        if isinstance(settings, str):
            raise BuildFailed(f"{self.name} does not work here.", why=settings)
        program = [self.name, *settings.program]
        # Every builder takes plain HTTP for granted on the machine itself; these two want to be told.
        tls = ["--tls-verify=false"] if insecure or parse(target).loopback else []
        # --force-rm: a build that fails or is stopped leaves no half-made container behind.
        # Docker's format: every container runtime of a kfp-1.x cluster takes it, and HEALTHCHECK and SHELL count.
        options = [*settings.build, *tls, "--format", "docker", "--layers", "--force-rm", "--tag", target]
        built = [self.build_command, *options, "--file", str(folder / DOCKERFILE), str(folder)]
        pushed = ["push", *tls, "--digestfile", str(digest_file), target, f"docker://{target}"]
        return [[*program, *built], [*program, *pushed]]

    def _digest(self, target: str, digest_file: Path, pushed: list[str]) -> str:
        return digest_file.read_text("ascii").strip()


class PodmanBuilder(BuildahBuilder):
    """podman: buildah's own code behind another command."""

    name = "podman"
    build_command = "build"


class DockerBuilder(_LocalBuilder):
    """docker: needs its daemon, which also decides which registries may speak plain HTTP."""

    name = "docker"

    def unusable(self) -> str:
        """Return why it cannot build here, "" when it can."""
        if shutil.which(self.name) is None:
            return NOT_INSTALLED
        try:
            asked = process.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=_TRIAL_TIMEOUT)
        except subprocess.TimeoutExpired:
            return "its daemon does not answer"
        return "" if asked.code == 0 else (asked.lines[-1] if asked.lines else "its daemon does not answer")

    def _steps(self, folder: Path, target: str, digest_file: Path, *, insecure: bool) -> Sequence[Sequence[str]]:
        return [["docker", "build", "--tag", target, str(folder)], ["docker", "push", target]]

    def _digest(self, target: str, digest_file: Path, pushed: list[str]) -> str:
        # docker push ends with "<tag>: digest: sha256:… size: 528".
        for line in reversed(pushed):
            match = re.search(r"digest: (sha256:[0-9a-f]{64})", line)
            if match:
                return match.group(1)
        raise BuildFailed(
            f"docker pushed {target} without saying its digest.",
            why="The log has no line 'digest: sha256:…'.",
            remedy="Update docker.",
            log="\n".join(pushed),
        )


#: By the name that config.yaml has for them.
LOCAL: dict[str, type[_LocalBuilder]] = {
    "buildah": BuildahBuilder,
    "podman": PodmanBuilder,
    "docker": DockerBuilder,
}


def find_settings(program: str, build_command: str) -> Settings | str:
    """Return the first settings with which ``program`` builds an image here, else why none does, in one line."""
    reason = ""
    for settings in _CANDIDATES:
        reason = _trial(program, build_command, settings)
        if not reason:
            return settings
    return reason


def _trial(program: str, build_command: str, settings: Settings) -> str:
    # The image is empty: what it runs, with its libraries, is this machine's, so that nothing is fetched.
    true = os.path.realpath(shutil.which("true") or "/bin/true")
    with tempfile.TemporaryDirectory(prefix="kfops-trial-") as scratch:
        Path(scratch, DOCKERFILE).write_text(f'FROM scratch\nRUN ["{true}"]\n', "utf-8")
        image_id = Path(scratch, "image-id")
        volumes = [f"--volume={os.path.realpath(path)}:{path}:ro" for path in _system_folders(true)]
        options = ["--layers=false", "--force-rm", "--iidfile", str(image_id), *volumes]
        command = [program, *settings.program, build_command, *settings.build, *options, scratch]
        try:
            result = process.run(command, timeout=_TRIAL_TIMEOUT)
            if result.code == 0:
                built = image_id.read_text("ascii").strip()
                process.run([program, *settings.program, "rmi", built], timeout=_TRIAL_TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"a trial build took more than {_TRIAL_TIMEOUT:.0f} s"
        if result.code == 0:
            return ""
        return unusable_because(result.lines) or f"exit code {result.code}"


def _system_folders(program: str) -> list[str]:
    libraries = [path for path in ("/lib", "/lib64", "/nix", "/gnu") if Path(path).is_dir()]
    top = "/" + program.split("/")[1]
    return sorted({top, "/usr", *libraries})


def _environment() -> Mapping[str, str]:
    # podman and buildah look for REGISTRY_AUTH_FILE where docker looks for DOCKER_CONFIG: one log-in serves all.
    environment = dict(os.environ)
    chosen = auth_file()
    if chosen is not None:
        environment.setdefault("REGISTRY_AUTH_FILE", str(chosen))
    return environment


def _failed(name: str, target: str, command: Sequence[str], result: process.Result) -> BuildFailed:
    pushing = "push" in command
    why, remedy = explain(result.lines, target)
    return BuildFailed(
        f"Image '{name}' was {'built but not pushed to ' + target if pushing else 'not built'}.",
        why=why or f"{command[0]} ended with exit code {result.code}.",
        remedy=remedy or "See the log's last lines.",
        image=name,
        log="\n".join(result.lines),
    )
