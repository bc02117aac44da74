"""``%kfops use``: choose between the cluster and the embedded backend."""

from __future__ import annotations

from argparse import Namespace

import kfops
from kfops.choices import KINDS
from kfops_lab.arguments import VerbParser
from kfops_lab.display import lists
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the backend."""
    parser.add_argument("kind", choices=KINDS, metavar="|".join(KINDS))


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Keep the choice, show where it leads, and say why when that cannot be used."""
    status = kfops.use(arguments.kind, session.config)
    session.reconnect()
    display(lists.connection(status, kfops.__version__))
    if status.error is not None:
        raise kfops.KfopsError.from_dict(status.error)


VERB = Verb("use", "|".join(KINDS), "choose the backend of this project", execute, arguments)
