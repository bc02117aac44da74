"""What the embedded backend knows: experiments, pipelines and their versions, runs and their steps, recurring runs."""

from __future__ import annotations

from pathlib import Path

from .experiments import Experiments
from .jobs import Jobs
from .pipelines import Pipelines
from .progress import Progress
from .runs import NewRun, Runs
from .schema import Database
from .versions import Versions

__all__ = ["NewRun", "Store"]


class Store:
    """The store in the file ``path``; one process opens it at a time, and uses it from one thread.

    ``progress`` is the engine's side of runs (``RunRecords``), ``runs`` the API's; ``changes`` tells what both change.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self.changes = self._database.changes
        self.experiments = Experiments(self._database)
        self.pipelines = Pipelines(self._database)
        self.versions = Versions(self._database)
        self.progress = Progress(self._database)
        self.runs = Runs(self._database, self.progress)
        self.jobs = Jobs(self._database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
