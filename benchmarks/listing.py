"""A page of runs out of very many, as clients ask for it: over HTTP, with a filter and a sort."""

from __future__ import annotations

import contextlib
import functools
import json
import random
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple
from urllib.parse import urlencode

from benchmarks._backend import Backend, backend, workflow
from benchmarks.measure import Row, interleaved
from kfops.local import folder as data_folder
from kfops.local.store import schema
from kfops.local.store.experiments import ARCHIVED, AVAILABLE
from kfops.local.store.schema import Database

TITLE = "A page of 50 runs out of 10,000"

MANY, FEW, PAGE = 10_000, 100, 50
_GOAL = 1.5
#: Each list is asked for so often in a round: one page alone is over too soon to be timed well.
_REPEATS = 5
_EXPERIMENTS = ("one", "two", "three")

#: What is asked for: the words of the table, the predicates (key, operation, text), the sort, the experiment.
LISTS: List[Tuple[str, List[Tuple[str, int, str]], str, str]] = [
    ("not archived, newest first", [("storage_state", 2, "STORAGESTATE_ARCHIVED")], "created_at desc", ""),
    ("succeeded, newest first", [("status", 1, "Succeeded")], "created_at desc", ""),
    ("succeeded, by name", [("status", 1, "Succeeded")], "name", ""),
    ("not archived, by status", [("storage_state", 2, "STORAGESTATE_ARCHIVED")], "status", ""),
    ("an experiment's, not archived, by name", [("storage_state", 2, "STORAGESTATE_ARCHIVED")], "name", "one"),
    ("succeeded, by a metric, largest first", [("status", 1, "Succeeded")], "metric:accuracy desc", ""),
    ("not archived, by a metric", [("storage_state", 2, "STORAGESTATE_ARCHIVED")], "metric:accuracy", ""),
    ("name contains a word (all names are read), newest first", [("name", 9, "beta")], "created_at desc", ""),
]


def rows(rounds: int) -> Iterator[Row]:
    """Measure each list on a backend with many runs and on one with few."""
    with contextlib.ExitStack() as stack:
        few, many = (stack.enter_context(backend(functools.partial(fill, count=count))) for count in (FEW, MANY))
        for what, predicates, sort, experiment in LISTS:
            path = _path(predicates, sort, experiment)
            asked = {"few": functools.partial(_ask, few, path), "many": functools.partial(_ask, many, path)}
            found = interleaved(asked, 3 * rounds)
            ratio = found["many"].median / found["few"].median
            scale = 1000.0 / _REPEATS
            yield Row(
                what,
                found["many"].text(scale=scale),
                f"{found['few'].text(scale=scale)}, out of {FEW}",
                ratio,
                f"at most {_GOAL} times",
                ratio <= _GOAL,
            )


def fill(folder: Path, count: int) -> None:
    """Put ``count`` ended runs into a new data folder; every list finds more than a page's among a hundred of them."""
    data_folder.create(folder)
    database = Database(folder / "kfops.db")
    chance = random.Random(count)
    step = {"container": {"image": "python:3.9", "command": ["sh", "-c", "python3 -u train.py " * 30]}}
    manifest = json.dumps(workflow([{"name": f"step-{number}", **step} for number in range(10)]))
    made = [_run(number, chance) for number in range(count)]
    texts = [{"run_id": run["id"], "submitted": manifest, "workflow": manifest} for run in made]
    values = [
        {"run_id": run["id"], "node_id": "step", "name": "accuracy", "value": chance.random()}
        for run in made
        if run["status"] == "Succeeded"
    ]
    with database.begin() as connection:
        for table, found in ((schema.runs, made), (schema.workflows, texts), (schema.metrics, values)):
            connection.execute(table.insert(), found)
    database.close()


def _run(number: int, chance: random.Random) -> Dict[str, Any]:
    experiment, made = _one_of(_EXPERIMENTS, chance), 1_600_000_000_000_000 + 60_000_000 * number
    return {
        "id": f"{chance.getrandbits(128):032x}",
        "name": f"train {_one_of(['beta', 'alpha', 'gamma'], chance)} {number}",
        "storage_state": _one_of([AVAILABLE, ARCHIVED], chance),
        "status": _one_of(["Succeeded", "Failed", "Error"], chance),
        "created_at": made,
        "finished_at": made + 30_000_000,
        "experiment_id": experiment,
        "experiment_name": experiment,
        "parameters": [{"name": "rate", "value": "0.1"}],
    }


def _one_of(choices: Sequence[str], chance: random.Random) -> str:
    """Return the first of four times out of five, else one of the others."""
    return choices[0] if chance.random() < 0.8 else chance.choice(choices[1:])


def _path(predicates: List[Tuple[str, int, str]], sort: str, experiment: str) -> str:
    wanted = [{"key": key, "op": operation, "string_value": value} for key, operation, value in predicates]
    query: Dict[str, Any] = {"page_size": PAGE, "sort_by": sort, "filter": json.dumps({"predicates": wanted})}
    if experiment:
        query.update({"resource_reference_key.type": "EXPERIMENT", "resource_reference_key.id": experiment})
    return f"/runs?{urlencode(query)}"


def _ask(running: Backend, path: str) -> None:
    for _ in range(_REPEATS):
        if len(running.ask("GET", path)["runs"]) != PAGE:
            raise RuntimeError(f"{path} does not give a page of {PAGE}")
