"""What has changed about runs, told to whoever watches once it is in the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

import sqlalchemy as sa


@dataclass
class RunChange:
    """What is new about one run: of its row or its metrics whatever it may be, of its status what is named here.

    ``head`` is the status without its nodes, and ``nodes`` has the nodes that changed by id, all as JSON; ``gone`` has
    the ids of nodes that the status no longer has.
    """

    head: str | None = None
    nodes: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def merge(self, later: RunChange) -> None:
        """Add a change that came later."""
        self.head = later.head if later.head is not None else self.head
        self.nodes.update(later.nodes)
        for node_id in later.gone:
            self.nodes.pop(node_id, None)
        self.gone = (self.gone - set(later.nodes)) | later.gone


#: Called with the run's id, None for all runs, and what is new.
Listener = Callable[["str | None", RunChange], None]


class Changes:
    """Collects what a transaction changes, and tells it when the transaction is over."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._noted: list[tuple[str | None, RunChange]] = []

    def listen(self, listener: Listener) -> None:
        """Have a function called with every change from now on; it must be quick and must not fail."""
        self._listeners.append(listener)

    def note(self, run_id: str | None, change: RunChange | None = None) -> None:
        """Say within a transaction that a run is changed by it, or any number of runs."""
        self._noted.append((run_id, change or RunChange()))

    def tell(self) -> None:
        """Tell what has been noted."""
        noted, self._noted = self._noted, []
        for listener in self._listeners:
            for run_id, change in noted:
                listener(run_id, change)

    def forget(self) -> None:
        """Forget what has been noted: the transaction was undone."""
        self._noted.clear()


def changes_of(connection: sa.Connection) -> Changes:
    """Return where changes made through a connection are noted."""
    found: Changes = connection.info["changes"]
    return found
