"""A compile request: what the forked child does with it, and what its outcome means."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import signal as signals
import subprocess
from pathlib import Path
from typing import Any, Callable, Mapping

from kfops.compiling.sandbox import Outcome
from kfops.errors import CompileCrashed, CompileError, CompileExited, CompileOutOfMemory, CompileTimeout, KfopsError
from kfops.types import Artifact, Edge, Graph, Package, Parameter, Source, Step

#: Seconds that compiling may take, and bytes of memory it may ask for, when nothing else is said.
TIME_LIMIT = 60.0
MEMORY_LIMIT = 2 * 1024**3


def answer(request: Mapping[str, Any]) -> bytes:
    """Compile, in a process that ends afterwards, and return the package or the error as JSON."""
    from kfops.compiling.problems import explain

    cells: dict[str, Any] = {}
    try:
        package = _compile(request, cells)
        wire = dataclasses.replace(package, workflow={}, text="").to_dict()
        if not request.get("summary"):
            wire.update(workflow=package.workflow, text=package.text)
        return json.dumps({"result": wire}).encode("utf-8")
    except BaseException as error:  # sys.exit and MemoryError are answers as well
        name = Path(str(request["path"])).name
        return json.dumps({"error": explain(error, name, cells).to_dict()}, default=str).encode("utf-8")


def _compile(request: Mapping[str, Any], cells: dict[str, Any]) -> Package:
    from kfops import config as configuration
    from kfops.compiling import build, context, finish, lean, loading, source

    if request.get("environment") is not None:
        os.environ.clear()
        os.environ.update(request["environment"])
    program = source.read_source(request["path"], request.get("content"), function=request.get("function") or "")
    cells.update(program.cells)
    folder = str(Path(program.path).parent)
    commit = ask_git(folder)  # answers while the rest is done
    config = configuration.load(request.get("config")) if request.get("config") else configuration.load(start=folder)
    mode = build.configured_mode(request.get("mode"), config)
    with context.compiling(config, program.dockerfiles), lean.lean_kfp():
        preferred = config.pipeline.pipeline_function_name or ""
        function = loading.load(program, request.get("function") or "", preferred)
        gc.disable()  # from here on what is made is needed until this process ends
        workflow = build.workflow_of(function, mode, request.get("name") or "")
        origin = Source(program.kind, shown_path(program.path, config), program.sha256, commit())
        return finish.package_of(workflow, mode, origin, dockerfiles=program.dockerfiles)


def read_outcome(request: Mapping[str, Any], outcome: Outcome) -> Package:
    """Return the package that a child answered.

    Raises
    ------
    CompileError
        Or one of its kinds: what the child answered, or how it ended without an answer.
    """
    if outcome.result is not None and not outcome.timed_out and not outcome.cancelled:
        try:
            wire = json.loads(outcome.result)
        except ValueError:
            wire = {}
        if "result" in wire:
            return package_from(wire["result"], output=outcome.output)
        if "error" in wire:
            error = KfopsError.from_dict(wire["error"])
            if outcome.output:
                error.details["output"] = outcome.output
            raise error
    raise _ended(request, outcome)


def _ended(request: Mapping[str, Any], outcome: Outcome) -> CompileError:
    path = str(request.get("path", ""))
    message = f"{Path(path).name} does not compile."
    facts: dict[str, Any] = {"path": path, "output": outcome.output}
    if outcome.cancelled:
        return CompileError(f"Compiling {Path(path).name} was cancelled.", cancelled=True, **facts)
    if outcome.timed_out:
        limit = float(request.get("time_limit") or TIME_LIMIT)
        return CompileTimeout(
            message,
            why=f"It took longer than {limit:g} s.",
            remedy="Do the work in a step, not while the pipeline is compiled; or give a longer time_limit.",
            time_limit=limit,
            **facts,
        )
    if outcome.signal:
        name = signals.Signals(outcome.signal).name
        if "bad_alloc" in outcome.output or "Cannot allocate memory" in outcome.output:
            return CompileOutOfMemory(
                message,
                why="It asked for more memory than a compile may have.",
                remedy="Load data in a step, not while the pipeline is compiled.",
                **facts,
            )
        return CompileCrashed(
            message, why=f"Its process died of {name}.", remedy="See what it printed.", signal=name, **facts
        )
    return CompileExited(
        message,
        why=f"It ended Python itself with os._exit({outcome.exit_code}).",
        remedy="Leave out the call that ends the process.",
        exit_code=outcome.exit_code,
        **facts,
    )


def package_from(wire: Mapping[str, Any], *, output: str = "") -> Package:
    """Return the package that ``to_dict`` described."""
    graph = dict(wire["graph"])
    graph["edges"] = [Edge(**edge) for edge in graph["edges"]]
    graph["steps"] = [_step(step) for step in graph["steps"]]
    return Package(
        **{
            **wire,
            "graph": Graph(**graph),
            "parameters": [Parameter(**parameter) for parameter in wire["parameters"]],
            "source": Source(**wire["source"]),
            "output": output or wire.get("output", ""),
        }
    )


def _step(wire: Mapping[str, Any]) -> Step:
    artifacts = {side: [Artifact(**a) for a in wire[side]] for side in ("input_artifacts", "output_artifacts")}
    return Step(**{**wire, **artifacts})


def shown_path(path: str, config: Any) -> str:
    """Return the path as it is noted in a package: below the project's folder where it is there."""
    root = os.fspath(getattr(config, "root", None) or Path(path).parent)
    relative = os.path.relpath(path, root)
    return Path(path).name if relative.startswith("..") else relative


def ask_git(folder: str) -> Callable[[], str]:
    """Begin to ask git for the commit that ``folder`` is at; return what waits for the answer.

    The answer has ``-dirty`` when files differ from the commit; it is "" without git.
    """
    place = Path(folder)
    if not any((above / ".git").exists() for above in (place, *place.parents)):
        return lambda: ""
    try:
        process = subprocess.Popen(
            ["git", "-C", folder, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return lambda: ""

    def answer() -> str:
        try:
            found, _ = process.communicate(timeout=2)
        except (OSError, ValueError, subprocess.TimeoutExpired):  # the user's code may have closed what it found open
            process.kill()
            process.wait()
            return ""
        return "" if process.returncode else found.decode("ascii", "replace").strip()

    return answer
