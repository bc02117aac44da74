"""``%kfops logs``: what a step printed."""

from __future__ import annotations

from argparse import Namespace

from kfops.errors import NotFound
from kfops_lab.arguments import VerbParser, nearest
from kfops_lab.display.run import steps_of
from kfops_lab.magics.verb import Verb
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the step and the run."""
    parser.add_argument("step", nargs="?", default="", metavar="STEP")
    parser.add_argument("--run", default="", metavar="RUN")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Print the log of one step, or of every step that has started."""
    from kfops import runs
    from kfops.graph import steps_called

    run = runs.get_run(session.need_run(arguments.run), session.connection)
    steps = steps_of(run)
    called = steps_called(arguments.step, run.graph) if arguments.step and run.graph else steps
    chosen = [step for step in steps if step in called]
    if not chosen:
        names = [step.name for step in steps]
        guess = nearest(arguments.step, names)
        raise NotFound(
            f"{run.name} has no step {arguments.step!r}.",
            why=f"Its steps are {', '.join(names)}.",
            remedy=f"%kfops logs {guess}" if guess else "",
        )
    for step in chosen:
        if step.started_at:
            if len(chosen) > 1:
                print(f"── {step.name} " + "─" * max(2, 60 - len(step.name)))
            print(runs.step_log(run.id, step.id, session.connection).rstrip("\n"))


VERB = Verb("logs", "[STEP] [--run RUN]", "what a step printed", execute, arguments)
