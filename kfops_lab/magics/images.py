"""``%%kfops image NAME``: the cell is a Dockerfile."""

from __future__ import annotations

from argparse import Namespace
from html import escape

from kfops_lab.arguments import VerbParser
from kfops_lab.display.bundle import QUIET, Shown, card, line
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the image's name."""
    parser.add_argument("name", metavar="NAME")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Keep the Dockerfile, and show how a pipeline uses the image."""
    from kfops import images, tagger

    path = images.save_dockerfile(arguments.name, cell, session.config)
    session.dockerfiles[arguments.name] = cell
    reference = tagger.versioned_image(arguments.name)
    use = f'versioned_image("{arguments.name}")'
    html = card(
        line(f"image <b>{escape(arguments.name)}</b>", f"<code>{escape(reference)}</code>"),
        f'<div style="{QUIET}">Kept in <code>{escape(str(path))}</code>.</div>',
        f'<div style="{QUIET}">In a pipeline: <code>{escape(use)}</code></div>',
    )
    display(Shown(html, f"image {arguments.name}: {reference}\nIn a pipeline: {use}"))


VERB = Verb("image", "NAME", "the cell is the Dockerfile of an image", execute, arguments, cell=True)
