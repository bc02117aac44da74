"""One container step: its inputs put in place, its processes run, its outputs taken."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, TypeVar

from .. import launcher
from ..artifacts import ArtifactStore
from ..executors.base import Ended, Executor, Job
from ..workflow.needs import needs
from ..workflow.patching import MAIN, PatchError, patched
from ..workflow.spec import Workflow
from .claim_steps import act, acts_on_claims
from .claims import ClaimError, Claims
from .collecting import Taken, collect, is_small
from .containers import init_containers
from .draft import Draft, Metrics, Step, Surroundings
from .environment import SecretValues, StepError, inherited
from .installing import ROOT, installation
from .lacking import lacking
from .packages import HalfMade, Layer, Layers
from .preamble import installed_in
from .preparing import prepare, takes_long
from .roots import Roots, lasts

DEADLINE = "Pod was active on the node longer than the specified deadline"
GRACE = 5.0
#: Where in the data folder the steps' roots are.
ROOTS = "roots"
_CLEAN_AFTER = 0.5
#: What a step's folder has only while the step is executed.
_OF_ATTEMPT = ("init", "volumes", ROOT)
_T = TypeVar("_T")


@dataclass
class Result:
    """How a step ended: Argo's phase and message, the node's outputs, and metrics for the run."""

    phase: str
    message: str = ""
    outputs: Dict[str, Any] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=list)


class StepRunner:
    """Runs steps with an executor, in folders below ``<data dir>/runs``.

    Parameters
    ----------
    data_dir
        The backend's data folder.
    executor
        Makes the processes.
    python
        The pipeline environment's interpreter; the steps' ``python`` and ``python3``. "" where they bring their own.
    secrets
        The file with secrets and config maps.
    """

    def __init__(self, data_dir: Path, executor: Executor, python: str, secrets: Path) -> None:
        self._data_dir = data_dir
        self._executor = executor
        self.python = python
        self._installed = installed_in(python)
        self._secrets = SecretValues(secrets)
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="kfops-files")
        self._layers = Layers(data_dir)
        self._claims = Claims(data_dir / "volumes")
        self._stopping: Set[str] = set()
        self._roots = Roots(data_dir / ROOTS, executor.forget, self._threads)
        self._uncleaned: Dict[str, Callable[[], None]] = {}
        #: The artifacts of all runs.
        self.artifacts = ArtifactStore(data_dir / "artifacts")

    def folder(self, run_id: str, node_id: str) -> Path:
        """Return the folder of a step, with its ``main.log``."""
        return self._data_dir / "runs" / run_id / node_id

    async def run(self, step: Step) -> Result:
        """Run a step to its end; when cancelled, its processes are killed first."""
        try:
            step = replace(step, template=patched(step.template))
            if acts_on_claims(step.template):
                return await self._in_thread(functools.partial(self._act, step))
            return await self._run_in_root(step)
        except (StepError, PatchError, launcher.LauncherError) as error:
            by_launcher = isinstance(error, launcher.LauncherError)
            text = f"Error (exit code {launcher.EXIT_CODE}): {error}" if by_launcher else str(error)
            self.log(step.run_id, step.node_id, f"kfops: {error}\n")
            return Result("Failed" if by_launcher else "Error", text)
        except OSError as error:
            return Result("Error", f"The step's files: {error}")
        finally:
            self._stopping.discard(step.id)

    async def _run_in_root(self, step: Step) -> Result:
        root, again = self._roots.take(), False
        try:
            preparing = functools.partial(self._prepare, step, root)
            draft, containers = await self._in_thread(preparing) if takes_long(step, self._around) else preparing()
            again = containers[-1][1].lasting
            asyncio.get_event_loop().call_soon(self._roots.sweep)  # when this step is on its way
            ended = await self._execute(draft, containers)
            if isinstance(ended, Result):
                return ended
            taking = functools.partial(self._take, draft, ended)
            return taking() if is_small(draft) else await self._in_thread(taking)
        finally:
            self._roots.give_back(root, again)
            self._clean_soon(step)

    async def stop(self, run_id: str, node_id: str) -> None:
        """Ask a step to end, and kill it when it does not."""
        self._stopping.add(f"{run_id}/{node_id}")
        await self._executor.stop(f"{run_id}/{node_id}", GRACE)

    def lacking(self, workflow: Workflow) -> List[str]:
        """Tell which Secrets, ConfigMaps and claims the steps of a workflow would not find; raises StepError."""
        return list(lacking(needs(workflow), self._secrets, self._claims))

    def log(self, run_id: str, node_id: str, text: str) -> None:
        """Add to a step's log what its processes did not write themselves."""
        folder = self.folder(run_id, node_id)
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "main.log", "a", encoding="utf-8") as log:
            log.write(text)

    @property
    def notice(self) -> str:
        """What every run says about where its steps run."""
        if self._executor.images:
            return "Steps run in containers of their images, with this machine's network."
        notice = f"Images are not used: steps run with the programs of this machine and {self.python}."
        if not self._executor.isolated:
            notice += (
                " They share the file system, but for the paths that a step declares and /tmp in its command line."
            )
        return notice

    def _clean_soon(self, step: Step) -> None:
        """Remove a step's folders when the kernel has let go of what was mounted there; before, it takes it long."""
        folder = str(self.folder(step.run_id, step.node_id))
        if not os.path.isdir(folder) or not set(os.listdir(folder)).intersection(_OF_ATTEMPT):
            return

        def clean() -> None:
            if self._uncleaned.pop(step.id, None) is not None:
                self._threads.submit(self._clean, step)

        self._uncleaned[step.id] = clean
        asyncio.get_event_loop().call_later(_CLEAN_AFTER, clean)

    def close(self) -> None:
        """Wait for file work that has begun, and leave no step's folder."""
        for clean in list(self._uncleaned.values()):
            clean()
        self._threads.shutdown(wait=True)
        self._roots.close()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_event_loop().run_in_executor(self._threads, work)

    async def _execute(self, draft: Draft, containers: List[Tuple[str, Job]]) -> Ended | Result:
        step = draft.step
        limit = _seconds(step.template.get("activeDeadlineSeconds"))
        if limit is None:
            return await self._run_containers(draft, containers)
        running = asyncio.ensure_future(self._run_containers(draft, containers))
        try:
            done, _ = await asyncio.wait([running], timeout=limit)
            if done:
                return running.result()
            await self.stop(step.run_id, step.node_id)
            await asyncio.wait([running])
            return Result("Failed", DEADLINE)
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait([running])
            raise

    async def _run_containers(self, draft: Draft, containers: List[Tuple[str, Job]]) -> Ended | Result:
        """Run the init containers, and then the main one, which is the last."""
        step = draft.step
        for name, job in containers[:-1]:
            self.log(step.run_id, step.node_id, f"kfops: init container {name}\n")
            ended = await self._executor.run(job)
            if not ended.succeeded:
                return Result("Error", f"Pod failed before main container starts: {name}: {ended.message()}")
            if step.id in self._stopping:
                return Ended(error="The step was stopped.")
        if len(containers) > 1:
            self.log(step.run_id, step.node_id, "kfops: main container\n")
        if draft.layer is not None:
            refused = await self._layers.ready(draft.layer, functools.partial(self._install, draft, draft.layer))
            if refused is not None:
                return refused
            if step.id in self._stopping:
                return Ended(error="The step was stopped.")
        return await self._executor.run(containers[-1][1])

    async def _install(self, draft: Draft, layer: Layer, half_made: HalfMade) -> Ended:
        self.log(draft.step.run_id, draft.step.node_id, f"kfops: installing {', '.join(layer.requirements)}\n")
        return await self._executor.run(installation(draft, layer, half_made))

    def _prepare(self, step: Step, root: Path) -> Tuple[Draft, List[Tuple[str, Job]]]:
        folder = self.folder(step.run_id, step.node_id)
        self._uncleaned.pop(step.id, None)
        try:
            os.mkdir(folder)
        except FileExistsError:
            self._clean(step)
        except FileNotFoundError:
            folder.mkdir(parents=True)
        draft = prepare(step, folder, root, self._around)
        main = draft.job()
        return draft, [*init_containers(draft), (MAIN, replace(main, lasting=lasts(main)))]

    @cached_property
    def _around(self) -> Surroundings:
        return Surroundings(
            data_dir=self._data_dir,
            python=self.python,
            isolated=self._executor.isolated,
            artifacts=self.artifacts,
            secrets=self._secrets,
            claims=self._claims,
            installed=self._installed,
            variables=inherited(os.environ),
            layers=self._layers,
            images=self._executor.images,
        )

    def _act(self, step: Step) -> Result:
        """Do what a step asks for that acts on claims and has no processes."""
        try:
            done = act(step.template, self._claims, step.id)
        except ClaimError as error:
            self.log(step.run_id, step.node_id, f"{error}\n")
            return Result("Failed", f"Error (exit code 1): {error}", {"exitCode": "1"})
        self.log(step.run_id, step.node_id, done.log)
        return Result("Succeeded", "", {**done.outputs, "exitCode": "0"})

    def _take(self, draft: Draft, ended: Ended) -> Result:
        draft.settle()
        if ended.error:
            return Result("Error", ended.error)
        if not ended.succeeded:
            left = self._left_behind(draft)
            code, message = ended.exit_code, ended.message()
            if draft.launched and code != launcher.EXIT_CODE:
                code, message = launcher.EXIT_CODE, launcher.failure(message)
            return Result("Failed", message, {**left.outputs, "exitCode": str(code)}, left.metrics)
        metrics = [metric for work in draft.afterwards for metric in work()]
        taken = self._collect(draft)
        return Result("Succeeded", "", {**taken.outputs, "exitCode": "0"}, [*taken.metrics, *metrics])

    def _collect(self, draft: Draft) -> Taken:
        step = draft.step
        key = functools.partial(self.artifacts.key, step.workflow_name, step.started, step.node_id)
        return collect(step.template, draft.host, self.artifacts, key)

    def _left_behind(self, draft: Draft) -> Taken:
        """Return what a step had written before it failed, unless one of its outputs is not there."""
        try:
            return Taken() if draft.step.id in self._stopping else self._collect(draft)
        except (StepError, OSError):
            return Taken()

    def _clean(self, step: Step) -> None:
        folder = self.folder(step.run_id, step.node_id)
        for name in _OF_ATTEMPT:
            shutil.rmtree(str(folder / name), ignore_errors=True)


def _seconds(limit: Any) -> Optional[float]:
    try:
        return None if limit is None else float(limit)
    except ValueError:
        raise StepError(f"activeDeadlineSeconds {limit!r} is not a number") from None
