"""What a verb of ``%kfops`` is made of.

A verb imports what it needs of kfops when it is called, so that ``%load_ext kfops_lab`` takes no time.
"""

from __future__ import annotations

from argparse import Namespace
from typing import Callable, NamedTuple, Optional

from IPython.display import display

from kfops_lab.arguments import VerbParser
from kfops_lab.session import Session

#: Carries a verb out: the notebook's session, the parsed line, and the cell below it ("" for a line magic).
Execute = Callable[[Session, Namespace, str], None]


class Verb(NamedTuple):
    """A verb: its name, its help in one line, the arguments it takes, and what it does."""

    name: str
    usage: str
    summary: str
    execute: Execute
    arguments: Optional[Callable[[VerbParser], None]] = None
    cell: bool = False

    def parser(self) -> VerbParser:
        """Return the parser of this verb's line."""
        parser = VerbParser(self.name, self.summary, cell=self.cell)
        if self.arguments is not None:
            self.arguments(parser)
        return parser


__all__ = ["Execute", "Verb", "display"]
