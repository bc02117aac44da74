"""``%kfops models``: the model versions in the store."""

from __future__ import annotations

from argparse import Namespace

from kfops_lab.display import lists
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """List the model versions, the newest first."""
    from kfops import models

    display(lists.models(models.list_models(config=session.config, connection=session.connection)))


VERB = Verb("models", "", "the model versions in the model store", execute)
