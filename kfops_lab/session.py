"""What the magics of one notebook remember from cell to cell."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Optional

from kfops.errors import InvalidInput

if TYPE_CHECKING:
    from kfops.config import Config
    from kfops.connection import Connection
    from kfops.types import Package, PipelineVersion, Run


@dataclass
class Session:
    """The last package, version and run of a notebook, and the connection they belong to."""

    shell: Any
    package: Optional[Package] = None
    version: Optional[PipelineVersion] = None
    run: Optional[Run] = None
    dockerfiles: Dict[str, str] = field(default_factory=dict)
    _connection: Optional[Connection] = None
    _made_from: Any = None

    @property
    def config(self) -> Config:
        """The project's config.yaml, read anew each time so that an edit counts at once."""
        from kfops import config

        return config.load()

    @property
    def connection(self) -> Connection:
        """The connection of this notebook, made when first needed, and again when another backend is meant."""
        config = self.config
        meant = (config.path, config.chosen, config.connection)
        if self._connection is None or meant != self._made_from:
            from kfops.connection import connect

            self._connection = connect(config)
            self._made_from = meant
        return self._connection

    def reconnect(self) -> None:
        """Forget the connection: the next use makes a new one."""
        self._connection = None

    @property
    def notebook(self) -> str:
        """Path of the notebook as Jupyter names it, "" where the kernel is not told."""
        return os.environ.get("JPY_SESSION_NAME", "")

    def need_package(self) -> Package:
        """Return the last compiled package, or say how to make one."""
        if self.package is None:
            raise InvalidInput(
                "There is no compiled pipeline in this notebook yet.",
                remedy="Run a cell that starts with %%kfops pipeline, or name a file: %kfops compile pipeline.py",
            )
        return self.package

    def need_version(self, given: str = "") -> Any:
        """Return the version id that was given, else the version uploaded last."""
        if given:
            return given
        if self.version is None:
            raise InvalidInput(
                "No pipeline version has been uploaded from this notebook yet.",
                remedy="Type %kfops upload first, or name a version: %kfops run --version ID",
            )
        return self.version

    def need_run(self, given: str = "") -> str:
        """Return the run id that was given, else that of the run started last."""
        if given:
            return given
        if self.run is None:
            raise InvalidInput(
                "No run has been started from this notebook yet.",
                remedy="Type %kfops run, or name a run: %kfops runs lists them.",
            )
        return self.run.id
