"""A failed attempt is tried again by Argo's rules."""

from __future__ import annotations

from typing import Any

import pytest

from kfops.local.workflow.nodes import timestamp
from kfops.local.workflow.retries import decide, duration

NOW = 1_700_000_000.0


def attempts(count: int, phase: str = "Failed", began: float = NOW - 100, ended: float = NOW) -> list[dict[str, Any]]:
    node = {"phase": phase, "message": "why", "startedAt": timestamp(began), "finishedAt": timestamp(ended)}
    return [dict(node) for _ in range(count)]


@pytest.mark.parametrize(
    ("policy", "phase", "again"),
    [
        (None, "Failed", True),
        (None, "Error", False),
        ("OnFailure", "Failed", True),
        ("OnFailure", "Error", False),
        ("OnError", "Failed", False),
        ("OnError", "Error", True),
        ("Always", "Failed", True),
        ("Always", "Error", True),
    ],
)
def test_the_policy_says_which_ends_are_tried_again(policy: str | None, phase: str, again: bool) -> None:
    decision = decide({"limit": 3, "retryPolicy": policy}, attempts(1, phase), NOW)
    assert decision.again is again
    assert again or decision.message == "why"


@pytest.mark.parametrize(
    ("limit", "made", "again"), [(2, 2, True), (2, 3, False), ("1", 2, False), (0, 1, False), (None, 99, True)]
)
def test_a_limit_counts_the_attempts_after_the_first(limit: Any, made: int, again: bool) -> None:
    decision = decide({"limit": limit}, attempts(made), NOW)
    assert decision.again is again
    assert again or decision.message == "No more retries left"


@pytest.mark.parametrize(("made", "pause"), [(1, 10), (2, 20), (3, 40)])
def test_the_pause_grows_by_the_factor(made: int, pause: float) -> None:
    decision = decide({"limit": 9, "backoff": {"duration": "10s", "factor": 2}}, attempts(made), NOW)
    assert decision.at == NOW + pause


def test_the_longest_duration_ends_the_attempts() -> None:
    backoff = {"duration": "10", "factor": "2", "maxDuration": "1m"}
    assert decide({"backoff": backoff}, attempts(1), NOW).message == "Max duration limit exceeded"
    soon = attempts(3, began=NOW - 45)
    assert decide({"backoff": backoff}, soon, NOW).message == "Backoff would exceed max duration limit"


@pytest.mark.parametrize(("text", "seconds"), [("10", 10), ("1h30m", 5400), ("500ms", 0.5), (7, 7), ("1d", 86400)])
def test_durations_are_gos(text: Any, seconds: float) -> None:
    assert duration(text) == seconds


def test_what_is_no_duration_is_an_error() -> None:
    with pytest.raises(ValueError, match="soon"):
        duration("soon")


@pytest.mark.parametrize(
    ("pause", "words"),
    [
        ("4s", "4 seconds"),
        ("1", "1 second"),
        ("80s", "1 minute 20 seconds"),
        ("2m", "2 minutes 0 seconds"),
        ("1h30m5s", "1 hour 30 minutes"),
        ("50h", "2 days 2 hours"),
    ],
)
def test_a_step_that_waits_says_for_how_long(pause: str, words: str) -> None:
    assert decide({"limit": 3, "backoff": {"duration": pause}}, attempts(1), NOW).message == f"Backoff for {words}"
