"""``%kfops stop``: end a run before its time."""

from __future__ import annotations

from argparse import Namespace

from kfops_lab.arguments import VerbParser
from kfops_lab.display.run import still
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the run."""
    parser.add_argument("run", nargs="?", default="", metavar="RUN")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Stop the run that was named, else the last one."""
    from kfops import runs

    display(still(runs.stop_run(session.need_run(arguments.run), session.connection), {}))


VERB = Verb("stop", "[RUN]", "stop a run", execute, arguments)
