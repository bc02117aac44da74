"""Reading the line of a magic: verbs, options and ``name=value`` parameters."""

from __future__ import annotations

import argparse
import difflib
import shlex
from typing import Any, Dict, Iterable, List, NoReturn

from kfops.errors import InvalidInput


class VerbParser(argparse.ArgumentParser):
    """An argument parser that raises ``InvalidInput`` where argparse would end the kernel."""

    def __init__(self, verb: str, summary: str, *, cell: bool = False) -> None:
        super().__init__(prog=("%%kfops " if cell else "%kfops ") + verb, description=summary, add_help=False)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print, with the usage as the remedy."""
        usage = self.format_usage().replace("usage: ", "").strip()
        raise InvalidInput(f"{self.prog}: {message}", remedy=f"Usage: {usage}")


def split(line: str) -> List[str]:
    """Split a magic's line into words as a shell would; quotes keep blanks together."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InvalidInput(f"%kfops cannot read this line: {error}", remedy="Close the quotation mark.") from None


def parameters(words: Iterable[str]) -> Dict[str, Any]:
    """Read ``name=value`` words; only the first ``=`` divides, values stay text."""
    found: Dict[str, Any] = {}
    for word in words:
        name, divider, value = word.partition("=")
        if not divider or not name.isidentifier():
            raise InvalidInput(
                f"{word!r} is not a parameter.", remedy="Write parameters as name=value, for example rate=0.1"
            )
        found[name] = value
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like ``word``, "" when none is."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""
