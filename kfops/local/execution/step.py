"""One container step: its inputs put in place, its processes run, its outputs taken."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, TypeVar

from .. import launcher
from ..artifacts import ArtifactStore
from ..executors.base import Ended, Executor, Job
from ..workflow.inputs import Inputs
from .collecting import collect, place_inputs
from .environment import (
    Pod,
    SecretValues,
    StepError,
    command_line,
    container_environment,
    expand,
    inherited,
    with_interpreter_first,
)
from .paths import TEMPORARY, WORK, Rewriting, on_host, opened_folders, own_folders
from .preamble import CONSTRAINTS, KFP_NEEDS, PACKAGES, installed_in, installs, without_satisfied_installs

DEADLINE = "Pod was active on the node longer than the specified deadline"
GRACE = 5.0
_CLEAN_AFTER = 0.5
_SHARED_FILES = Path(__file__).resolve().parents[1] / "executors" / "shared_files"
_T = TypeVar("_T")


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


@dataclass
class Result:
    """How a step ended: Argo's phase and message, the node's outputs, and metrics for the run."""

    phase: str
    message: str = ""
    outputs: Dict[str, Any] = field(default_factory=dict)
    metrics: List[Dict[str, Any]] = field(default_factory=list)


class StepRunner:
    """Runs steps with an executor, in folders below ``<data dir>/runs``.

    Parameters
    ----------
    data_dir
        The backend's data folder.
    executor
        Makes the processes.
    python
        The pipeline environment's interpreter; the steps' ``python`` and ``python3``.
    """

    def __init__(self, data_dir: Path, executor: Executor, python: str) -> None:
        self._data_dir = data_dir
        self._executor = executor
        self.python = python
        self._installed = installed_in(python)
        self._secrets = SecretValues(data_dir / "secrets.yaml")
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="kfops-files")
        self._uncleaned: Dict[str, Callable[[], None]] = {}
        #: The artifacts of all runs.
        self.artifacts = ArtifactStore(data_dir / "artifacts")

    def folder(self, run_id: str, node_id: str) -> Path:
        """Return the folder of a step, with its ``main.log``."""
        return self._data_dir / "runs" / run_id / node_id

    async def run(self, step: Step) -> Result:
        """Run a step to its end; when cancelled, its processes are killed first."""
        prepared: Optional[_Prepared] = None
        try:
            prepared = await self._in_thread(functools.partial(self._prepare, step))
            ended = await self._execute(step, prepared)
            if isinstance(ended, Result):
                return ended
            return await self._in_thread(functools.partial(self._take, step, prepared, ended))
        except (StepError, launcher.LauncherError) as error:
            by_launcher = isinstance(error, launcher.LauncherError)
            text = f"Error (exit code 1): {error}" if by_launcher else str(error)
            self.log(step.run_id, step.node_id, f"kfops: {error}\n")
            return Result("Failed" if by_launcher else "Error", text)
        except OSError as error:
            return Result("Error", f"The step's files: {error}")
        finally:
            self._clean_soon(step)

    async def stop(self, run_id: str, node_id: str) -> None:
        """Ask a step to end, and kill it when it does not."""
        await self._executor.stop(f"{run_id}/{node_id}", GRACE)

    def log(self, run_id: str, node_id: str, text: str) -> None:
        """Add to a step's log what its processes did not write themselves."""
        folder = self.folder(run_id, node_id)
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "main.log", "a", encoding="utf-8") as log:
            log.write(text)

    @property
    def notice(self) -> str:
        """What every run says about where its steps run."""
        notice = f"Images are not used: steps run with the programs of this machine and {self.python}."
        if not self._executor.isolated:
            notice += (
                " They share the file system, but for the paths that a step declares and /tmp in its command line."
            )
        return notice

    def _clean_soon(self, step: Step) -> None:
        """Remove a step's folders when the kernel has let go of what was mounted there; before, it takes it long."""
        key = f"{step.run_id}/{step.node_id}"

        def clean() -> None:
            if self._uncleaned.pop(key, None) is not None:
                self._threads.submit(self._clean, step)

        self._uncleaned[key] = clean
        asyncio.get_event_loop().call_later(_CLEAN_AFTER, clean)

    def close(self) -> None:
        """Wait for file work that has begun, and leave no step's folder."""
        for clean in list(self._uncleaned.values()):
            clean()
        self._threads.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_event_loop().run_in_executor(self._threads, work)

    async def _execute(self, step: Step, prepared: _Prepared) -> Ended | Result:
        limit = step.template.get("activeDeadlineSeconds")
        running = asyncio.ensure_future(self._executor.run(prepared.job))
        try:
            if limit is None:
                return await running
            done, _ = await asyncio.wait([running], timeout=float(limit))
            if done:
                return running.result()
            await self.stop(step.run_id, step.node_id)
            await asyncio.wait([running])
            return Result("Failed", DEADLINE)
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait([running])
            raise

    def _prepare(self, step: Step) -> _Prepared:
        folder = self.folder(step.run_id, step.node_id)
        root = folder / "root"
        self._uncleaned.pop(f"{step.run_id}/{step.node_id}", None)
        shutil.rmtree(str(root), ignore_errors=True)
        root.mkdir(parents=True, exist_ok=True)
        container = step.template["container"]
        asked = container_environment(container, step.pod, self._secrets)
        cwd = expand(str(container.get("workingDir") or WORK), asked)
        host = functools.partial(on_host, root, cwd=cwd)
        place_inputs(step.template, step.inputs, host, self.artifacts)
        argv = command_line(container, asked)
        launch = launcher.parse(argv)
        executor_input: Dict[str, Any] = {}
        if launch is not None:
            argv, executor_input = launcher.prepare(launch, host, self.artifacts)
        own = own_folders(step.template, cwd)
        opened = opened_folders(step.template, own)
        argv = without_satisfied_installs(argv, self._installed)
        if installs(argv):
            constraints = host(CONSTRAINTS)
            constraints.parent.mkdir(parents=True, exist_ok=True)
            constraints.write_text(KFP_NEEDS, encoding="utf-8")
            asked.setdefault("PIP_CONSTRAINT", CONSTRAINTS)
            asked.setdefault("PIP_TARGET", PACKAGES)
            asked["PYTHONPATH"] = os.pathsep.join(filter(None, [PACKAGES, asked.get("PYTHONPATH")]))
        if not self._executor.isolated:
            rewriting = Rewriting(root, [*own, *opened])
            argv, asked, cwd = rewriting.words(argv), rewriting.values(asked), rewriting.text(cwd)
            for path in [*own, *opened]:
                on_host(root, path).mkdir(parents=True, exist_ok=True)
            asked.setdefault("TMPDIR", str(root / "tmp"))
            asked["KFOPS_STEP_ROOT"] = str(root)
            asked["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_SHARED_FILES), asked.get("PYTHONPATH")]))
        models = self._data_dir / "models"
        models.mkdir(parents=True, exist_ok=True)
        job = Job(
            id=f"{step.run_id}/{step.node_id}",
            argv=argv,
            env=self._environment(step, asked, models),
            root=str(root),
            folder=str(folder),
            cwd=cwd,
            private=own,
            opened=opened,
            visible=self._interpreter(),
            shared=[str(models)],
        )
        return _Prepared(job, host, launch, executor_input)

    def _environment(self, step: Step, asked: Mapping[str, str], models: Path) -> Dict[str, str]:
        values = inherited(os.environ)
        with_interpreter_first(values, os.path.dirname(self.python))
        values.update(KFOPS_LOCAL="1", KFOPS_MODEL_STORE=str(models), PYTHONUNBUFFERED="1")
        values["KFOPS_STEP"] = str(self.folder(step.run_id, step.node_id))
        values.update(asked)
        return values

    def _interpreter(self) -> List[str]:
        """Return the interpreter's folders, where they lie below ``/tmp`` and would be hidden by a step's own."""
        prefix = os.path.dirname(os.path.dirname(self.python))
        found = {prefix, sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(self.python))}
        return sorted(path for path in found if path.startswith(TEMPORARY + "/"))

    def _take(self, step: Step, prepared: _Prepared, ended: Ended) -> Result:
        if ended.error:
            return Result("Error", ended.error)
        if not ended.succeeded:
            return Result("Failed", ended.message(), {"exitCode": str(ended.exit_code)})
        made: List[Dict[str, Any]] = []
        if prepared.launch is not None:
            made = launcher.finish(prepared.launch, prepared.executor_input, prepared.host, self.artifacts)
        key = functools.partial(self.artifacts.key, step.workflow_name, step.started, step.node_id)
        taken = collect(step.template, prepared.host, self.artifacts, key)
        return Result("Succeeded", "", {**taken.outputs, "exitCode": "0"}, [*taken.metrics, *launcher.metrics(made)])

    def _clean(self, step: Step) -> None:
        folder = self.folder(step.run_id, step.node_id)
        shutil.rmtree(str(folder / "root"), ignore_errors=True)
        (folder / "guard.json").unlink() if (folder / "guard.json").exists() else None


@dataclass(frozen=True)
class _Prepared:
    job: Job
    host: Callable[[str], Path]
    launch: Optional[launcher.Launch]
    executor_input: Dict[str, Any]
