"""JSON in the letters that Argo's encoder writes: no spaces, sorted keys, numbers and angle brackets in its own way."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any, Dict, List, Tuple

#: What the encoder escapes although JSON does not ask for it.
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')
_SPACE = re.compile(r"[ \t\r\n]*")


def written(value: Any) -> str:
    """Return a value as JSON.

    Examples
    --------
    >>> written({"b": 1.0, "a": [True, "x"]})
    '{"a":[true,"x"],"b":1}'
    """
    return escaped(_written(value))


def escaped(text: str) -> str:
    """Return JSON with the encoder's needless escapes."""
    for letter, escape in _ESCAPED.items():
        text = text.replace(letter, escape)
    return text


def unescaped(text: str) -> str:
    """Return JSON without the encoder's needless escapes."""
    for letter, escape in _ESCAPED.items():
        text = text.replace(escape, letter)
    return text


def compact(text: str) -> str:
    """Return JSON without the spaces between its parts; everything else is left as it is written."""
    return _STRING_OR_SPACE.sub(lambda match: match.group(1) or "", text)


def elements(text: str) -> List[str]:
    """Return the elements of a list, each as it is written.

    Raises
    ------
    ValueError
        It is not JSON, or not a list.

    Examples
    --------
    >>> elements('[1.50, "x" ,[ ]]')
    ['1.50', '"x"', '[ ]']
    """
    if not isinstance(_DECODER.decode(text), list):
        raise ValueError("it is not a list")
    found, position = [], _past(text, text.index("[") + 1)
    while text[position] != "]":
        _, end = _DECODER.raw_decode(text, position)
        found.append(text[position:end])
        position = _past(text, end)
        if text[position] == ",":
            position = _past(text, position + 1)
    return found


def members(text: str) -> Dict[str, str]:
    """Return the members of an object, which ``text`` is known to be, each value as it is written."""
    found: List[Tuple[str, str]] = []
    position = _past(text, text.index("{") + 1)
    while text[position] != "}":
        key, end = _DECODER.raw_decode(text, position)
        position = _past(text, _past(text, end) + 1)
        _, end = _DECODER.raw_decode(text, position)
        found.append((key, text[position:end]))
        position = _past(text, end)
        if text[position] == ",":
            position = _past(text, position + 1)
    return dict(found)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_constant)


def _past(text: str, position: int) -> int:
    """Return where the spaces at a position end."""
    match = _SPACE.match(text, position)
    return position if match is None else match.end()


def _written(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return _number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        texts = sorted((str(key), _written(held)) for key, held in value.items())
        return "{" + ",".join(f"{_written(key)}:{text}" for key, text in texts) + "}"
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if value != 0 and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = repr(value).partition("e")
        sign, digits = exponent[0], exponent[1:].lstrip("0")
        return f"{mantissa}e{sign}{digits}"
    text = format(Decimal(repr(value)), "f")
    return text[:-2] if text.endswith(".0") else text
