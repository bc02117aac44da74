"""``kfops run``, ``runs``, ``logs``, ``stop`` and ``retry``."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Dict, Optional, Sequence, Tuple

import click

from kfops.cli import compiling, show
from kfops.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from kfops.config import Config
    from kfops.connection import Connection
    from kfops.types import Run, Step

_run_id = click.argument("run_id", metavar="RUN")

#: Seconds between two looks at a log that is followed.
_FOLLOW = 1.0


@click.command()
@click.argument("words", nargs=-1, metavar="[VERSION | PIPELINE | FILE] [PARAMETER=VALUE]...")
@click.option("--wait", "waits", is_flag=True, help="Wait for its end; exit with 1 unless it succeeds.")
@click.option("--timeout", type=float, metavar="SECONDS", help="With --wait: not longer than that.")
@click.option("--name", help="Name of the run.")
@click.option("--experiment", help="Experiment of the run; made if there is none.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def run(
    words: Tuple[str, ...],
    waits: bool,
    timeout: Optional[float],
    name: Optional[str],
    experiment: Optional[str],
    as_json: bool,
) -> None:
    """Run a pipeline version: one named by its id, the newest of a pipeline, or a file uploaded for it.

    Without any of these, the newest version of the pipeline of config.yaml.
    """
    from kfops import runs
    from kfops.config import load
    from kfops.connection import connect

    config = load()
    connection = connect(config)
    target, parameters = taken_apart(words)
    chosen = version_id(target, connection, config, quiet=as_json)
    started = runs.run(
        chosen, parameters=parameters, name=name, experiment=experiment, connection=connection, config=config
    )
    if not as_json:
        show.facts({"Run": started.name, "Id": started.id})
    if waits:
        progress = None if as_json else show.Progress()
        try:
            started = runs.wait(started, timeout=timeout, on_update=progress, connection=connection)
        except KeyboardInterrupt:
            click.echo(f"\nThe run goes on. Look at it: kfops runs {started.id}", err=True)
            raise
        if not as_json:
            show.facts({"State": started.state, "Model": started.model})
    if as_json:
        show.as_json(started.to_dict())


@click.command(name="runs")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--limit", default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_command(run_id: Optional[str], limit: int, as_json: bool) -> None:
    """List runs, the newest first; or show one run with its steps."""
    from kfops import runs

    if run_id:
        found = runs.get_run(run_id)
        if as_json:
            show.as_json(found.to_dict())
        else:
            _show_run(found)
        return
    page, _ = runs.list_runs(page_size=min(max(limit, 1), 200))
    if as_json:
        show.as_json([one.to_dict() for one in page])
        return
    rows = [
        [one.name, one.state, show.local_time(one.created_at), show.duration(one.started_at, one.finished_at), one.id]
        for one in page
    ]
    show.table(["run", "state", "started", "time", "id"], rows, empty="No runs yet. Start one: kfops run")


@click.command()
@_run_id
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the step has ended.")
def logs(run_id: str, step: Optional[str], follow: bool) -> None:
    """Show the log of a STEP, by its name or id; without one, of the step that failed, or of all."""
    from kfops import runs
    from kfops.connection import connect

    connection = connect()
    found = runs.get_run(run_id, connection)
    chosen = _steps(found, step)
    for one in chosen:
        if len(chosen) > 1:
            click.echo(f"--- {one.name} ({one.state})")
        written = runs.step_log(run_id, one.id, connection) if one.state != "pending" or follow else ""
        click.echo(written, nl=not written.endswith("\n") and bool(written))
        while follow and not _ended(run_id, one.id, connection):
            time.sleep(_FOLLOW)
            now = runs.step_log(run_id, one.id, connection)
            click.echo(now[len(written) :], nl=False)
            written = now


@click.command()
@_run_id
def stop(run_id: str) -> None:
    """Stop a run."""
    from kfops import runs

    click.echo(f"The run is {runs.stop_run(run_id).state}.")


@click.command()
@_run_id
def retry(run_id: str) -> None:
    """Run the failed steps of a run again."""
    from kfops import runs

    click.echo(f"The run is {runs.retry_run(run_id).state}.")


def taken_apart(words: Sequence[str]) -> Tuple[Optional[str], Dict[str, str]]:
    """Return the target and the parameters among the words of a command line."""
    targets = [word for word in words if "=" not in word]
    if len(targets) > 1:
        raise click.UsageError(f"One thing is run at a time, not {' and '.join(targets)}.")
    pairs = [word.partition("=") for word in words if "=" in word]
    return (targets[0] if targets else None), {name: value for name, _, value in pairs}


def version_id(target: Optional[str], connection: Connection, config: Config, *, quiet: bool) -> str:
    """Return the id of the version that a command line names; a file is uploaded for it."""
    from kfops.pipelines import find_pipeline, list_versions

    if target is not None and target.endswith((".py", ".ipynb")):
        version = compiling.uploaded(target, None, config)
        if not quiet:
            compiling.show_version(version)
        return version.id
    name = target or config.pipeline.name
    if not name:
        raise InvalidInput(
            "Which pipeline is to be run?",
            why="None was named, and config.yaml names none as pipeline.name.",
            remedy="Name a version's id, a pipeline, or a .py or .ipynb file.",
        )
    pipeline = find_pipeline(name, connection)
    if pipeline is not None:
        return list_versions(pipeline.id, connection)[0].id
    if target is None:
        raise NotFound(f"There is no pipeline {name!r} yet.", remedy="Upload it first: kfops upload")
    try:
        return str(uuid.UUID(target))
    except ValueError:
        raise NotFound(
            f"There is neither a pipeline nor a version {target!r}.",
            remedy="Name a version's id, a pipeline, or a .py or .ipynb file.",
        ) from None


def _show_run(run: Run) -> None:
    show.facts(
        {
            "Run": run.name,
            "State": show.coloured(run.state),
            "Pipeline": f"{run.pipeline_name}, {run.version_name}" if run.version_name else run.pipeline_name,
            "Started": show.local_time(run.created_at),
            "Time": show.duration(run.started_at, run.finished_at),
            "Parameters": ", ".join(f"{name}={value}" for name, value in run.parameters.items()),
            "Metrics": ", ".join(f"{metric.name} {metric.value:g}" for metric in run.metrics),
            "Model": run.model,
            "Error": run.error,
        }
    )
    if run.graph is not None:
        click.echo()
        show.steps(run.graph)


def _steps(run: Run, wanted: Optional[str]) -> Sequence[Step]:
    from kfops.graph import steps_called

    steps = show.in_order(step for step in (run.graph.steps if run.graph else []) if step.kind == "step")
    if wanted is None:
        return [step for step in steps if step.state == "failed"] or [s for s in steps if s.state != "pending"]
    found = show.in_order(steps_called(wanted, run.graph)) if run.graph else []
    if not found:
        names = ", ".join(dict.fromkeys(step.name for step in steps))
        raise NotFound(
            f"The run has no step {wanted!r}.",
            why=f"Its steps are {names}." if names else "It has no steps yet.",
            remedy=f"See them: kfops runs {run.id}",
        )
    return found


def _ended(run_id: str, step_id: str, connection: Connection) -> bool:
    from kfops import runs
    from kfops.types import FINAL_STATES

    run = runs.get_run(run_id, connection)
    states = [step.state for step in (run.graph.steps if run.graph else []) if step.id == step_id]
    return run.finished or any(state in FINAL_STATES for state in states)


COMMANDS = (run, list_command, logs, stop, retry)
