"""What all of them share: the states, and the way over the wire."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict

#: States of a run and of a step, one set everywhere.
STATES = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "stopping",
    "stopped",
    "skipped",
    "omitted",
    "cached",
)

#: States in which nothing changes any more.
FINAL_STATES = frozenset({"succeeded", "failed", "stopped", "skipped", "omitted", "cached"})


class Wire:
    """Mixin: a dataclass that goes over the wire as JSON."""

    def to_dict(self) -> Dict[str, Any]:
        """Return the JSON form: field names as keys, nested objects as objects."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]
