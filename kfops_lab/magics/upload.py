"""``%kfops upload``: the compiled pipeline becomes a version."""

from __future__ import annotations

from argparse import Namespace

from kfops_lab.arguments import VerbParser
from kfops_lab.display.package import version
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the pipeline's and the version's name."""
    parser.add_argument("--pipeline", metavar="NAME", help="name of the pipeline, instead of its own")
    parser.add_argument("--name", metavar="NAME", help="name of the version, instead of its number")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Upload the last package and remember the version."""
    from kfops import pipelines

    session.version = pipelines.upload(
        session.need_package(),
        pipeline_name=arguments.pipeline,
        version_name=arguments.name,
        connection=session.connection,
        config=session.config,
    )
    display(version(session.version))


VERB = Verb("upload", "[--pipeline NAME]", "make a pipeline version of the compiled pipeline", execute, arguments)
