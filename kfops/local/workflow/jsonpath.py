"""The paths by which an output parameter is taken out of a Kubernetes object, as far as kfp writes them.

kubectl's template language can do more; what is not a plain path is refused before a run starts.
"""

from __future__ import annotations

import re
from typing import Any, List, Union

from .substitution import as_text

_BRACES = re.compile(r"\{([^{}]*)\}")
_STEP = re.compile(r"\.((?:[^.\[\]\\'\"@*?()\s]|\\.)+)|\[(\d+)\]|\['([^']*)'\]")


def parse(template: str) -> List[Union[str, List[Union[str, int]]]]:
    """Return a template as texts and paths; a path is a list of keys and indices.

    Raises
    ------
    ValueError
        It is more than texts and plain paths.

    Examples
    --------
    >>> parse("{.metadata.name}"), parse("{}"), parse(r"at {.metadata.labels['a.b']}")
    ([['metadata', 'name']], [[]], ['at ', ['metadata', 'labels', 'a.b']])
    """
    found: List[Union[str, List[Union[str, int]]]] = []
    end = 0
    for match in _BRACES.finditer(template):
        found += [template[end : match.start()]] if match.start() > end else []
        found.append(_path(match.group(1).strip()))
        end = match.end()
    rest = template[end:]
    if "{" in rest or "}" in rest:
        raise ValueError(f"{template!r} has a brace without its other")
    return [*found, rest] if rest else found


def evaluate(template: str, value: Any) -> str:
    """Return what a template makes of an object; a path that leads nowhere gives an empty text."""
    return "".join(part if isinstance(part, str) else _look_up(part, value) for part in parse(template))


def _path(text: str) -> List[Union[str, int]]:
    text = text[1:] if text.startswith("$") else text
    text = "" if text in ("", ".", "@") else text if text[0] in ".[" else f".{text}"
    keys: List[Union[str, int]] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is more than a plain path")
        name, index, quoted = match.groups()
        keys.append(
            int(index) if index is not None else quoted if quoted is not None else re.sub(r"\\(.)", r"\1", name)
        )
        position = match.end()
    return keys


def _look_up(path: List[Union[str, int]], value: Any) -> str:
    for key in path:
        in_list = isinstance(key, int) and isinstance(value, list) and key < len(value)
        if not in_list and not (isinstance(value, dict) and key in value):
            return ""
        value = value[key]
    return as_text(value)
