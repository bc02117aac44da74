"""Macros in the values of parameters: ``[[RunUUID]]``, ``[[CurrentTime.<format>]]`` and their like.

Formats are Go's, an example written with the reference time Mon Jan 2 15:04:05 MST 2006; or strftime's, in
``{{$.currentTime.strftime('%Y')}}``. All times are in UTC. What is not a macro stays as it is.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Callable, Dict, Optional

_MACRO = re.compile(r"\[\[(.*?)\]\]|\{\{\$\.(.*?)\}\}")
_DEFAULT_FORMAT = "20060102150405"
_STRFTIME = re.compile(r"(currentTime|scheduledTime)\.strftime\('(.*)'\)")
#: What means something in a format of Go's; whatever else is copied.
_GO = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|15|1|_2006|2006|_2|2|3|4|5|PM|pm"
    r"|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|\.(?:0+|9+)(?![0-9])"
)
_Piece = Callable[[time.struct_time], str]


def _by(code: str) -> _Piece:
    return lambda moment: time.strftime(code, moment)


_PIECES: Dict[str, _Piece] = {
    "January": _by("%B"),
    "Jan": _by("%b"),
    "Monday": _by("%A"),
    "Mon": _by("%a"),
    "2006": _by("%Y"),
    "06": _by("%y"),
    "01": _by("%m"),
    "02": _by("%d"),
    "15": _by("%H"),
    "03": _by("%I"),
    "04": _by("%M"),
    "05": _by("%S"),
    "PM": _by("%p"),
    "MST": lambda moment: "UTC",
    "1": lambda moment: str(moment.tm_mon),
    "2": lambda moment: str(moment.tm_mday),
    "_2": lambda moment: f"{moment.tm_mday:2}",
    "_2006": lambda moment: f"_{moment.tm_year:04}",
    "3": lambda moment: str(moment.tm_hour % 12 or 12),
    "4": lambda moment: str(moment.tm_min),
    "5": lambda moment: str(moment.tm_sec),
    "pm": lambda moment: "am" if moment.tm_hour < 12 else "pm",
}


@dataclass(frozen=True)
class Macros:
    """What the macros of one run stand for; points in time are seconds since 1970.

    ``scheduled_at`` and ``index`` are known only to the runs of recurring runs.
    """

    run_id: str
    now: int
    scheduled_at: Optional[int] = None
    index: Optional[int] = None

    def expand(self, value: str) -> str:
        """Return a parameter's value with its macros written out."""
        return _MACRO.sub(self._one, value)

    def _one(self, match: re.Match[str]) -> str:
        if match.group(1) is None:
            return self._strftime(match)
        name, dot, layout = match.group(1).partition(".")
        if name == "RunUUID" and not dot:
            return self.run_id
        if name == "Index" and not dot and self.index is not None:
            return str(self.index)
        moment = {"CurrentTime": self.now, "ScheduledTime": self.scheduled_at}.get(name)
        return match.group() if moment is None else go_format(layout if dot else _DEFAULT_FORMAT, moment)

    def _strftime(self, match: re.Match[str]) -> str:
        found = _STRFTIME.fullmatch(match.group(2))
        moment = self.now if found and found.group(1) == "currentTime" else self.scheduled_at
        if found is None or moment is None:
            return match.group()
        # %s is the only code that would look at this machine's time zone.
        layout = re.sub("%(.)", lambda code: str(moment) if code.group(1) == "s" else code.group(), found.group(2))
        return time.strftime(layout, time.gmtime(moment))


def go_format(layout: str, moment: int) -> str:
    """Return a point in time, in seconds since 1970, in UTC and in a format of Go's.

    Examples
    --------
    >>> go_format("Jan _2 3:04pm, 2006", 0)
    'Jan  1 12:00am, 1970'
    """
    shown = time.gmtime(moment)

    def piece(match: re.Match[str]) -> str:
        word = match.group()
        if word in _PIECES:
            return _PIECES[word](shown)
        if word.startswith("Z"):
            return "Z"
        if word.startswith("."):
            return word if word[1] == "0" else ""  # whole seconds
        return word.replace("7", "0").replace("-", "+")

    return _GO.sub(piece, layout)
