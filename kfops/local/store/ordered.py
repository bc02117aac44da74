"""Conditions written so that SQLite reads a list in its order, and neither collects nor sorts what it has found.

Without statistics SQLite takes any index that a condition names for a great saving: to list one experiment's runs by
name it would fetch them all by the experiment and sort them, where walking the names passes over a few others.
"""

from __future__ import annotations

from typing import Any, Sequence

import sqlalchemy as sa
from sqlalchemy.sql import operators, visitors


def beside_the_order(
    condition: sa.ColumnElement[bool], served: Sequence[sa.ColumnElement[Any]], key: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Return the condition, kept from choosing an index other than the one that has the order.

    Parameters
    ----------
    condition
        One that every row must meet.
    served
        The columns that the index in that order can find by value, the one sorted by first; none when the order is
        that of another table.
    key
        The primary key; a condition on it finds so few rows that their order does not matter.
    """
    kept = [*served[:1], key]
    if isinstance(condition, sa.BinaryExpression):
        equal = condition.operator is operators.eq
        if any(condition.left is column for column in (*served, key) if equal):
            return condition
    return visitors.replacement_traverse(condition, {}, lambda element, **_: _plain(element, kept))


def _plain(element: Any, kept: Sequence[sa.ColumnElement[Any]]) -> Any:
    """Put a plus before a column: to SQLite it is an expression then, for which it has no index."""
    if isinstance(element, sa.Select):
        return element
    if isinstance(element, sa.Column) and not any(element is column for column in kept):
        return sa.sql.elements.UnaryExpression(element, operator=operators.custom_op("+"), type_=element.type)
    return None
