"""``%kfops compile``: a file instead of a cell."""

from __future__ import annotations

from argparse import Namespace

from kfops_lab.arguments import VerbParser
from kfops_lab.display.package import package
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare the file and, where it holds several, the pipeline function."""
    parser.add_argument("path", metavar="FILE")
    parser.add_argument("--function", metavar="NAME")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Compile a ``.py`` or ``.ipynb`` file and remember its package."""
    from kfops import compiler

    session.package = compiler.compile(arguments.path, function=arguments.function, config=session.config)
    session.version = None
    display(package(session.package))


VERB = Verb("compile", "FILE", "compile the pipeline of a .py or .ipynb file", execute, arguments)
