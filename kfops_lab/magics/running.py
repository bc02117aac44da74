"""``%kfops run``: start a run of the uploaded version, and watch it."""

from __future__ import annotations

from argparse import Namespace

from kfops_lab.arguments import VerbParser, parameters
from kfops_lab.display.run import still
from kfops_lab.magics.verb import Verb, display
from kfops_lab.magics.watch import follow
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the run's parameters and options."""
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--wait", action="store_true", help="watch the run until it ends")
    parser.add_argument("--version", default="", metavar="ID")
    parser.add_argument("--name", metavar="NAME", help="name of the run")
    parser.add_argument("--experiment", metavar="NAME")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Start a run; with ``--wait`` show it live and fail the cell if it fails."""
    from kfops import runs

    session.run = runs.run(
        session.need_version(arguments.version),
        parameters=parameters(arguments.parameters),
        name=arguments.name,
        experiment=arguments.experiment,
        connection=session.connection,
        config=session.config,
    )
    if arguments.wait:
        follow(session, session.run.id)
    else:
        display(still(session.run, {}, note="Next: <code>%kfops watch</code>"))


VERB = Verb("run", "[--wait] [NAME=VALUE ...]", "run the uploaded version", execute, arguments)
