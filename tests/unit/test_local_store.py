"""The embedded backend's store: what is accepted is kept whole, and a run's progress is written node by node."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from kfops.errors import LocalBackendError
from kfops.local.problems import Conflict, Exists, Invalid, Missing
from kfops.local.store import NewRun, Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kfops.db"


@pytest.fixture
def store(path):
    opened = Store(path)
    yield opened
    opened.close()


def add_run(store, run_id="run", created_at=1, workflow='{"spec": {}}', **values):
    return store.runs.create(
        NewRun(
            id=run_id,
            name=run_id,
            submitted="{}",
            workflow=workflow,
            experiment_id="e",
            experiment_name="E",
            created_at=created_at,
            **values,
        )
    )


def pipeline(store, name="p"):
    return store.pipelines.create(name, "", "text", "{}", [])


def test_what_was_stored_is_there_when_it_is_opened_again(path):
    first = Store(path)
    made = pipeline(first)
    add_run(first)
    first.progress.save_status("run", {"phase": "Running", "nodes": {"a": {"id": "a"}}})
    first.close()
    again = Store(path)
    assert again.pipelines.get(made.id).name == "p"
    assert again.versions.text(made.id) == "text"
    assert again.progress.workflow("run")["status"] == {"phase": "Running", "nodes": {"a": {"id": "a"}}}
    again.close()


def test_it_is_durable_by_a_write_ahead_log_and_keeps_references_whole(store, path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    made = pipeline(store)
    store.pipelines.delete(made.id)
    with pytest.raises(Missing):
        store.versions.get(made.id)
    with pytest.raises(Missing):
        store.versions.text(made.id)


def test_a_file_of_a_newer_schema_is_refused(path):
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=1000")
    with pytest.raises(LocalBackendError, match="newer kfops"):
        Store(path)


def test_a_taken_name_stores_nothing(store):
    made = pipeline(store)
    with pytest.raises(Exists):
        pipeline(store)
    with pytest.raises(Exists):
        store.versions.create(made.id, "p", "", "other", "{}", [])
    assert store.pipelines.page({})[1] == 1
    assert store.versions.page(made.id, {})[1] == 1
    assert store.versions.text(made.id) == "text"


def test_the_last_version_that_goes_leaves_a_pipeline_without_a_default(store):
    made = pipeline(store)
    store.versions.delete(made.id)
    assert store.pipelines.get(made.id).default_version_id == ""
    assert store.pipelines.default_versions([store.pipelines.get(made.id)]) == {}


def test_a_default_version_must_be_of_the_pipeline(store):
    one, two = pipeline(store, "one"), pipeline(store, "two")
    with pytest.raises(Missing):
        store.pipelines.set_default(one.id, two.id)
    assert store.pipelines.get(one.id).default_version_id == one.id


def test_unfinished_runs_come_in_the_order_they_were_accepted(store):
    for run_id, created_at in (("b", 2), ("a", 3), ("c", 1)):
        add_run(store, run_id, created_at)
    store.progress.save_status("b", {"phase": "Succeeded", "finishedAt": "2021-01-01T00:00:00Z"})
    assert store.progress.unfinished() == ["c", "a"]
    assert store.runs.active() == 2
    assert store.runs.get("b").finished_at == 1609459200 * 1_000_000


def test_a_status_is_read_back_as_it_was_saved_whatever_changed_in_it(store):
    add_run(store)
    for nodes in (
        {"a": {"id": "a", "phase": "Running"}},
        {"a": {"id": "a", "phase": "Succeeded"}, "b": {"id": "b"}},
        {"b": {"id": "b"}},
        {},
    ):
        status = {"phase": "Running", "message": f"{len(nodes)}", "nodes": nodes}
        store.progress.save_status("run", status)
        assert store.progress.workflow("run")["status"] == status


def test_a_status_saved_by_one_process_is_replaced_by_the_next(path):
    first = Store(path)
    add_run(first)
    first.progress.save_status("run", {"phase": "Running", "nodes": {"old": {"id": "old"}, "kept": {"id": "kept"}}})
    first.close()
    again = Store(path)
    again.progress.save_status("run", {"phase": "Running", "nodes": {"kept": {"id": "kept"}}})
    assert list(again.progress.workflow("run")["status"]["nodes"]) == ["kept"]
    again.close()


def test_only_nodes_that_changed_are_written(store, path):
    add_run(store)
    nodes = {f"n{number}": {"id": f"n{number}", "phase": "Pending"} for number in range(50)}
    store.progress.save_status("run", {"phase": "Running", "nodes": nodes})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE written (node_id)")
        connection.execute(
            "CREATE TRIGGER note AFTER UPDATE ON run_nodes BEGIN INSERT INTO written VALUES (new.node_id); END"
        )
        nodes["n7"]["phase"] = "Running"  # changed in place, as the engine does
        store.progress.save_status("run", {"phase": "Running", "nodes": nodes})
        assert connection.execute("SELECT node_id FROM written").fetchall() == [("n7",)]


def test_the_status_of_a_deleted_run_is_dropped(store):
    add_run(store)
    store.runs.delete("run")
    store.progress.save_status("run", {"phase": "Running", "nodes": {"a": {}}})
    store.progress.save_metrics("run", "a", [{"name": "x", "numberValue": 1}])
    with pytest.raises(Missing):
        store.progress.workflow("run")


def test_a_run_that_is_asked_to_stop_says_so_until_it_has_ended(store):
    add_run(store)
    store.progress.save_status("run", {"phase": "Running"})
    store.runs.terminate("run")
    assert store.progress.terminating("run") is True
    store.progress.save_status("run", {"phase": "Running"})
    assert store.runs.get("run").status == "Terminating"
    with pytest.raises(Invalid, match="Row not found"):
        store.runs.terminate("run")
    store.progress.save_status("run", {"phase": "Failed"})
    assert store.runs.get("run").status == "Failed"
    with pytest.raises(Invalid, match="Row not found"):
        store.runs.terminate("run")


def test_only_a_failed_run_may_be_retried_and_is_then_no_longer_to_stop(store):
    add_run(store)
    with pytest.raises(Conflict):
        store.runs.allow_retry("run")
    store.runs.terminate("run")
    store.progress.save_status("run", {"phase": "Failed"})
    store.runs.allow_retry("run")
    assert store.progress.terminating("run") is False
    store.progress.save_status("run", {"phase": "Running"})
    assert store.runs.get("run").status == "Running"
    assert store.runs.get("run").finished_at == 0


def test_the_step_cache_remembers_the_newest_and_knows_its_age(store):
    assert store.progress.cached("key", None) is None
    store.progress.remember("key", "run", "a", {"parameters": [1]})
    store.progress.remember("key", "run", "b", {"parameters": [2]})
    assert store.progress.cached("key", None) == {"parameters": [2]}
    assert store.progress.cached("key", 60) == {"parameters": [2]}
    assert store.progress.cached("key", -1) is None


def test_the_first_metric_of_a_name_stays(store):
    add_run(store)
    store.progress.save_metrics("run", "a", [{"name": "acc", "numberValue": 0.5, "format": "RAW"}])
    store.progress.save_metrics("run", "a", [{"name": "acc", "numberValue": 0.9}])
    assert store.runs.report_metric("run", "a", "acc", 0.1, "RAW") is False
    assert [(metric.name, metric.value) for metric in store.runs.metrics(["run"])["run"]] == [("acc", 0.5)]


def test_pages_stay_right_while_runs_are_added(store):
    for number in range(6):
        add_run(store, f"r{number}", created_at=number)
    rows, _, total, token = store.runs.page({"page_size": "2", "sort_by": "created_at desc"})
    assert ([row.id for row in rows], total) == (["r5", "r4"], 6)
    add_run(store, "new", created_at=99)
    rows, _, total, _ = store.runs.page({"page_size": "2", "page_token": token})
    assert ([row.id for row in rows], total) == (["r3", "r2"], 7)


def test_rows_with_the_same_value_are_neither_lost_nor_repeated_between_pages(store):
    for number in range(7):
        add_run(store, f"r{number}", created_at=5)
    found, token = [], ""
    while True:
        rows, _, _, token = store.runs.page({"page_size": "3", "page_token": token})
        found += [row.id for row in rows]
        if not token:
            break
    assert found == [f"r{number}" for number in range(7)]


def test_a_page_reads_an_index_and_does_not_sort_all_runs(store, path):
    query = "EXPLAIN QUERY PLAN SELECT * FROM runs WHERE (created_at, id) < (5, 'x') ORDER BY created_at DESC, id DESC"
    with closing(sqlite3.connect(path)) as connection:
        plan = " ".join(row[3] for row in connection.execute(query))
    assert "runs_in_order" in plan
    assert "TEMP B-TREE" not in plan


def test_texts_of_any_kind_come_back_as_they_were(store):
    text = json.dumps({"é": "😀", "quote": '"', "nul": "\0", "percent": "%_"})
    made = store.pipelines.create("n%_é😀", "d", text, text, [{"name": "a", "value": "%"}])
    assert store.versions.text(made.id) == text
    like = json.dumps({"predicates": [{"op": "IS_SUBSTRING", "key": "name", "string_value": "%_é"}]})
    assert store.pipelines.page({"filter": like})[1] == 1
    none = json.dumps({"predicates": [{"op": "IS_SUBSTRING", "key": "name", "string_value": "n_"}]})
    assert store.pipelines.page({"filter": none})[1] == 0
