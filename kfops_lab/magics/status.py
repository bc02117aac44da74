"""``%kfops status``: which backend, as whom, where, and which versions."""

from __future__ import annotations

from argparse import Namespace

import kfops
from kfops_lab.display import lists
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Connect anew and show the connection."""
    session.reconnect()
    display(lists.connection(session.connection.status(), kfops.__version__))


VERB = Verb("status", "", "backend, identity, namespace, versions", execute)
