"""From the line of a magic to the verb that carries it out."""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, Optional

from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from kfops.errors import InvalidInput, KfopsError
from kfops_lab.arguments import nearest, split
from kfops_lab.display.failure import concise
from kfops_lab.display.help import overview, verb_help
from kfops_lab.magics import verbs
from kfops_lab.magics.verb import Verb
from kfops_lab.session import Session


@magics_class
class KfopsMagics(Magics):
    """The ``%kfops`` line magic and the ``%%kfops`` cell magic of one shell."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.session = Session(shell)

    @line_cell_magic
    def kfops(self, line: str, cell: Optional[str] = None) -> None:
        """Work with Kubeflow pipelines: ``%kfops`` alone lists the verbs."""
        try:
            self._carry_out(line, cell)
        except KfopsError as error:
            # IPython asks an exception how it wants to be shown: three lines, not a page of traceback.
            error._render_traceback_ = partial(concise, error)  # type: ignore[attr-defined]
            raise

    def _carry_out(self, line: str, cell: Optional[str]) -> None:
        words = split(line)
        if not words or words[0] in ("help", "--help", "-h"):
            display(overview(verbs.LINE, verbs.CELL) if len(words) < 2 else verb_help(_verb(words[1], None)))
            return
        verb = _verb(words[0], cell)
        if {"--help", "-h"} & set(words[1:]):
            display(verb_help(verb))
            return
        verb.execute(self.session, verb.parser().parse_args(words[1:]), cell or "")


def _verb(name: str, cell: Optional[str]) -> Verb:
    known: Dict[str, Verb] = verbs.LINE if cell is None else verbs.CELL
    if name in known:
        return known[name]
    sign = "%kfops" if cell is None else "%%kfops"
    if name in verbs.LINE:
        raise InvalidInput(f"%%kfops {name} takes no cell.", remedy=f"Write it with one %: %kfops {name}")
    if name in verbs.CELL:
        raise InvalidInput(
            f"%kfops {name} needs a cell.", remedy=f"Write it as the first line of a cell: %%kfops {name}"
        )
    guess = nearest(name, known)
    raise InvalidInput(
        f"{sign} has no verb {name!r}.",
        remedy=f"Did you mean {sign} {guess}?" if guess else "%kfops alone lists the verbs.",
    )
