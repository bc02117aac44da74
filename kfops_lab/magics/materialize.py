"""``%kfops materialize``: a folder straight from the notebook becomes a model version."""

from __future__ import annotations

from argparse import Namespace

from kfops_lab.arguments import VerbParser
from kfops_lab.display import lists
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the folder and the model's name."""
    parser.add_argument("path", metavar="FOLDER")
    parser.add_argument("--name", metavar="NAME")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Copy the folder into the model store, its manifest naming this notebook."""
    from kfops import model, models

    stored = model.materialize(
        arguments.path,
        name=arguments.name,
        store=models.open_store(config=session.config, connection=session.connection),
        notebook=session.notebook,
    )
    display(lists.models([stored]))


VERB = Verb("materialize", "FOLDER [--name NAME]", "put a folder into the model store", execute, arguments)
