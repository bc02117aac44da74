"""Runs and their steps."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from kfops import artifacts, comparison, housekeeping, runs, step_spec
from kfops.config import load
from kfops.connection import choice_of
from kfops.serving.calls import Call, Method
from kfops.serving.connections import way_of
from kfops.serving.log_tails import LogTails
from kfops.serving.logs import log_part
from kfops.serving.methods.access import Access, Wire, wire, wires
from kfops.serving.watches import Watches
from kfops.types import Run


class RunMethods:
    """Runs: listed, started, read, changed."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._watches = Watches()
        self._tails = LogTails()

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {
            "runs.list": self.list_runs,
            "runs.watch": self.watch,
            "runs.create": self.create_run,
            "runs.get": self.get_run,
            "runs.stop": self.stop_run,
            "runs.retry": self.retry_run,
            "runs.archive": self.archive_run,
            "runs.delete": self.delete_run,
            "runs.compare": self.compare_runs,
            "steps.artifacts": self.step_artifacts,
            "steps.get": self.step_spec,
            "steps.log": self.step_log,
            "steps.watch": self.watch_log,
        }

    def list_runs(self, call: Call, root: str, page_token: str, page_size: int, **query: Any) -> Wire:
        """Return a page of runs; ``query`` has the fields of `runs.RunQuery`."""
        wanted = runs.RunQuery(**query)
        config = load(start=root)
        (found, token), choice = self._access.connections.ask(
            config,
            lambda c: (
                runs.list_runs(c, query=wanted, page_size=page_size, page_token=page_token),
                choice_of(c, config),
            ),
        )
        self._access.projects.seen((run.id for run in found), root, choice)
        return {"runs": wires(found), "next_page_token": token}

    def watch(self, call: Call, root: str, run_id: str) -> None:
        """Log a line for each change of a run, of the list of runs for "", until the request is given up.

        A list is watched until its project leads to another backend; the last line says so.
        """
        config = self._access.projects.config(run_id, root)
        connection = self._access.connections.ask(config, _reached)
        if run_id:
            self._watches.run(call, run_id, connection)
        else:
            self._watches.list(call, connection, lambda: way_of(load(start=root)) == way_of(config))

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
        config = self._access.projects.config(version_id, root)

        def start(connection: Any) -> Tuple[Run, str]:
            started = runs.run(
                version_id,
                parameters=parameters,
                name=name,
                experiment=experiment,
                connection=connection,
                config=config,
            )
            return started, choice_of(connection, config)

        started, choice = self._access.connections.change(config, start)
        self._access.projects.made(started.id, folder, choice)
        return wire(started)

    def get_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Return one run with its graph; the backend is not asked for one that it tells about."""
        told = self._watches.latest(run_id)
        if told is not None:
            return wire(told)
        return self._access.ask(root, lambda c: wire(runs.get_run(run_id, c)), about=run_id)

    def stop_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Stop a run and return it."""
        return self._access.change(root, lambda c: wire(runs.stop_run(run_id, c)), about=run_id)

    def retry_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Retry what failed of a run and return it."""
        return self._access.change(root, lambda c: wire(runs.retry_run(run_id, c)), about=run_id)

    def archive_run(self, call: Call, root: str, run_id: str, archived: bool) -> Wire:
        """Archive a run, or bring it back, and return it."""
        put = housekeeping.archive_run if archived else housekeeping.restore_run
        self._access.change(root, lambda c: put(run_id, c), about=run_id)
        return self.get_run(call, root, run_id)

    def delete_run(self, call: Call, root: str, run_id: str) -> None:
        """Delete a run that has ended."""
        self._access.change(root, lambda c: housekeeping.delete_run(run_id, c), about=run_id)

    def compare_runs(self, call: Call, root: str, run_ids: List[str]) -> Wire:
        """Return runs side by side."""
        return self._access.ask(root, lambda c: wire(comparison.compare_runs(run_ids, c)), about=run_ids[0])

    def step_artifacts(self, call: Call, root: str, run_id: str, step_id: str) -> List[Wire]:
        """Return a step's output artifacts as they can be looked at."""
        return self._access.ask(root, lambda c: wires(artifacts.previews(run_id, step_id, c)), about=run_id)

    def step_spec(self, call: Call, root: str, run_id: str, step_id: str) -> Wire:
        """Return how a step is executed."""
        return self._access.ask(root, lambda c: wire(step_spec.step_spec(run_id, step_id, c)), about=run_id)

    def step_log(self, call: Call, root: str, run_id: str, step_id: str, offset: Optional[int], limit: int) -> Wire:
        """Return a part of a step's log; the backend is not asked for what has been read while following it."""
        kept = self._tails.part(run_id, step_id, offset, limit)
        if kept is not None:
            return kept
        run = self._watches.latest(run_id)
        return self._access.ask(root, lambda c: log_part(run_id, step_id, offset, limit, c, run), about=run_id)

    def watch_log(self, call: Call, root: str, run_id: str, step_id: str) -> None:
        """Log a line each time that a step's log has grown, until it has ended or the request is given up."""
        connection = self._access.ask(root, _reached, about=run_id)
        self._tails.follow(call, run_id, step_id, connection)


def _reached(connection: Any) -> Any:
    """Return a connection that works now; one that does not is replaced when this raises."""
    connection.get("/apis/v1beta1/healthz", timeout=5.0, what="answer")
    return connection
