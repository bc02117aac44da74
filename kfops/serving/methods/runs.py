"""Runs, their steps, and experiments."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from kfops import experiments, runs
from kfops.config import load
from kfops.serving.calls import Call, Method
from kfops.serving.logs import log_part
from kfops.serving.methods.access import Access, Wire, wire, wires


class RunMethods:
    """Runs: listed, started, read, changed."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {
            "runs.list": self.list_runs,
            "runs.create": self.create_run,
            "runs.get": self.get_run,
            "runs.stop": self.stop_run,
            "runs.retry": self.retry_run,
            "steps.log": self.step_log,
            "experiments.list": self.list_experiments,
        }

    def list_runs(self, call: Call, root: str, page_token: str, page_size: int) -> Wire:
        """Return a page of runs."""
        found, token = self._access.ask(root, lambda c: runs.list_runs(c, page_size=page_size, page_token=page_token))
        self._access.projects.seen((run.id for run in found), root)
        return {"runs": wires(found), "next_page_token": token}

    def create_run(
        self,
        call: Call,
        root: str,
        version_id: str,
        parameters: Optional[Dict[str, Any]] = None,
        name: Optional[str] = None,
        experiment: Optional[str] = None,
    ) -> Wire:
        """Run a version, by the configuration that it was uploaded with."""
        folder = self._access.projects.of(version_id, root)
        config = load(start=folder)
        started = self._access.connections.change(
            config,
            lambda c: runs.run(
                version_id, parameters=parameters, name=name, experiment=experiment, connection=c, config=config
            ),
        )
        self._access.projects.made(started.id, folder)
        return wire(started)

    def get_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Return one run with its graph."""
        return self._access.ask(root, lambda c: wire(runs.get_run(run_id, c)), about=run_id)

    def stop_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Stop a run and return it."""
        return self._access.change(root, lambda c: wire(runs.stop_run(run_id, c)), about=run_id)

    def retry_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Retry what failed of a run and return it."""
        return self._access.change(root, lambda c: wire(runs.retry_run(run_id, c)), about=run_id)

    def step_log(self, call: Call, root: str, run_id: str, step_id: str, offset: int) -> Wire:
        """Return a step's log from ``offset`` on."""
        return self._access.ask(root, lambda c: log_part(run_id, step_id, offset, c), about=run_id)

    def list_experiments(self, call: Call, root: str) -> List[Wire]:
        """Return the experiments."""
        return self._access.ask(root, lambda c: wires(experiments.list_experiments(c)))
