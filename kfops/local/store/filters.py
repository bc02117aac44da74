"""Filters of list requests: JSON predicates, all of which must hold, as conditions on columns."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Collection, Mapping
from urllib.parse import unquote_plus

import sqlalchemy as sa

from ..problems import Invalid

OPERATIONS = {
    "EQUALS": 1,
    "NOT_EQUALS": 2,
    "GREATER_THAN": 3,
    "GREATER_THAN_EQUALS": 5,
    "LESS_THAN": 6,
    "LESS_THAN_EQUALS": 7,
    "IN": 8,
    "IS_SUBSTRING": 9,
}
_NAMES = {number: name for name, number in OPERATIONS.items()}
_VALUES = ("int_value", "long_value", "string_value", "timestamp_value", "int_values", "long_values", "string_values")
_SECOND = 1_000_000
#: Seconds since 1970 as a text, which the database of Kubeflow Pipelines takes for a number.
_DIGITS = re.compile("[0-9]{1,18}")


@dataclass(frozen=True)
class Fields:
    """The names by which a resource is sorted and filtered; ``times`` names those that are points in time.

    ``indexed`` has the names whose order an index has, each with the columns of which an index has the rows of one
    value in that same order. Nothing is said of lists that are short.
    """

    columns: Mapping[str, sa.ColumnElement[Any]]
    times: frozenset[str] = frozenset({"created_at", "scheduled_at", "finished_at"})
    metric: Callable[[str], sa.ColumnElement[Any]] | None = None
    indexed: Mapping[str, Collection[sa.ColumnElement[Any]]] = field(default_factory=dict)

    def column(self, name: str) -> sa.ColumnElement[Any]:
        """Return the column called ``name``; raises Invalid when there is none."""
        if self.metric is not None and name.startswith("metric:"):
            return self.metric(name[len("metric:") :])
        if name not in self.columns:
            raise Invalid(f"Invalid field: {name!r}. Known are: {', '.join(sorted(self.columns))}.")
        return self.columns[name]

    def served(self, sort_name: str) -> list[sa.ColumnElement[Any]]:
        """Return the columns whose conditions an index serves while it is walked in the order of ``sort_name``."""
        return [self.column(sort_name), *self.indexed[sort_name]]

    def condition(self, predicate: dict[str, Any]) -> sa.ColumnElement[bool]:
        """Return the condition of one predicate as ``parse_filter`` returns it."""
        try:
            name, operation, kind, value = (predicate[part] for part in ("key", "op", "kind", "value"))
        except KeyError:
            raise Invalid("Invalid page token.") from None
        if not (isinstance(name, str) and _is_operation(operation) and all(map(_is_scalar, _items(value)))):
            raise Invalid("Invalid page token.")  # what parse_filter returns is never like that
        column = self.column(name)
        if operation == "IN":
            if not isinstance(value, list):
                raise Invalid("The operation IN needs int_values, long_values or string_values.")
            return column.in_(value)
        if isinstance(value, list):
            raise Invalid(f"The operation {operation} needs one value, not a list.")
        if operation == "IS_SUBSTRING":
            if kind != "string_value":
                raise Invalid("The operation IS_SUBSTRING needs a string_value.")
            return column.contains(value, autoescape=True)
        if name in self.times:
            return _time_condition(column, operation, value)
        return _compare(column, operation, value)


def parse_filter(text: str) -> list[dict[str, Any]]:
    """Return the predicates of a filter as ``{"key", "op", "kind", "value"}``; ``op`` becomes its name.

    Clients send the operation as its number or as its name, and keys in either case; some escape the filter twice.
    """
    if not text:
        return []
    for candidate in (text, unquote_plus(text)):
        try:
            wire = json.loads(candidate)
            break
        except (ValueError, RecursionError):
            continue
    else:
        raise Invalid("The filter is not JSON.")
    predicates = wire.get("predicates", []) if isinstance(wire, dict) else None
    if not isinstance(predicates, list):
        raise Invalid("The filter must be an object with a list of predicates.")
    return [_predicate(predicate) for predicate in predicates]


def _predicate(wire: Any) -> dict[str, Any]:
    if not isinstance(wire, dict):
        raise Invalid("A predicate of the filter must be an object.")
    wire = {re.sub("([A-Z])", lambda match: "_" + match.group(1).lower(), key): value for key, value in wire.items()}
    operation = wire.get("op")
    if isinstance(operation, int):
        operation = _NAMES.get(operation)
    if not _is_operation(operation):
        raise Invalid(f"The filter's operation {wire.get('op')!r} is not one of {', '.join(OPERATIONS)}.")
    kinds = [kind for kind in _VALUES if kind in wire]
    if len(kinds) != 1:
        raise Invalid("A predicate of the filter must have exactly one value.")
    kind, key = kinds[0], wire.get("key")
    if not isinstance(key, str):
        raise Invalid("A predicate of the filter must have a key.")
    return {"key": key, "op": operation, "kind": kind, "value": _value(kind, wire[kind])}


def _is_operation(name: Any) -> bool:
    return isinstance(name, str) and name in OPERATIONS


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**63)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value(kind: str, value: Any) -> Any:
    if kind.endswith("_values"):
        items = value.get("values", []) if isinstance(value, dict) else value
        if not isinstance(items, list):
            raise Invalid(f"The filter's {kind} must be a list of values.")
        return [_value(kind[:-1], item) for item in items]
    if kind == "string_value" and isinstance(value, str):
        return value
    if kind == "timestamp_value" and isinstance(value, str):
        return parse_time(value)
    if kind in ("int_value", "long_value") and isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            number = int(value)
        except ValueError:
            number = 2**63
        if abs(number) < 2**63:
            return number
    raise Invalid(f"{value!r} is not a value for the filter's {kind}.")


def parse_time(text: str) -> int:
    """Return the seconds since 1970 of an RFC 3339 time."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text)
    try:
        if found is None:
            raise ValueError(text)
        zone = "+0000" if found.group(4) in "Zz" else found.group(4).replace(":", "")
        moment = datetime.strptime(f"{found.group(1)} {found.group(2)} {zone}", "%Y-%m-%d %H:%M:%S %z")
        return math.floor(moment.astimezone(timezone.utc).timestamp())
    except (ValueError, OverflowError):
        raise Invalid(f"{text!r} is not a time in RFC 3339 form.") from None


