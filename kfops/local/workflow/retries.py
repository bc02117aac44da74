"""Whether a failed attempt is tried again, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

from .nodes import Node, seconds_of

_NAMES = {3600: "hour", 60: "minute", 1: "second"}
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Decision:
    """Try again at ``at`` (seconds since 1970), or give up; ``message`` is what the step's node says meanwhile."""

    again: bool
    at: float = 0.0
    message: str = ""


def decide(strategy: Mapping[str, Any], attempts: List[Node], now: float) -> Decision:
    """Return what follows the last of ``attempts``, which has failed.

    The order of the checks is Argo's: the longest duration, the back-off, the policy, the limit. A strategy that
    cannot be read, which only shows when its placeholders are replaced, tries nothing again.
    """
    try:
        return _decide(strategy, attempts, now)
    except (ValueError, OverflowError) as error:
        return Decision(False, message=f"retryStrategy: {error}")


def until(strategy: Mapping[str, Any], attempts: List[Node]) -> Optional[float]:
    """Return when the longest duration of all ``attempts`` ends, None when there is no such limit yet."""
    longest = (strategy.get("backoff") or {}).get("maxDuration")
    return seconds_of(attempts[0].get("startedAt")) + duration(longest) if longest and attempts else None


def within(template: Dict[str, Any], seconds: float) -> Dict[str, Any]:
    """Return a template that may be executed for so many seconds at most."""
    try:
        asked = float(template.get("activeDeadlineSeconds") or "inf")
    except ValueError:
        return template  # it is refused for that
    return {**template, "activeDeadlineSeconds": max(0.0, min(asked, seconds))}


def _decide(strategy: Mapping[str, Any], attempts: List[Node], now: float) -> Decision:
    last = attempts[-1]
    wait_until = now
    backoff = strategy.get("backoff") or {}
    if backoff:
        ends = until(strategy, attempts)
        if ends is not None and now > ends:
            return Decision(False, message="Max duration limit exceeded")
        if not backoff.get("duration"):
            return Decision(False, message="no base duration specified for retryStrategy")
        pause = duration(backoff["duration"])
        factor = float(backoff.get("factor") or 0)
        if factor > 0:
            pause *= factor ** (len(attempts) - 1)
        wait_until = seconds_of(last.get("finishedAt")) + pause
        if ends is not None and wait_until > ends:
            return Decision(False, message="Backoff would exceed max duration limit")
    policy = strategy.get("retryPolicy") or "OnFailure"
    wanted = {"Always": ("Failed", "Error"), "OnError": ("Error",), "OnFailure": ("Failed",)}.get(policy, ())
    if last["phase"] not in wanted:
        return Decision(False, message=last.get("message", ""))
    limit = strategy.get("limit")
    if limit is not None and len(attempts) > int(limit):
        return Decision(False, message="No more retries left")
    return Decision(True, wait_until, f"Backoff for {_in_words(pause)}" if backoff else "")


def _in_words(seconds: float) -> str:
    """Return a time by its two largest units."""
    whole = int(seconds)
    for size, unit, smaller in ((86400, "day", 3600), (3600, "hour", 60), (60, "minute", 1)):
        if whole >= size:
            return f"{_counted(whole // size, unit)} {_counted(whole % size // smaller, _NAMES[smaller])}"
    return _counted(whole, "second")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def duration(text: Any) -> float:
    """Return the seconds of a Go duration (``1h30m``, ``10s``) or of a bare number of seconds.

    Raises
    ------
    ValueError
        It is neither.
    """
    text = str(text).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
