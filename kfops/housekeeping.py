"""Putting away and throwing away: runs, pipelines, versions and experiments.

What is archived is out of the way and can be brought back; what is deleted is gone.
"""

from __future__ import annotations

from typing import Optional
from urllib.parse import quote

from kfops.connection import Connection, connect
from kfops.errors import InvalidInput
from kfops.starting import RUNS
from kfops.types import Run

__all__ = [
    "archive_experiment",
    "archive_run",
    "delete_experiment",
    "delete_pipeline",
    "delete_run",
    "delete_version",
    "restore_experiment",
    "restore_run",
    "set_default_version",
]

_BASE = "/apis/v1beta1"


def archive_run(run_id: str, connection: Optional[Connection] = None) -> None:
    """Take a run out of the lists; it can be brought back.

    Raises
    ------
    NotFound
        There is no such run.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses. So do all functions of this module.
    """
    _change(connection, f"{RUNS}/{_id(run_id)}:archive", f"archive the run {run_id}")


def restore_run(run_id: str, connection: Optional[Connection] = None) -> None:
    """Bring an archived run back into the lists.

    Raises
    ------
    NotFound
        There is no such run.
    """
    _change(connection, f"{RUNS}/{_id(run_id)}:unarchive", f"restore the run {run_id}")


def delete_run(run_id: str, connection: Optional[Connection] = None) -> None:
    """Delete a run that has ended, with its logs and artifacts; a model that it has materialized stays.

    Raises
    ------
    NotFound
        There is no such run.
    InvalidInput
        It has not ended.
    """
    connection = connection or connect()
    found = _ended(run_id, connection)
    connection.delete(f"{RUNS}/{_id(found.id)}", what=f"delete the run {run_id}")


def delete_version(version_id: str, connection: Optional[Connection] = None) -> None:
    """Delete a pipeline version; its runs, and images that were built for it, stay.

    Raises
    ------
    NotFound
        There is no such version.
    """
    connection = connection or connect()
    connection.delete(f"{_BASE}/pipeline_versions/{_id(version_id)}", what=f"delete the version {version_id}")


def set_default_version(pipeline_id: str, version_id: str, connection: Optional[Connection] = None) -> None:
    """Make a version the one that a pipeline is run with unless another is named.

    Raises
    ------
    NotFound
        There is no such pipeline or version.
    """
    path = f"{_BASE}/pipelines/{_id(pipeline_id)}/default_version/{_id(version_id)}"
    _change(connection, path, f"make {version_id} the default version")


def delete_pipeline(pipeline_id: str, connection: Optional[Connection] = None) -> None:
    """Delete a pipeline with all of its versions; their runs stay.

    Raises
    ------
    NotFound
        There is no such pipeline.
    """
    connection = connection or connect()
    connection.delete(f"{_BASE}/pipelines/{_id(pipeline_id)}", what=f"delete the pipeline {pipeline_id}")


def archive_experiment(experiment_id: str, connection: Optional[Connection] = None) -> None:
    """Take an experiment out of the lists, and its runs with it; its recurring runs are paused.

    Raises
    ------
    NotFound
        There is no such experiment.
    """
    _change(connection, f"{_BASE}/experiments/{_id(experiment_id)}:archive", f"archive the experiment {experiment_id}")


def restore_experiment(experiment_id: str, connection: Optional[Connection] = None) -> None:
    """Bring an archived experiment back; its runs stay archived until they are restored.

    Raises
    ------
    NotFound
        There is no such experiment.
    """
    path = f"{_BASE}/experiments/{_id(experiment_id)}:unarchive"
    _change(connection, path, f"restore the experiment {experiment_id}")


def delete_experiment(experiment_id: str, connection: Optional[Connection] = None) -> None:
    """Delete an experiment; its runs stay.

    Raises
    ------
    NotFound
        There is no such experiment.
    """
    connection = connection or connect()
    connection.delete(f"{_BASE}/experiments/{_id(experiment_id)}", what=f"delete the experiment {experiment_id}")


def _change(connection: Optional[Connection], path: str, what: str) -> None:
    (connection or connect()).post_json(path, {}, what=what)


def _ended(run_id: str, connection: Connection) -> Run:
    from kfops.runs import get_run

    found = get_run(run_id, connection)
    if not found.finished:
        raise InvalidInput(
            f"The run {found.name!r} cannot be deleted yet.",
            why=f"It is {found.state}: its steps would go on without anybody knowing of them.",
            remedy=f"Stop it first: kfops stop {run_id}",
        )
    return found


def _id(text: str) -> str:
    return quote(text, safe="")
