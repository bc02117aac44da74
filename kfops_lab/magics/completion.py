"""Tab after ``%kfops``: verbs, then the options of the verb."""

from __future__ import annotations

from typing import Any, List

from kfops_lab.magics import verbs


def candidates(line: str, symbol: str) -> List[str]:
    """Return what can stand where ``symbol`` is being typed at the end of ``line``."""
    known = verbs.CELL if line.startswith("%%") else verbs.LINE
    words = line.split()
    if len(words) < 2 or (len(words) == 2 and not line.endswith(" ")):
        return [name for name in known if name.startswith(symbol)]
    verb = known.get(words[1])
    if verb is None:
        return []
    options = [option for action in verb.parser()._actions for option in action.option_strings]
    return [option for option in options if option.startswith(symbol)]


def register(shell: Any) -> None:
    """Have IPython ask us about lines that start with ``%kfops`` or ``%%kfops``."""

    def complete(_: Any, event: Any) -> List[str]:
        return candidates(event.text_until_cursor, event.symbol)

    for sign in ("%kfops", "%%kfops"):
        shell.set_hook("complete_command", complete, str_key=sign)
