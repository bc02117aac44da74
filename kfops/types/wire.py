"""What all of them share: the states, and the way over the wire."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List

#: States of a run and of a step, one set everywhere.
STATES = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "stopping",
    "stopped",
    "skipped",
    "omitted",
    "cached",
)

#: States in which nothing changes any more.
FINAL_STATES = frozenset({"succeeded", "failed", "stopped", "skipped", "omitted", "cached"})


class Wire:
    """Mixin: a dataclass that goes over the wire as JSON."""

    def to_dict(self) -> Dict[str, Any]:
        """Return the JSON form: field names as keys, nested objects as objects."""
        return {name: _plain(getattr(self, name)) for name in _names_of(type(self))}


#: The names of the fields, by class: a graph of a thousand steps has many objects of few classes.
_names: Dict[type, List[str]] = {}


def _names_of(kind: type) -> List[str]:
    known = _names.get(kind)
    if known is None:
        known = _names[kind] = [field.name for field in dataclasses.fields(kind)]
    return known


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    if kind is dict:
        return {key: _plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _names_of(kind)}
    return value
