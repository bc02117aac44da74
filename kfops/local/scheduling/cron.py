"""Cron expressions as Kubeflow Pipelines reads them, which is as robfig/cron 1.2 does.

Six fields: second, minute, hour, day of the month, month, day of the week; the last may be missing. A field is a list
of ``*``, ``?``, ``n``, ``n-m`` or ``n/step``, with names for months and weekdays. Or ``@hourly`` and its like, or
``@every 1h30m``. What other crons know besides (five fields that begin with the minute, ``L``, ``7`` for Sunday,
ranges over the end such as ``22-3``) Kubeflow Pipelines does not, and so it is refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Dict, FrozenSet, Optional, Tuple, Union

from ..problems import Invalid
from .zones import DAY, Zone

#: What never comes within this many years never comes.
YEARS = 5
_EPOCH = date(1970, 1, 1)
#: Where a calendar begins and ends, with room for every time zone.
_FIRST, _LAST = -62_135_000_000, 253_402_000_000
_NAMES_OF_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES_OF_MONTHS, 1)}
_WEEKDAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS: Tuple[Tuple[str, int, int, Dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _WEEKDAYS),
)
_DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_UNITS = {"ns": "1e-9", "us": "1e-6", "µs": "1e-6", "μs": "1e-6", "ms": "1e-3", "s": "1", "m": "60", "h": "3600"}
_DURATION = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_LONGEST = Decimal(2**63) / 10**9


@dataclass(frozen=True)
class Every:
    """A point in time each ``seconds`` after the last."""

    seconds: int

    def following(self, moment: int, zone: Zone) -> Optional[int]:
        """Return the next point in time after ``moment``."""
        return moment + self.seconds

    def latest(self, found: int, end: int, zone: Zone) -> int:
        """Return the last point in time up to ``end``; ``found`` is one."""
        return found + (end - found) // self.seconds * self.seconds


@dataclass(frozen=True)
class Calendar:
    """The points in time at which the clock and the calendar on the wall show certain values."""

    seconds: Tuple[int, ...]
    minutes: Tuple[int, ...]
    hours: Tuple[int, ...]
    days: FrozenSet[int]
    months: FrozenSet[int]
    weekdays: FrozenSet[int]
    #: Whether a day must be right in the month and in the week; else either is enough.
    both: bool

    def following(self, moment: int, zone: Zone) -> Optional[int]:
        """Return the first matching point in time after ``moment``; None when there is none within five years.

        A time that the wall skips, because the clocks are put forward, does not come; one that it shows twice comes
        twice.
        """
        start = max(moment + 1, _FIRST)
        end = min(start + YEARS * 366 * DAY, _LAST)
        while start < end:
            offset = zone.offset(start)
            today = (start + offset) // DAY
            day = self._matching_day(today, end // DAY)
            if day is None:
                return None
            if day > today + 1:
                start = (day - 1) * DAY - offset  # a day early: the clocks may be changed until then
                continue
            until = zone.same_offset_until(start)
            found = self._on_the_wall(start + offset, until + offset)
            if found is not None:
                return found - offset
            start = until
        return None

    def latest(self, found: int, end: int, zone: Zone) -> int:
        """Return the last point in time up to ``end``; ``found`` is one.

        By halving, because a schedule of each second may have been missed for a month.
        """
        before, not_before = found - 1, end
        while not_before - before > 1:  # up to the end something follows ``before``, nothing follows ``not_before``
            middle = (before + not_before) // 2
            following = self.following(middle, zone)
            if following is not None and following <= end:
                before = middle
            else:
                not_before = middle
        return before + 1

    def _on_the_wall(self, start: int, end: int) -> Optional[int]:
        """Return the first match from ``start`` to before ``end``, both as the wall shows them."""
        for day in range(start // DAY, (end - 1) // DAY + 1):
            if self._day_matches(_EPOCH + timedelta(days=day)):
                found = self._within_day(max(start - day * DAY, 0))
                if found is not None and day * DAY + found < end:
                    return day * DAY + found
        return None

    def _matching_day(self, day: int, last: int) -> Optional[int]:
        """Return the first day from ``day`` to ``last``, in days since 1970, that matches; None when none does."""
        while day <= last:
            shown = _EPOCH + timedelta(days=day)
            if shown.month not in self.months:
                day = ((shown.replace(day=1) + timedelta(days=32)).replace(day=1) - _EPOCH).days
            elif self._day_matches(shown):
                return day
            else:
                day += 1
        return None

    def _day_matches(self, day: date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and ((in_month and in_week) if self.both else (in_month or in_week))

    def _within_day(self, earliest: int) -> Optional[int]:
        """Return the first matching second of a day that is not before ``earliest``."""
        for hour in self.hours:
            for minute in self.minutes if hour * 3600 + 3599 >= earliest else ():
                beginning = hour * 3600 + minute * 60
                for second in self.seconds if beginning + 59 >= earliest else ():
                    if beginning + second >= earliest:
                        return beginning + second
        return None


Schedule = Union[Every, Calendar]


@lru_cache(maxsize=256)
def parse(expression: str) -> Schedule:
    """Return the schedule that a cron expression describes; raises Invalid.

    Examples
    --------
    >>> parse("0 30 9 ? * MON-FRI").following(0, Zone())
    34200
    """
    if expression.startswith("@"):
        if expression.startswith("@every "):
            return Every(_seconds(expression[len("@every ") :]))
        if expression not in _DESCRIPTORS:
            raise _invalid(f"{expression} is not one of {', '.join(_DESCRIPTORS)}, @every <duration>.")
        expression = _DESCRIPTORS[expression]
    words = expression.split()
    if words and words[0].startswith(("TZ=", "CRON_TZ=")):
        raise _invalid(
            f"{words[0]} is not known to Kubeflow Pipelines 1.7. The time zone of all recurring runs is what "
            "CRON_SCHEDULE_TIMEZONE says where the backend is started."
        )
    if len(words) not in (5, 6):
        raise _invalid(
            f"It must have 6 fields, the first of them for seconds, or 5 without the weekday, not {len(words)}."
        )
    words = [*words, "*"][:6]
    seconds, minutes, hours, days, months, weekdays = (_field(word, *field) for word, field in zip(words, _FIELDS))
    schedule = Calendar(
        tuple(sorted(seconds)),
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        days,
        months,
        weekdays,
        both=any(part[:1] in ("*", "?") for word in (words[3], words[5]) for part in word.split(",")),
    )
    if schedule.following(0, Zone()) is None:
        raise _invalid("There is no such day.")
    return schedule


def _field(word: str, name: str, low: int, high: int, names: Dict[str, int]) -> FrozenSet[int]:
    values: FrozenSet[int] = frozenset()
    for part in filter(None, word.split(",")):
        values |= frozenset(_range(part, name, low, high, names))
    return values


def _range(part: str, name: str, low: int, high: int, names: Dict[str, int]) -> range:
    span, *steps = part.split("/")
    bounds = span.split("-")
    if len(steps) > 1:
        raise _invalid(f"Too many slashes in {part!r}.")
    if bounds[0] in ("*", "?"):
        first, last = low, high
    elif len(bounds) > 2:
        raise _invalid(f"Too many hyphens in {part!r}.")
    else:
        first, last = _number(bounds[0], names), _number(bounds[-1], names)
        if steps and len(bounds) == 1:
            last = high
    step = _number(steps[0], {}) if steps else 1
    if not low <= first <= last <= high:
        raise _invalid(f"The {name} {part!r} is not within {low} to {high}, the smaller one first.")
    if step == 0:
        raise _invalid(f"The step of {part!r} must not be 0.")
    return range(first, last + 1, step)


def _number(word: str, names: Dict[str, int]) -> int:
    if word.lower() in names:
        return names[word.lower()]
    if not re.fullmatch(r"\+?[0-9]{1,18}", word):
        raise _invalid(f"{word!r} is not a number.")
    return int(word)


def _seconds(duration: str) -> int:
    """Return the whole seconds of a duration as Go writes it, at least one."""
    sign, text = (duration[:1], duration[1:]) if duration[:1] in ("-", "+") else ("", duration)
    parts = _DURATION.findall(text)
    if text != "0" and (not parts or "".join(number + unit for number, unit in parts) != text):
        raise _invalid(f"{duration!r} is not a duration such as 1h30m.")
    total = sum((Decimal(number) * Decimal(_UNITS[unit]) for number, unit in parts), Decimal(0))
    if total >= _LONGEST:
        raise _invalid(f"{duration!r} is too long.")
    return max(1, int(total)) if sign != "-" else 1


def _invalid(why: str) -> Invalid:
    return Invalid(f"Schedule cron is not a supported format (https://godoc.org/github.com/robfig/cron). {why}")
