"""Keep tokens out of what leaves the process: logs, and errors shown in the browser."""

from __future__ import annotations

import re
from typing import Any

_SECRET = re.compile(
    r"(?P<scheme>\b(?:bearer|token)[ =:]+)[A-Za-z0-9._~+/=-]{8,}"  # Authorization headers and ?token= addresses
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",  # the shape of a JSON web token
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return the text with bearer tokens and JSON web tokens replaced.

    >>> redact("Authorization: Bearer abcdefgh12345678")
    'Authorization: Bearer [redacted]'
    """
    return _SECRET.sub(lambda found: (found.group("scheme") or "") + "[redacted]", text)


def redact_all(value: Any) -> Any:
    """Return a JSON value with `redact` applied to every string in it, keys apart."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redact_all(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_all(item) for item in value]
    return value
