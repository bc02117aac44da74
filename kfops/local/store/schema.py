"""The tables of the embedded backend, and the one connection to them.

Times are microseconds since 1970 in UTC: the API shows seconds, but runs made within one second must stay in order.
Large texts (packages, workflows) stand in tables of their own, so that listing never reads past them.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, cast

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from kfops.errors import LocalBackendError

from .changes import Changes

#: Raised with every change of the tables; ``_migrate`` brings older files up to it.
SCHEMA_VERSION = 4

#: The last one is kilobytes, as many as the indexes of ten thousand runs take; they are taken when they are needed.
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-16000")

#: Names are sorted and found without regard to case; see ``in_any_case``.
_NAME = sa.text("name COLLATE NOCASE")

metadata = sa.MetaData()

experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("description", sa.String, nullable=False, default=""),
    sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("storage_state", sa.String, nullable=False),
)

pipelines = sa.Table(
    "pipelines",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("description", sa.String, nullable=False, default=""),
    sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("default_version_id", sa.String, nullable=False, default=""),
)

versions = sa.Table(
    "pipeline_versions",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("pipeline_id", sa.ForeignKey("pipelines.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("description", sa.String, nullable=False, default=""),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String, nullable=False, default="READY"),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("code_source_url", sa.String, nullable=False, default=""),
    sa.Column("package_url", sa.String, nullable=False, default=""),
    sa.UniqueConstraint("pipeline_id", "name"),
    sa.Index("versions_in_order", "pipeline_id", "created_at"),
)

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("version_id", sa.ForeignKey("pipeline_versions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("workflow", sa.Text, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("description", sa.String, nullable=False, default=""),
    sa.Column("storage_state", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False, default=""),
    sa.Column("terminating", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("scheduled_at", sa.BigInteger, nullable=False, default=0),
    sa.Column("finished_at", sa.BigInteger, nullable=False, default=0),
    sa.Column("service_account", sa.String, nullable=False, default=""),
    # No foreign keys from here on: a run outlives its experiment and its pipeline version, and keeps their names.
    sa.Column("experiment_id", sa.String, nullable=False, default=""),
    sa.Column("experiment_name", sa.String, nullable=False, default=""),
    sa.Column("pipeline_id", sa.String, nullable=False, default=""),
    sa.Column("pipeline_name", sa.String, nullable=False, default=""),
    sa.Column("version_id", sa.String, nullable=False, default=""),
    sa.Column("version_name", sa.String, nullable=False, default=""),
    sa.Column("job_id", sa.String, nullable=False, default=""),
    sa.Column("job_name", sa.String, nullable=False, default=""),
    sa.Column("parameters", sa.JSON, nullable=False),
    # A page is read by walking an index in the order wanted. What lists are filtered by stands at the end of each, so
    # that rows that do not match are passed over, and counted, without reading them.
    sa.Index("runs_in_order", "created_at", "id", "storage_state", "status", "experiment_id", "name"),
    sa.Index("runs_by_name", _NAME, "id", "storage_state", "status", "experiment_id", "created_at"),
    sa.Index("runs_by_status", "status", "id", "storage_state", "experiment_id", "name", "created_at"),
    sa.Index("runs_by_schedule", "scheduled_at", "id", "storage_state", "status", "experiment_id", "name"),
    sa.Index("runs_by_id", "id", "storage_state", "status", "experiment_id", "name", "created_at"),
    sa.Index("runs_of_status", "status", "created_at", "id", "storage_state", "experiment_id", "name"),
    sa.Index("runs_of_experiment", "experiment_id", "created_at", "id", "storage_state", "status", "name"),
    sa.Index("runs_of_version", "version_id", "created_at", "id", "storage_state", "status"),
    sa.Index("runs_of_job", "job_id", "created_at", "id", "storage_state", "status"),
)

workflows = sa.Table(
    "run_workflows",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("submitted", sa.Text, nullable=False),
    sa.Column("workflow", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, default=""),
)

nodes = sa.Table(
    "run_nodes",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("node", sa.Text, nullable=False),
)

metrics = sa.Table(
    "run_metrics",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("format", sa.String, nullable=False, default=""),
    sa.Index("metrics_in_order", "name", "value", "run_id", "node_id"),
    sa.Index("metrics_by_run", "name", "run_id"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    # What the name of the ScheduledWorkflow would be; its runs are named after it.
    sa.Column("resource_name", sa.String, nullable=False),
    sa.Column("description", sa.String, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("max_concurrency", sa.Integer, nullable=False),
    sa.Column("no_catchup", sa.Boolean, nullable=False),
    sa.Column("cron", sa.String, nullable=False),
    sa.Column("interval", sa.BigInteger, nullable=False),
    # Seconds since 1970, as is what is due: schedules know no shorter time.
    sa.Column("start_time", sa.BigInteger),
    sa.Column("end_time", sa.BigInteger),
    sa.Column("last_due", sa.BigInteger),
    sa.Column("last_index", sa.Integer, nullable=False, default=0),
    sa.Column("service_account", sa.String, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("experiment_id", sa.String, nullable=False),
    sa.Column("experiment_name", sa.String, nullable=False),
    sa.Column("pipeline_id", sa.String, nullable=False),
    sa.Column("pipeline_name", sa.String, nullable=False),
    sa.Column("version_id", sa.String, nullable=False),
    sa.Column("version_name", sa.String, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Index("jobs_in_order", "created_at", "id"),
    sa.Index("jobs_of_experiment", "experiment_id", "created_at", "id"),
)

job_workflows = sa.Table(
    "job_workflows",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("submitted", sa.Text, nullable=False),
)

step_cache = sa.Table(
    "step_cache",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("run_id", sa.String, nullable=False),
    sa.Column("node_id", sa.String, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("outputs", sa.JSON, nullable=False),
)


def in_any_case(name: sa.Column[str]) -> sa.ColumnElement[str]:
    """Return a column of names as they are compared and sorted: without regard to case, as in the real backend."""
    return name.collate("NOCASE")


def now() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


class Database:
    """The store's file, opened by the one process that writes it.

    A transaction is in the write-ahead log when it returns, which survives the death of the process. Those that accept
    something of the user's (``durable``) are on the disk too, which survives a power cut; losing a step's last
    transition to a power cut only means that the step is run again.
    """

    def __init__(self, path: Path) -> None:
        self._engine = sa.create_engine(
            f"sqlite+pysqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        self._connection = self._engine.connect()
        self._raw = cast(sqlite3.Connection, self._connection.connection.dbapi_connection)
        self.changes = self._connection.info["changes"] = Changes()
        for pragma in _PRAGMAS:
            self._raw.execute(f"PRAGMA {pragma}")
        self._migrate(path)

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        """Yield the connection in a transaction; with ``durable`` it is synced to the disk."""
        if durable:
            self._raw.execute("PRAGMA synchronous=FULL")
        try:
            with self._connection.begin():
                yield self._connection
        except BaseException:
            self.changes.forget()
            raise
        finally:
            if durable:
                self._raw.execute("PRAGMA synchronous=NORMAL")
        self.changes.tell()

    def close(self) -> None:
        """Write the log back into the file and close it."""
        self._connection.close()
        self._engine.dispose()

    def _migrate(self, path: Path) -> None:
        found = self._pragma("user_version")
        if found > SCHEMA_VERSION:
            raise LocalBackendError(
                f"The data folder was written by a newer kfops (schema {found}, this one knows {SCHEMA_VERSION}).",
                why=str(path),
                remedy="Update kfops-lab, or name another folder in KFOPS_LOCAL_DIR.",
            )
        if found < SCHEMA_VERSION:
            with self.begin(durable=True) as connection:
                metadata.create_all(connection)
                _renew_indexes(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _pragma(self, name: str) -> Any:
        return self._raw.execute(f"PRAGMA {name}").fetchone()[0]


def _renew_indexes(connection: sa.Connection) -> None:
    """Make every index anew: one of an older file may have other columns under the same name."""
    for table in metadata.tables.values():
        for index in table.indexes:
            index.drop(connection, checkfirst=True)
            index.create(connection)
