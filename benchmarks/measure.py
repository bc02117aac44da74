"""Timing that holds on a noisy machine: actions take turns round by round, and only their ratio is reported."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, Optional


@dataclass(frozen=True)
class Samples:
    """Readings of one action, in whatever unit it was measured in."""

    values: List[float]

    @property
    def median(self) -> float:
        """The middle reading: the p50."""
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        """The smallest reading."""
        return min(self.values)

    @property
    def most(self) -> float:
        """The largest reading."""
        return max(self.values)

    def more_than(self, other: Samples) -> float:
        """Return the middle one of the differences to what another action took in the same round.

        It tells small differences where a machine is quicker in one minute than in the next.
        """
        return statistics.median(mine - theirs for mine, theirs in zip(self.values, other.values))

    def text(self, unit: str = "ms", scale: float = 1000.0) -> str:
        """Return the median, and the range in brackets.

        Parameters
        ----------
        unit
            Written after the figures.
        scale
            What a reading is multiplied by; from seconds to milliseconds unless given.
        """
        median, least, most = (_figure(value * scale) for value in (self.median, self.least, self.most))
        return f"{median} {unit} ({least} to {most})" if len(self.values) > 1 else f"{median} {unit}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    what
        The work that was measured.
    measured, limit
        What it took, and what the limit took in the same run; as text, with their units.
    ratio
        Measured divided by limit, or however the goal states it; None where the goal is an absolute figure.
    goal
        The figure to reach, in words.
    met
        Whether it was reached; None where there is no goal.
    """

    what: str
    measured: str
    limit: str
    ratio: Optional[float]
    goal: str
    met: Optional[bool]


def interleaved(
    actions: Mapping[str, Callable[[], Optional[float]]], rounds: int, warm_up: int = 1
) -> Dict[str, Samples]:
    """Run every action once a round, in turns that begin with another action each round.

    Parameters
    ----------
    actions
        What to run. An action that returns a number has measured itself; else its wall time in seconds is taken.
    rounds
        How often.
    warm_up
        Rounds before the first that counts.
    """
    names = list(actions)
    readings: Dict[str, List[float]] = {name: [] for name in names}
    for number in range(warm_up + rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            started = time.perf_counter()
            told = actions[name]()
            reading = time.perf_counter() - started if told is None else told
            if number >= warm_up:
                readings[name].append(reading)
    return {name: Samples(values) for name, values in readings.items()}


def _figure(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
