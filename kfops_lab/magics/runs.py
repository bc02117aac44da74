"""``%kfops runs``: the newest runs."""

from __future__ import annotations

from argparse import Namespace

from kfops_lab.arguments import VerbParser
from kfops_lab.display import lists
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare how many."""
    parser.add_argument("--count", type=int, default=20, metavar="N")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """List the newest runs."""
    from kfops import runs

    found, _ = runs.list_runs(session.connection, page_size=arguments.count)
    display(lists.runs(found))


VERB = Verb("runs", "[--count N]", "the newest runs", execute, arguments)
