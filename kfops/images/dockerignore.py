"""``.dockerignore``: which paths of a build context stay out of it.

Docker's rules: one pattern a line, ``#`` comments, ``*`` and ``?`` within a path component, ``**`` across them, a
leading ``!`` takes a path back in, the last pattern that matches decides, and what holds for a folder holds for
everything below it.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple, Pattern


class Rule(NamedTuple):
    """One line: a path that ``pattern`` matches is kept in (``keep``) or left out."""

    pattern: Pattern[str]
    keep: bool


def parse(text: str) -> list[Rule]:
    """Return the rules that stand in a .dockerignore's text, in order."""
    rules = []
    for line in text.lstrip("\ufeff").splitlines():
        if line.startswith("#"):
            continue
        pattern = line.strip()
        keep = pattern.startswith("!")
        if keep:
            pattern = pattern[1:].strip()
        pattern = posixpath.normpath(pattern).lstrip("/") if pattern else ""
        if pattern and pattern != ".":
            rules.append(Rule(_compile(pattern), keep))
    return rules


def ignored(path: str, rules: list[Rule]) -> bool:
    """Return whether the rules leave out ``path``, which is relative to the context's root and uses ``/``."""
    out = False
    for rule in rules:
        if rule.pattern.fullmatch(path):
            out = not rule.keep
    return out


def _compile(pattern: str) -> Pattern[str]:
    expression = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if pattern.startswith("**", position):
            position += 2
            if pattern.startswith("/", position):
                position += 1
                expression += "(?:.*/)?"
            else:
                expression += ".*"
            continue
        if character == "*":
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "[" and "]" in pattern[position + 1 :]:
            end = pattern.index("]", position + 1)
            members = pattern[position + 1 : end].replace("\\", "\\\\")
            expression += f"[{members}]"
            position = end
        elif character == "\\" and position + 1 < len(pattern):
            position += 1
            expression += re.escape(pattern[position])
        else:
            expression += re.escape(character)
        position += 1
    # A folder that is left out takes everything below it along.
    return re.compile(expression + "(?:/.*)?", re.DOTALL)
