"""Listing as the v1beta1 API does it: filter, sort, and pages that stay right while things are added.

A page token holds the last row's sort value and id (not an offset), together with the sorting and the filter it was
made for. A page costs what is on it, however long the list is, where an index has the order that is asked for.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import sqlalchemy as sa

from ..problems import Invalid
from .filters import Fields, parse_filter
from .ordered import beside_the_order

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 200


@dataclass(frozen=True)
class Listing:
    """What to list: the parsed query of a list request."""

    model: str
    fields: Fields
    key: sa.ColumnElement[Any]
    page_size: int
    sort_name: str
    descending: bool
    predicates: list[dict[str, Any]]
    after: tuple[Any, str] | None = None

    def page(
        self, connection: sa.Connection, columns: sa.Select[Any], conditions: Sequence[sa.ColumnElement[bool]] = ()
    ) -> tuple[list[sa.Row[Any]], int, str]:
        """Return the rows of this page, how many there are in all, and the next page's token ("" at the end)."""
        query = (
            columns.add_columns(self.fields.column(self.sort_name).label("_sort_value"), self.key.label("_sort_key"))
            .where(*self._walked(conditions))
            .order_by(*self.order())
            .limit(self.page_size + 1)
        )
        return self.cut(list(connection.execute(query)), self.count(connection, columns, conditions))

    def wanted(self, conditions: Sequence[sa.ColumnElement[bool]]) -> list[sa.ColumnElement[bool]]:
        """Return the conditions that every row of the list meets, on whichever page it is."""
        return [*conditions, *(self.fields.condition(predicate) for predicate in self.predicates)]

    def count(
        self, connection: sa.Connection, columns: sa.Select[Any], conditions: Sequence[sa.ColumnElement[bool]]
    ) -> int:
        """Return how many rows the list has in all."""
        counted = columns.with_only_columns(sa.func.count(), maintain_column_froms=True)
        return int(connection.scalar(counted.where(*self.wanted(conditions))) or 0)

    def order(self, value: sa.ColumnElement[Any] | None = None) -> list[sa.ColumnElement[Any]]:
        """Return the order: by ``value``, which is the column sorted by unless given, then by the key."""
        direction = sa.desc if self.descending else sa.asc
        return [direction(self.fields.column(self.sort_name) if value is None else value), direction(self.key)]

    def cut(self, rows: list[sa.Row[Any]], total: int) -> tuple[list[sa.Row[Any]], int, str]:
        """Return the page out of its rows and the one after it, which tells that there is another page."""
        if len(rows) <= self.page_size:
            return rows, total, ""
        rows = rows[: self.page_size]
        return rows, total, self._token(rows[-1])

    def beside(
        self, condition: sa.ColumnElement[bool], served: Sequence[sa.ColumnElement[Any]] = ()
    ) -> sa.ColumnElement[bool]:
        """Return a condition as one that is tried on each row in the order; see ``beside_the_order``."""
        return beside_the_order(condition, served, self.key)

    def _walked(self, conditions: Sequence[sa.ColumnElement[bool]]) -> list[sa.ColumnElement[bool]]:
        fields, sorting = self.fields, self.sort_name
        wanted = self.wanted(conditions)
        if sorting in fields.indexed:
            wanted = [self.beside(condition, fields.served(sorting)) for condition in wanted]
        if self.after is not None:
            last_value, last_key = self.after
            # A row value: SQLite walks an index with it, where "a > x or (a = x and b > y)" makes it sort all rows.
            column = fields.column(sorting)
            here = sa.tuple_(column, self.key)
            last = sa.tuple_(sa.literal(last_value), sa.literal(last_key))
            wanted.append(here < last if self.descending else here > last)
            if isinstance(column, sa.BinaryExpression):  # with a collation, it finds its place only by a single value
                wanted.append(column <= last_value if self.descending else column >= last_value)
        return wanted

    def _token(self, last: sa.Row[Any]) -> str:
        text = json.dumps(
            {
                "ModelName": self.model,
                "SortByFieldName": self.sort_name,
                "SortByFieldValue": last._sort_value,
                "KeyFieldName": "UUID",
                "KeyFieldValue": last._sort_key,
                "IsDesc": self.descending,
                "Filter": self.predicates,
            }
        )
        return base64.b64encode(text.encode()).decode()


def parse_listing(model: str, fields: Fields, key: sa.ColumnElement[Any], query: Mapping[str, str]) -> Listing:
    """Return the listing that ``page_size``, ``page_token``, ``sort_by`` and ``filter`` of a request ask for.

    Raises
    ------
    Invalid
        When one of them cannot be read, or the token belongs to another sorting or filter.
    """
    size = _page_size(query.get("page_size", ""))
    sort_by, filter_text, token = query.get("sort_by", ""), query.get("filter", ""), query.get("page_token", "")
    sort_name, descending = _sorting(sort_by, fields)
    predicates = parse_filter(filter_text)
    for predicate in predicates:
        fields.condition(predicate)  # an unknown key is refused now, not when the page is read
    if not token:
        return Listing(model, fields, key, size, sort_name, descending, predicates)
    state = _decode(token)
    if state.get("ModelName") != model:
        raise Invalid("The page token is of another list.")
    if not sort_by and not filter_text:
        sort_name, descending, predicates = state["SortByFieldName"], state["IsDesc"], state["Filter"]
        fields.column(sort_name)
        for predicate in predicates:
            fields.condition(predicate)
    elif (state["SortByFieldName"], state["IsDesc"], state["Filter"]) != (sort_name, descending, predicates):
        raise Invalid("The page token does not match the previously used sorting and filter.")
    after = (state["SortByFieldValue"], state["KeyFieldValue"])
    return Listing(model, fields, key, size, sort_name, descending, predicates, after)


def _page_size(text: str) -> int:
    try:
        size = int(text or "0")
    except ValueError:
        raise Invalid(f"The page size {text!r} is not a number.") from None
    if size < 0 or size >= 2**31:
        raise Invalid(f"The page size should be greater than 0. Got {size}.")
    return min(size, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE


def _sorting(text: str, fields: Fields) -> tuple[str, bool]:
    words = text.lower().split() if not text.lower().startswith("metric:") else text.split()
    if not words:
        return "created_at", False
    if len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
        raise Invalid(f"Received invalid sort by format {text!r}. Use 'field', 'field asc' or 'field desc'.")
    fields.column(words[0])
    return words[0], len(words) == 2 and words[1].lower() == "desc"


def _decode(token: str) -> dict[str, Any]:
    try:
        state = json.loads(base64.b64decode(token, validate=True))
        known = (
            isinstance(state["SortByFieldName"], str)
            and isinstance(state["SortByFieldValue"], (str, int, float))
            and not (isinstance(state["SortByFieldValue"], int) and abs(state["SortByFieldValue"]) >= 2**63)
            and isinstance(state["KeyFieldValue"], str)
            and isinstance(state["IsDesc"], bool)
            and isinstance(state["Filter"], list)
            and all(isinstance(predicate, dict) for predicate in state["Filter"])
        )
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
        known = False
    if not known:
        raise Invalid("Invalid page token.")
    return state  # type: ignore[no-any-return]
