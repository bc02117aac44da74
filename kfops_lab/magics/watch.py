"""``%kfops watch``: follow a run until it ends; interrupting the cell ends the watching, not the run."""

from __future__ import annotations

from argparse import Namespace
from typing import Dict, List

from kfops.errors import KfopsError, RunFailed
from kfops.types import Run
from kfops_lab.arguments import VerbParser
from kfops_lab.display.run import steps_of, still
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


class WatchingStopped(KeyboardInterrupt):
    """The cell was interrupted while it watched a run; the run goes on."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.id)
        self._run = run

    def _render_traceback_(self) -> List[str]:
        return [f"Stopped watching. The run {self._run.name} goes on: %kfops watch {self._run.id}"]


def arguments(parser: VerbParser) -> None:
    """Declare the run."""
    parser.add_argument("run", nargs="?", default="", metavar="RUN")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Follow the run that was named, else the last one."""
    follow(session, session.need_run(arguments.run))


def follow(session: Session, run_id: str) -> None:
    """Show a run live until it ends.

    Raises
    ------
    RunFailed
        When it ends other than with success.
    WatchingStopped
        When the cell is interrupted.
    """
    from kfops import runs

    run = runs.get_run(run_id, session.connection)

    def read_log(step_id: str) -> str:
        try:
            return runs.step_log(run.id, step_id, session.connection)
        except KfopsError as error:
            return f"({error.message})"

    if not run.finished:
        from kfops_lab.live import LiveRun

        live = LiveRun(read_log)
        try:
            live.show(run)
            run = runs.wait(run, on_update=live.update, connection=session.connection)
        except KeyboardInterrupt:
            now = runs.get_run(run.id, session.connection)
            live.finish(still(now, live.logs, note=f"Not watched any more: <code>%kfops watch {now.id}</code>"))
            raise WatchingStopped(now) from None
        except RunFailed:
            run = runs.get_run(run.id, session.connection)
        except KfopsError:
            live.finish(still(run, live.logs, note=f"Watch it again: <code>%kfops watch {run.id}</code>"))
            raise
        live.update(run)
        live.finish(still(run, live.logs))
    else:
        logs: Dict[str, str] = {step.id: read_log(step.id) for step in steps_of(run) if step.started_at}
        display(still(run, logs))
    session.run = run
    if run.state != "succeeded":
        raise RunFailed(
            f"{run.name} {'was stopped' if run.state == 'stopped' else 'failed'}.",
            why=run.error,
            remedy="Open the step above for its log, or type %kfops logs STEP.",
            run_id=run.id,
        )


VERB = Verb("watch", "[RUN]", "follow a run until it ends", execute, arguments)
