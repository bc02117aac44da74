"""The executor ``container``: each step in a container of its image, run by podman or docker.

The engine's command stays attached to the container, so that its output goes to the step's log as it is written, and
its end is the step's end. Containers carry the data folder as a label: those that a backend has left behind that was
killed are found by it, and removed before this executor runs anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal as signals
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any, Dict, List, Optional

from .base import Ended, Executor, Image, Job
from .engines import Engine, find, last_line
from .namespaces import out_of_memory_kills

_LABEL = "kfops.data-dir"
_NOT_STARTED = 125
_KILLED = 128 + signals.SIGKILL
_KILL_AGAIN = 2.0
#: Beyond this a variable is too long for a line of an engine's file of variables.
_LONGEST_LINE = 32_000


class ContainerExecutor(Executor):
    """Runs each job in a container.

    Parameters
    ----------
    choice
        ``podman``, ``docker``, or ``auto`` for the first of them that works.
    data_dir
        The backend's data folder, by which its containers are known.
    """

    images = True

    def __init__(self, choice: str, data_dir: Path) -> None:
        self._choice = choice
        self._mark = f"{_LABEL}={data_dir}"
        self._engine: Optional[Engine] = None
        self._running: Dict[str, _Running] = {}
        self._pulling: Dict[str, asyncio.Lock] = {}
        self._starting: Optional[asyncio.Task[None]] = None

    @property
    def isolated(self) -> bool:
        """A container has a file system of its own."""
        return True

    async def start(self) -> None:
        """Find the engine, and remove what a killed backend has left; raises InvalidInput where there is none."""
        if self._starting is None or (self._starting.done() and self._engine is None):
            self._starting = asyncio.ensure_future(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        engine = await asyncio.get_event_loop().run_in_executor(None, find, self._choice)
        ours = ("--all", "--quiet", "--no-trunc", "--filter", f"label={self._mark}")
        listed = await _output(engine.command("ps", *ours))
        for container in listed.split():
            await _remove(engine, container)
        self._engine = engine

    async def run(self, job: Job) -> Ended:
        """Run a job to its end. When cancelled, remove its container before returning."""
        await self.start()
        assert self._engine is not None
        assert job.image is not None, "a job for a container has an image"
        name = "kfops-" + hashlib.sha256(f"{self._mark}/{job.id}".encode()).hexdigest()[:20]
        running = _Running(self._engine, name, job.folder)
        self._running[job.id] = running
        ended: Optional[Ended] = None
        try:
            with open(Path(job.folder) / "main.log", "ab") as log:
                problem = await self._fetch(running, job.image, log)
                ended = Ended(error=problem) if problem else await self._run(running, job, job.image, log)
            return ended
        finally:
            del self._running[job.id]
            await asyncio.shield(running.remove(kill=ended is None))

    async def stop(self, job_id: str, grace: float) -> None:
        """Ask a job's processes to end, and kill them after ``grace`` seconds."""
        running = self._running.get(job_id)
        if running is not None:
            await running.stop(grace)

    async def close(self) -> None:
        """Kill every container that is left."""
        for running in list(self._running.values()):
            await running.remove(kill=True)

    async def _fetch(self, running: _Running, image: Image, log: IO[bytes]) -> str:
        """Have an image here as its pull policy says; return why that is not possible, as Kubernetes calls it."""
        if image.pull != "Always" and await running.call("image", "inspect", image.name) == 0:
            return ""
        if image.pull == "Never":
            return f'ErrImageNeverPull: Container image "{image.name}" is not present with pull policy of Never'
        async with self._pulling.setdefault(image.name, asyncio.Lock()):
            if image.pull != "Always" and await running.call("image", "inspect", image.name) == 0:
                return ""  # while this one waited
            with tempfile.TemporaryFile() as told:
                code = await running.call("pull", "--quiet", image.name, output=told)
                told.seek(0)
                text = told.read().decode(errors="replace")
            if code == 0:
                return ""
            log.write(text.encode())
            return f'ImagePullBackOff: Back-off pulling image "{image.name}": {last_line(text)}'

    async def _run(self, running: _Running, job: Job, image: Image, log: IO[bytes]) -> Ended:
        kills = out_of_memory_kills()
        with tempfile.TemporaryFile() as variables:
            environment, named = _environment(job.env, variables)
            words = _options(job, image, self._mark, running.name, named)
            code = await running.call("run", *words, stdin=variables, output=log, environment=environment)
        state = await running.state()
        if code == _NOT_STARTED and state.get("Status") != "exited":
            return Ended(error=f"The container could not be started: {_end_of(log.name)}")
        if running.killed:
            return Ended(signal=signals.SIGKILL)
        if state.get("OOMKilled") or (image.memory and code == _KILLED and out_of_memory_kills() > kills):
            return Ended(code=code, out_of_memory=True)
        if code == 0:
            for path in image.outputs:
                target = Path(job.root + path)
                target.parent.mkdir(parents=True, exist_ok=True)
                await running.call("cp", f"{running.name}:{path}", str(target))
        return _ended(code)


