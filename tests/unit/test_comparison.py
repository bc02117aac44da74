"""Runs side by side."""

from __future__ import annotations

import pytest

from kfops.comparison import compare_runs, comparison_of
from kfops.errors import InvalidInput
from kfops.types import ComparedRow, Graph, Metric, Run, Step


def run(number, parameters, metrics, seconds):
    begin, end = "2026-01-01T00:00:00Z", f"2026-01-01T00:00:{seconds:02d}Z"
    steps = [
        Step("s", "train", state="succeeded", started_at=begin, finished_at=end),
        Step("g", "loop", kind="loop", state="succeeded", started_at=begin, finished_at=end),
        Step("n", "never", state="skipped", started_at=begin, finished_at=end),
        Step("w", "waits", state="pending"),
    ]
    return Run(
        id=f"r{number}",
        name=f"churn #{number}",
        state="succeeded",
        started_at=begin,
        finished_at=end,
        parameters=parameters,
        metrics=[Metric(name, value, step) for name, value, step in metrics],
        graph=Graph("churn", steps=steps),
    )


def test_every_row_has_a_value_for_each_run():
    found = comparison_of(
        [
            run(1, {"rate": "0.1", "deep": "yes"}, [("acc", 0.9, "train")], 10),
            run(2, {"rate": "0.1", "seed": "7"}, [("acc", 0.95, "train"), ("acc", 0.5, "other")], 20),
        ]
    )
    assert found.names == ["churn #1", "churn #2"]
    assert found.parameters == [
        ComparedRow("rate", ["0.1", "0.1"], True),
        ComparedRow("deep", ["yes", None], False),
        ComparedRow("seed", [None, "7"], False),
    ]
    assert [(row.name, row.values) for row in found.metrics] == [
        ("acc", ["0.9", None]),
        ("train: acc", [None, "0.95"]),
        ("other: acc", [None, "0.5"]),
    ]
    assert found.durations == [ComparedRow("", ["10", "20"], False), ComparedRow("train", ["10", "20"], False)]


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "a"], list("abcdefghijk")])
def test_two_to_ten_runs_can_be_compared(ids):
    with pytest.raises(InvalidInput):
        compare_runs(ids, connection=object())
