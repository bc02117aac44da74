"""The one set of states, with icon, colour and word, as everywhere in kfops."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple, Optional


class Look(NamedTuple):
    """How a state looks: an icon, a CSS colour and a word."""

    icon: str
    colour: str
    word: str


LOOKS = {
    "pending": Look("○", "var(--jp-ui-font-color2,#757575)", "Pending"),
    "running": Look("◐", "var(--jp-brand-color1,#1976d2)", "Running"),
    "succeeded": Look("✔", "var(--jp-success-color1,#388e3c)", "Succeeded"),
    "failed": Look("✖", "var(--jp-error-color1,#d32f2f)", "Failed"),
    "stopping": Look("■", "var(--jp-warn-color1,#f57c00)", "Stopping"),
    "stopped": Look("■", "var(--jp-warn-color1,#f57c00)", "Stopped"),
    "skipped": Look("⤼", "var(--jp-ui-font-color3,#9e9e9e)", "Skipped"),
    "omitted": Look("⤼", "var(--jp-ui-font-color3,#9e9e9e)", "Skipped"),
    "cached": Look("↺", "var(--jp-success-color1,#388e3c)", "Cached"),
}


def look(state: str) -> Look:
    """Return how a state looks; one that is not known is shown as it is called."""
    return LOOKS.get(state, Look("?", "inherit", state))


def badge(state: str) -> str:
    """Return a state as HTML: icon and word in its colour."""
    icon, colour, word = look(state)
    return f'<span style="color:{colour};white-space:nowrap"><span aria-hidden="true">{icon}</span> {word}</span>'


def seconds_between(started: str, finished: str) -> float:
    """Return the seconds from one RFC 3339 time to another, or to now; 0 when it has not started."""
    begin = _time(started)
    if begin is None:
        return 0.0
    end = _time(finished) or datetime.now(timezone.utc)
    return max(0.0, (end - begin).total_seconds())


def duration(started: str, finished: str) -> str:
    """Return a duration as ``0:41`` or ``1:02:03``, "" for what has not started."""
    if _time(started) is None:
        return ""
    whole = int(seconds_between(started, finished))
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _time(text: str) -> Optional[datetime]:
    if not text or text.startswith("1970-01-01"):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
