"""What a step's template asks for, apart from what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List

from kfops.types.wire import Wire


@dataclass(frozen=True)
class StepSpec(Wire):
    """How a step is to be executed.

    ``source`` is the program in its command: the component's Python function as kfp has written it down, "" where
    there is none. ``timeout`` is in seconds, 0 for none. ``retry_limit`` is how often it is tried again, -1 for as
    often as it takes; ``retry_backoff`` is the waiting time, its factor and its maximum, as far as they are given.
    ``max_staleness`` is an ISO 8601 duration, "" for any age. ``cached_from`` is the id of the run whose outputs it
    took, ``cached_from_name`` the name of that run, or of its workflow where only that is known. ``ignored`` has
    which of ``requests``, ``limits`` and ``node_selector`` this backend does not follow, a single limit as
    ``limits.nvidia.com/gpu``.
    """

    id: str
    template: str = ""
    image: str = ""
    command: List[str] = field(default_factory=list)
    args: List[str] = field(default_factory=list)
    source: str = ""
    requests: Dict[str, str] = field(default_factory=dict)
    limits: Dict[str, str] = field(default_factory=dict)
    node_selector: Dict[str, str] = field(default_factory=dict)
    ignored: List[str] = field(default_factory=list)
    timeout: int = 0
    retry_limit: int = 0
    retry_policy: str = ""
    retry_backoff: List[str] = field(default_factory=list)
    caching: bool = False
    max_staleness: str = ""
    cached_from: str = ""
    cached_from_name: str = ""
