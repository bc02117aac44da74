"""How much of a test is done: a little in `make test`, the same every time; much in `make soak`, by its seed."""

from __future__ import annotations

import os
import random
from typing import List, Optional

from hypothesis import HealthCheck, settings

#: The seed of `make soak`; None in `make test`.
SEED: Optional[str] = os.environ.get("KFOPS_TEST_SOAK") or None

#: What `make soak` prints at its end.
FINDINGS: List[str] = []


def effort(short: int, wide: int) -> int:
    """Return a number of repetitions."""
    return wide if SEED else short


def examples(short: int, wide: int) -> settings:
    """Return how many examples hypothesis generates; without a seed they are the same every time."""
    return settings(
        max_examples=effort(short, wide),
        derandomize=SEED is None,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def chance(name: str) -> random.Random:
    """Return a source of chance of its own for a test."""
    return random.Random(f"{SEED or 7}/{name}")