def _compare(column: sa.ColumnElement[Any], operation: str, value: Any) -> sa.ColumnElement[bool]:
    comparisons: dict[str, Callable[[], sa.ColumnElement[bool]]] = {
        "EQUALS": lambda: column == value,
        "NOT_EQUALS": lambda: column != value,
        "GREATER_THAN": lambda: column > value,
        "GREATER_THAN_EQUALS": lambda: column >= value,
        "LESS_THAN": lambda: column < value,
        "LESS_THAN_EQUALS": lambda: column <= value,
    }
    return comparisons[operation]()


def _time_condition(column: sa.ColumnElement[Any], operation: str, value: Any) -> sa.ColumnElement[bool]:
    """Compare by whole seconds, which is what the API shows, without an expression that an index cannot serve."""
    seconds = value if isinstance(value, int) else int(value) if _DIGITS.fullmatch(value) else parse_time(value)
    first, following = seconds * _SECOND, (seconds + 1) * _SECOND
    if abs(following) >= 2**63:
        raise Invalid(f"{value!r} is not a time.")
    within = sa.and_(column >= first, column < following)
    return {
        "EQUALS": within,
        "NOT_EQUALS": sa.not_(within),
        "GREATER_THAN": column >= following,
        "GREATER_THAN_EQUALS": column >= first,
        "LESS_THAN": column < first,
        "LESS_THAN_EQUALS": column < following,
    }[operation]
