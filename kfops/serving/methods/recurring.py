"""Recurring runs."""

from __future__ import annotations

from typing import Any, Dict, List

from kfops import recurring
from kfops.serving.calls import Call, Method
from kfops.serving.methods.access import Access, Wire, wire, wires


class RecurringRunMethods:
    """Recurring runs: listed, made, paused and resumed, deleted."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {
            "recurring.list": self.list_recurring_runs,
            "recurring.create": self.create_recurring_run,
            "recurring.enable": self.enable_recurring_run,
            "recurring.delete": self.delete_recurring_run,
        }

    def list_recurring_runs(self, call: Call, root: str) -> List[Wire]:
        """Return the recurring runs."""
        return self._access.ask(root, lambda c: wires(recurring.list_recurring_runs(c)))

    def create_recurring_run(self, call: Call, root: str, version_id: str, schedule: str, **options: Any) -> Wire:
        """Have a version run again and again, by the configuration that it was uploaded with."""
        config = self._access.projects.config(version_id, root)
        return self._access.connections.change(
            config,
            lambda c: wire(
                recurring.create_recurring_run(version_id, schedule, connection=c, config=config, **options)
            ),
        )

    def enable_recurring_run(self, call: Call, root: str, recurring_run_id: str, enabled: bool) -> Wire:
        """Pause a recurring run, or let it go on, and return it."""
        change = recurring.resume_recurring_run if enabled else recurring.pause_recurring_run
        return self._access.change(root, lambda c: wire(change(recurring_run_id, c)))

    def delete_recurring_run(self, call: Call, root: str, recurring_run_id: str) -> None:
        """Delete a recurring run; its runs stay."""
        self._access.change(root, lambda c: recurring.delete_recurring_run(recurring_run_id, c))
