"""Runs in the order of a metric, those that have none of that name before the smallest value.

Values stand in another table than runs, so the order of all runs is put together from two: that of the values, and,
for runs without one, that of ids. Each is walked no further than the page goes.
"""

from __future__ import annotations

from typing import Any, Sequence

import sqlalchemy as sa

from .listing import Listing
from .schema import metrics, runs

#: MySQL, which the real backend uses, sorts "no metric" before every number; so does the smallest one.
NO_METRIC = -1.7e308

#: So few rows are sorted sooner than they are looked for in the order of all.
_FEW = 500


def value_of(name: str) -> sa.ColumnElement[Any]:
    """Return a run's value of a metric: that of its first step, by id, which has reported one."""
    found = metrics.alias()  # apart from the table that a list in a metric's order walks
    value = (
        sa.select(found.c.value)
        .where(found.c.run_id == runs.c.id, found.c.name == name)
        .order_by(found.c.node_id)
        .limit(1)
        .scalar_subquery()
    )
    return sa.func.coalesce(value, NO_METRIC)


def page(
    connection: sa.Connection, listing: Listing, name: str, conditions: Sequence[sa.ColumnElement[bool]]
) -> tuple[list[sa.Row[Any]], int, str]:
    """Return what ``Listing.page`` does, for a listing by the metric called ``name``."""
    total = listing.count(connection, runs.select(), conditions)
    if total <= _FEW:
        return listing.page(connection, runs.select(), conditions)
    wanted = listing.wanted(conditions)
    parts = [_with_value, _without_value] if listing.descending else [_without_value, _with_value]
    rows: list[sa.Row[Any]] = []
    for part in parts:
        missing = listing.page_size + 1 - len(rows)
        if missing:
            rows.extend(connection.execute(part(listing, name, wanted).limit(missing)))
    return listing.cut(rows, total)


def _with_value(listing: Listing, name: str, wanted: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    earlier = metrics.alias()
    first = ~sa.exists().where(
        earlier.c.run_id == metrics.c.run_id, earlier.c.name == name, earlier.c.node_id < metrics.c.node_id
    )
    here, descending = sa.tuple_(metrics.c.value, metrics.c.run_id), listing.descending
    query = (
        sa.select(runs, metrics.c.value.label("_sort_value"), runs.c.id.label("_sort_key"))
        .select_from(metrics.join(runs, runs.c.id == metrics.c.run_id))
        .where(metrics.c.name == name, first, *(listing.beside(condition) for condition in wanted))
        .order_by(*(sa.desc(column) if descending else column for column in (metrics.c.value, metrics.c.run_id)))
    )
    if listing.after is None:
        return query
    last = sa.tuple_(*(sa.literal(value) for value in listing.after))
    return query.where(here < last if descending else here > last)


def _without_value(listing: Listing, name: str, wanted: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Take those that have a value away from all, two lists of ids that SQLite merges as it walks them."""
    every = sa.select(runs.c.id).where(*(listing.beside(condition) for condition in wanted))
    having = sa.select(metrics.c.run_id).where(metrics.c.name == name)
    descending = listing.descending
    if listing.after is not None:
        value, last = listing.after
        if descending and value <= NO_METRIC:
            every, having = every.where(runs.c.id < last), having.where(metrics.c.run_id < last)
        elif not descending:
            # Beyond the last of them once the page before had a value.
            bound = runs.c.id > last if value <= NO_METRIC else sa.false()
            every, having = every.where(bound), having.where(metrics.c.run_id > last)
    ids = every.except_(having).order_by(sa.desc("id") if descending else "id").limit(listing.page_size + 1)
    found = ids.subquery()
    order = sa.desc(runs.c.id) if descending else runs.c.id
    return (
        sa.select(runs, sa.literal(NO_METRIC).label("_sort_value"), runs.c.id.label("_sort_key"))
        .where(runs.c.id.in_(sa.select(found.c.id)))
        .order_by(order)
    )
