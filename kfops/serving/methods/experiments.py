"""Experiments."""

from __future__ import annotations

from typing import Dict, List

from kfops import experiments, housekeeping
from kfops.serving.calls import Call, Method
from kfops.serving.methods.access import Access, Wire, wire, wires


class ExperimentMethods:
    """Experiments: listed, made, put away."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {
            "experiments.list": self.list_experiments,
            "experiments.create": self.create_experiment,
            "experiments.archive": self.archive_experiment,
            "experiments.delete": self.delete_experiment,
        }

    def list_experiments(self, call: Call, root: str) -> List[Wire]:
        """Return the experiments."""
        return self._access.ask(root, lambda c: wires(experiments.list_experiments(c)))

    def create_experiment(self, call: Call, root: str, name: str) -> Wire:
        """Make an experiment, or return the one of that name."""
        return self._access.change(root, lambda c: wire(experiments.get_or_create(name, c)))

    def archive_experiment(self, call: Call, root: str, experiment_id: str, archived: bool) -> None:
        """Archive an experiment with its runs, or bring it back."""
        put = housekeeping.archive_experiment if archived else housekeeping.restore_experiment
        self._access.change(root, lambda c: put(experiment_id, c))

    def delete_experiment(self, call: Call, root: str, experiment_id: str) -> None:
        """Delete an experiment; its runs stay."""
        self._access.change(root, lambda c: housekeeping.delete_experiment(experiment_id, c))
