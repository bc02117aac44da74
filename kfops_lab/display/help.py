"""``%kfops`` alone: the verbs, on one screen."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Dict, List, Tuple

from kfops_lab.display.bundle import Shown, card, columns, table

if TYPE_CHECKING:
    from kfops_lab.magics.verb import Verb


def overview(line: Dict[str, Verb], cell: Dict[str, Verb]) -> Shown:
    """Show every verb with its arguments and what it does."""
    rows: List[Tuple[str, str]] = [
        (f"{'%%' if verb.cell else '%'}kfops {verb.name} {verb.usage}".strip(), verb.summary)
        for verb in [*cell.values(), *line.values()]
    ]
    html = [(f"<code>{escape(usage)}</code>", escape(summary)) for usage, summary in rows]
    return Shown(card(table(["Magic", ""], html)), columns(["Magic", ""], rows))


def verb_help(verb: Verb) -> Shown:
    """Show the help of one verb."""
    text = verb.parser().format_help().strip()
    return Shown(card(f"<pre>{escape(text)}</pre>"), text)