class _Running:
    """One container, and the engine's command that is at work for it."""

    def __init__(self, engine: Engine, name: str, folder: str) -> None:
        self.name = name
        self._folder = folder
        self.killed = False
        self._engine = engine
        self._process: Optional[asyncio.subprocess.Process] = None
        self._stopped = False

    async def call(
        self,
        *words: str,
        stdin: Optional[IO[bytes]] = None,
        output: Optional[IO[bytes]] = None,
        environment: Optional[Dict[str, str]] = None,
    ) -> int:
        """Run a command of the engine to its end and return its exit code; a job that was stopped begins none."""
        if self._stopped:
            return _KILLED
        run = self._engine.run if words[0] == "run" else ()
        self._process = await asyncio.create_subprocess_exec(
            *self._engine.command(words[0], *run, *words[1:]),
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=output if output is not None else subprocess.DEVNULL,
            stderr=output if output is not None else subprocess.DEVNULL,
            env=None if environment is None else {**os.environ, **environment},
            # podman's monitor leaves a file there when memory runs out
            cwd=self._folder,
            start_new_session=True,
        )
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def state(self) -> Dict[str, Any]:
        """Return what the engine says of the container's state, {} when there is none."""
        try:
            found = json.loads(await _output(self._engine.command("inspect", "--format", "{{json .State}}", self.name)))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    async def stop(self, grace: float) -> None:
        """Let the container end, by force after ``grace`` seconds."""
        self._stopped = True
        await _output(self._engine.command("stop", "--time", str(round(grace)), self.name))
        await self._end_command()

    async def remove(self, *, kill: bool) -> None:
        """Forget the container; with ``kill`` it may still run, or come into being."""
        if kill:
            self._stopped = True
            await _remove(self._engine, self.name)
            await self._end_command()
        else:
            await _output(self._engine.command("rm", "--force", "--volumes", self.name))

    async def _end_command(self) -> None:
        """Wait for the engine's command; one that goes on, because its container came into being late, is ended."""
        process = self._process
        while process is not None and process.returncode is None:
            try:
                await asyncio.wait_for(asyncio.shield(process.wait()), _KILL_AGAIN)
            except asyncio.TimeoutError:
                self.killed = True
                process.terminate()
                await _remove(self._engine, self.name)


def _options(job: Job, image: Image, mark: str, name: str, named: List[str]) -> List[str]:
    """Return the words after ``run``. The variables come through a file without a name, and not as words."""
    options = ["--name", name, "--label", mark, "--pull=never", "--network=host", "--log-driver=none"]
    options += ["--security-opt", "label=disable", "--env-file", "/dev/stdin"]
    options += [word for variable in named for word in ("--env", variable)]
    for mount in job.mounts:
        options += ["--volume", f"{mount.source}:{mount.path}" + (":ro" if mount.read_only else "")]
    if image.memory:
        options += ["--memory", str(image.memory), "--memory-swap", str(image.memory)]
    if image.cpus:
        options += ["--cpus", f"{image.cpus:g}"]
    if image.user:
        options += ["--user", image.user]
    if job.cwd:
        options += ["--workdir", job.cwd]
    if image.entrypoint:
        return [*options, "--entrypoint", job.argv[0], image.name, *job.argv[1:]]
    return [*options, image.name, *job.argv]


def _environment(values: Dict[str, str], file: IO[bytes]) -> tuple[Dict[str, str], List[str]]:
    """Write variables to the engine's file; return those that no line can hold, and their names."""
    hard = {name: value for name, value in values.items() if _breaks_a_line(value)}
    lines = [f"{name}={value}\n" for name, value in values.items() if name not in hard]
    file.write("".join(lines).encode())
    file.seek(0)
    return hard, sorted(hard)


def _breaks_a_line(value: str) -> bool:
    return "\n" in value or "\r" in value or len(value) > _LONGEST_LINE


def _ended(code: int) -> Ended:
    try:
        return Ended(signal=signals.Signals(code - 128)) if code > 128 else Ended(code=code)
    except ValueError:
        return Ended(code=code)


async def _remove(engine: Engine, name: str) -> None:
    """Remove a container that may not exist. It is killed first: removing alone may wait for it to end."""
    await _output(engine.command("kill", name))
    await _output(engine.command("rm", "--force", "--volumes", name))


async def _output(command: List[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return (await process.communicate())[0].decode(errors="replace")


def _end_of(path: str) -> str:
    with open(path, "rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - 4096))
        return last_line(log.read().decode(errors="replace"))
