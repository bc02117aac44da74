"""Lists of runs in the embedded backend: right on every page, and read in their order rather than sorted."""

from __future__ import annotations

import itertools
import json
import random
import re
import sqlite3
from contextlib import closing

import pytest

from kfops.local.store import Store, schema
from kfops.local.store.experiments import ARCHIVED, AVAILABLE

COUNT = 700  # more than are sorted by a metric without walking its order


def _runs():
    chance = random.Random(7)
    for number in range(COUNT):
        yield {
            "id": f"{chance.getrandbits(64):016x}",
            "name": f"run {chance.choice('abc')} {number}",
            "storage_state": chance.choice([AVAILABLE, ARCHIVED]),
            "status": chance.choice(["Succeeded", "Failed"]),
            "created_at": 1_000_000 * chance.randrange(COUNT // 2),
            "experiment_id": chance.choice(["one", "two"]),
            "version_id": chance.choice(["v1", "v2"]),
            "parameters": [],
        }


def _metrics(runs):
    """Return metrics of which three runs out of four have one, in one step or in two."""
    chance = random.Random(8)
    for run in runs:
        for node in chance.choice([[], ["a"], ["a"], ["b", "a"]]):
            yield {"run_id": run["id"], "node_id": node, "name": "loss", "value": float(chance.randrange(40))}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Yield a store with many runs, the runs, and each one's metric, None for those without."""
    path = tmp_path_factory.mktemp("store") / "kfops.db"
    database = schema.Database(path)
    runs = list(_runs())
    found = list(_metrics(runs))
    with database.begin() as connection:
        connection.execute(schema.runs.insert(), runs)
        connection.execute(
            schema.workflows.insert(), [{"run_id": run["id"], "submitted": "{}", "workflow": "{}"} for run in runs]
        )
        connection.execute(schema.metrics.insert(), found)
    database.close()
    values = {}
    for metric in sorted(found, key=lambda one: one["node_id"]):
        values.setdefault(metric["run_id"], metric["value"])
    store = Store(path)
    yield store, path, runs, values
    store.close()


def _filter(*predicates):
    wire = [
        {"key": key, "op": operation, kind: {"values": value} if kind == "string_values" else value}
        for key, operation, kind, value in predicates
    ]
    return json.dumps({"predicates": wire}) if wire else ""


AVAILABLE_ONLY = ("storage_state", "NOT_EQUALS", "string_value", ARCHIVED)
FAILED = ("status", "EQUALS", "string_value", "Failed")
EITHER = ("status", "IN", "string_values", ("Failed", "Succeeded"))
NAMED = ("name", "IS_SUBSTRING", "string_value", "run b")
SINCE = ("created_at", "GREATER_THAN", "timestamp_value", "1970-01-01T00:00:30Z")
FILTERS = [(), (AVAILABLE_ONLY,), (FAILED,), (AVAILABLE_ONLY, FAILED), (EITHER,), (NAMED,), (SINCE,)]
SORTS = ["created_at desc", "created_at", "name", "name desc", "status", "status desc", "scheduled_at desc", "id"]
METRIC_SORTS = ["metric:loss", "metric:loss desc", "metric:unheard-of", "metric:unheard-of desc"]
OWNERS = [None, ("EXPERIMENT", "one"), ("PIPELINE_VERSION", "v1")]


#: A walk through an index in the order of the list, which reads the rows that match.
_IN_ORDER = re.compile(r"SCAN runs USING INDEX (runs_(in_order|by_\w+)|sqlite_autoindex_runs_1)$")

CHECKS = {
    AVAILABLE_ONLY: lambda run: run["storage_state"] == AVAILABLE,
    FAILED: lambda run: run["status"] == "Failed",
    NAMED: lambda run: "run b" in run["name"],
    SINCE: lambda run: run["created_at"] >= 31_000_000,
}
OWNER_COLUMNS = {"EXPERIMENT": "experiment_id", "PIPELINE_VERSION": "version_id"}


def _expected(runs, values, predicates, sort, owner):
    name, _, direction = sort.partition(" ")
    found = [
        run
        for run in runs
        if all(CHECKS[predicate](run) for predicate in predicates if predicate is not EITHER)
        and (owner is None or run[OWNER_COLUMNS[owner[0]]] == owner[1])
    ]

    def key(run):
        if name.startswith("metric:"):
            return values.get(run["id"], float("-inf")) if name == "metric:loss" else 0
        return run.get(name, 0)

    return [run["id"] for run in sorted(found, key=lambda run: (key(run), run["id"]), reverse=direction == "desc")]


def _pages(store, predicates, sort, owner, size=150):
    token, found = "", []
    while True:
        query = {"page_size": str(size), "sort_by": sort, "filter": _filter(*predicates), "page_token": token}
        rows, _, total, token = store.runs.page(query, owner)
        found.extend(row.id for row in rows)
        if not token:
            assert total == len(found)
            return found


@pytest.mark.parametrize("sort", SORTS + METRIC_SORTS)
def test_every_page_has_what_it_should_in_the_order_asked_for(filled, sort):
    store, _, runs, values = filled
    for predicates, owner in itertools.product(FILTERS, OWNERS):
        assert _pages(store, predicates, sort, owner) == _expected(runs, values, predicates, sort, owner)


@pytest.mark.parametrize("sort", SORTS + METRIC_SORTS)
def test_no_page_is_sorted_and_no_run_read_that_is_not_on_it(filled, sort):
    store, path, _, _ = filled
    # By a metric, what is few is sorted rather than looked for.
    many = [((), None)] if sort in METRIC_SORTS else itertools.product(FILTERS, OWNERS)
    for predicates, owner in many:
        statements = []
        store._database._raw.set_trace_callback(statements.append)
        store.runs.page({"page_size": "50", "sort_by": sort, "filter": _filter(*predicates)}, owner)
        store._database._raw.set_trace_callback(None)
        for statement in statements:
            if statement.startswith("SELECT"):
                _check_plan(path, statement)


def _check_plan(path, statement):
    # Runs without a metric are found by their ids first, at most a page of them, and then read.
    of_a_page = "EXCEPT" in statement
    with closing(sqlite3.connect(path)) as connection:
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
            assert of_a_page or "TEMP B-TREE" not in step, (step, statement)
            walked = "SCAN" not in step or "COVERING INDEX" in step or _IN_ORDER.search(step)
            assert of_a_page or walked, (step, statement)


def test_a_file_of_an_earlier_version_gets_the_indexes_of_this_one(tmp_path):
    path = tmp_path / "kfops.db"
    schema.Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX runs_in_order")
        connection.execute("CREATE INDEX runs_in_order ON runs (created_at, id)")
        connection.execute("DROP INDEX runs_by_schedule")
        connection.execute("PRAGMA user_version=1")
        connection.commit()
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[2] for row in connection.execute("PRAGMA index_info(runs_in_order)")]
        assert columns == ["created_at", "id", "storage_state", "status", "experiment_id", "name"]
        assert connection.execute("PRAGMA index_info(runs_by_schedule)").fetchall()
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
