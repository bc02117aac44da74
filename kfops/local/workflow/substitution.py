"""Replacing ``{{placeholders}}``.

Argo replaces them in the JSON text of a template, escaping what it puts in; that is the same as replacing them in
every string of the parsed template, which is what happens here. A placeholder that nobody knows, such as the v2
launcher's ``{{$.inputs...}}`` or a Jinja expression, stays as it is.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, List, Mapping, Optional

from .json_text import written

#: Answers the value of a placeholder's name, or None when it is not one of ours.
Lookup = Callable[[str], Optional[str]]

#: From an opening to the next closing; what is between may begin with braces of its own, and then means nothing.
_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


def substitute(value: Any, lookup: Lookup) -> Any:
    """Return ``value`` (any JSON) with every known placeholder in its strings and keys replaced.

    Examples
    --------
    >>> substitute({"args": ["{{x}}", "{{$}}"]}, {"x": "1"}.get)
    {'args': ['1', '{{$}}']}
    """
    if isinstance(value, str):
        return _replace(value, lookup) if "{{" in value else value
    if isinstance(value, dict):
        return {
            substitute(key, lookup) if "{{" in key else key: item if _is_plain(item) else substitute(item, lookup)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [item if _is_plain(item) else substitute(item, lookup) for item in value]
    return value


def _is_plain(value: Any) -> bool:
    """Tell whether a value is a text without placeholders, as most in a workflow are."""
    return isinstance(value, str) and "{{" not in value


def texts_with_placeholders(value: Any) -> List[str]:
    """Return the strings and keys of any JSON in which there may be placeholders."""
    found: List[str] = []

    def look(items: Iterable[Any]) -> None:
        for item in items:
            kind = type(item)
            if kind is str:
                if "{{" in item:
                    found.append(item)
            elif kind is dict and item:
                found.extend([key for key in item if isinstance(key, str) and "{{" in key])
                look(item.values())
            elif kind is list and item:
                look(item)

    look([value])
    return found


def placeholders(value: Any) -> List[str]:
    """Return the names of the placeholders in any JSON.

    Examples
    --------
    >>> placeholders({"args": ["{{x}}", "{{ y }} and {{x}}"]})
    ['x', 'y', 'x']
    """
    return [tag[_inner(tag) :].strip() for tag in tags(value)]


def tags(value: Any) -> List[str]:
    """Return what stands between braces in any JSON, with all its spaces.

    Examples
    --------
    >>> tags("{{x}} {{ y }}")
    ['x', ' y ']
    """
    return [match.group(1) for text in texts_with_placeholders(value) for match in _TAG.finditer(text)]


def sole_placeholder(text: str) -> str:
    """Return the name in a text that is one placeholder and nothing else (as in `from:`), or an empty string."""
    match = _PLACEHOLDER.fullmatch(text.strip())
    return match.group(1).strip() if match else ""


def chain(*lookups: Lookup) -> Lookup:
    """Return a lookup that asks each of ``lookups`` in turn."""

    def first(name: str) -> Optional[str]:
        for lookup in lookups:
            value = lookup(name)
            if value is not None:
                return value
        return None

    return first


def input_values(parameters: Mapping[str, str]) -> Lookup:
    """Return a lookup of ``inputs.parameters.<name>`` and ``inputs.parameters`` (all, as a JSON list)."""

    def lookup(name: str) -> Optional[str]:
        if name.startswith("inputs.parameters."):
            return parameters.get(name[len("inputs.parameters.") :])
        if name == "inputs.parameters":
            return as_text([{"name": key, "value": value} for key, value in parameters.items()])
        return None

    return lookup


def as_text(value: Any) -> str:
    """Return a JSON value as Argo writes it into a text: strings as they are, everything else as compact JSON."""
    return value if isinstance(value, str) else written(value)


def _replace(text: str, lookup: Lookup) -> str:
    def one(match: re.Match[str]) -> str:
        tag = match.group(1)
        value = lookup(tag.strip())
        if value is not None:
            return value
        start = _inner(tag)
        value = lookup(tag[start:]) if start else None
        return match.group(0) if value is None else "{{" + tag[: start - 2] + value

    return _TAG.sub(one, text)


def _inner(tag: str) -> int:
    """Return where the placeholder begins that follows an opening without a closing, 0 where there is none."""
    opening = tag.rfind("{{")
    return opening + 2 if opening > 0 else 0
