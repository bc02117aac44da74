"""``%kfops build``: a version's images, tagged with the version's id."""

from __future__ import annotations

import sys
from argparse import Namespace

from kfops_lab.arguments import VerbParser
from kfops_lab.display import lists
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the version."""
    parser.add_argument("--version", default="", metavar="ID", help="build for this version instead of the last")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Upload the last package if that has not been done, then build the images its version lacks."""
    from kfops import images, pipelines

    if not arguments.version and session.version is None:
        session.version = pipelines.upload(session.need_package(), connection=session.connection, config=session.config)
    built = images.build(
        session.need_version(arguments.version),
        package=None if arguments.version else session.package,
        connection=session.connection,
        config=session.config,
        on_log=_print,
    )
    display(lists.images(built))


def _print(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


VERB = Verb("build", "[--version ID]", "upload, and build the version's images", execute, arguments)
