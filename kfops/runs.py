"""Runs: started, listed, read, watched, stopped, retried."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Optional, Union
from urllib.parse import quote

from kfops.connection import Connection, connect
from kfops.errors import BackendError, ConnectionFailed, KfopsError, NotFound, RunFailed, RunTimeout
from kfops.models.opening import unnamed_place
from kfops.run_list import RunQuery, list_runs
from kfops.run_state import run_with_graph
from kfops.starting import RUNS, run
from kfops.types import Run
from kfops.watching import RunWatch

__all__ = ["RunQuery", "get_run", "list_runs", "retry_run", "run", "step_log", "stop_run", "wait"]

#: Seconds that wait() goes on asking a backend that does not answer.
_OUTAGE = 60.0

#: Seconds between the first two questions of wait().
_FIRST_INTERVAL = 0.1


def get_run(run_id: str, connection: Optional[Connection] = None) -> Run:
    """Return a run with its graph.

    Raises
    ------
    NotFound
        There is no such run.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    detail = connection.get_json(_below(run_id), what=f"read the run {run_id}")
    return _read(detail, connection)


def stop_run(run_id: str, connection: Optional[Connection] = None) -> Run:
    """Ask the backend to stop a run, and return it; one that has ended stays as it is.

    Raises
    ------
    NotFound
        There is no such run.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    before = get_run(run_id, connection)
    if before.finished or before.state == "stopping":
        return before
    try:
        connection.post_json(f"{_below(run_id)}/terminate", {}, what=f"stop the run {run_id}")
    except BackendError:
        # It may have ended between our look and our wish.
        after = get_run(run_id, connection)
        if not after.finished:
            raise
        return after
    return get_run(run_id, connection)


def retry_run(run_id: str, connection: Optional[Connection] = None) -> Run:
    """Run the failed steps of a run again, and return it; what succeeded is kept.

    Raises
    ------
    NotFound
        There is no such run.
    BackendError
        The run has not failed.
    ConnectionFailed
        The backend does not answer.
    """
    connection = connection or connect()
    connection.post_json(f"{_below(run_id)}/retry", {}, what=f"retry the run {run_id}")
    return get_run(run_id, connection)


def step_log(run_id: str, step_id: str, connection: Optional[Connection] = None) -> str:
    """Return what a step has written so far; "" before it starts, and where it never does.

    Raises
    ------
    NotFound
        There is no such run or step, or its log is gone with its pod.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    path = f"/apis/v1alpha1/runs/{quote(run_id, safe='')}/nodes/{quote(step_id, safe='')}/log"
    try:
        return connection.get(path, what=f"read the log of step {step_id}").decode("utf-8", errors="replace")
    except NotFound as error:
        return _no_log(get_run(run_id, connection), step_id, error)


def wait(
    run: Union[Run, str],
    *,
    timeout: Optional[float] = None,
    interval: float = 1.0,
    on_update: Optional[Callable[[Run], None]] = None,
    connection: Optional[Connection] = None,
) -> Run:
    """Wait until a run has ended, and return it.

    Parameters
    ----------
    timeout
        Seconds; None waits for as long as it takes.
    interval
        Seconds between two questions at most; the first ones follow each other more quickly.
    on_update
        Called with the run whenever something about it has changed.

    Raises
    ------
    RunFailed
        It failed or was stopped; ``details`` has ``run_id`` and ``step``.
    RunTimeout
        It did not end in time; it goes on.
    ConnectionFailed, BackendError
        The backend has not answered for a minute, or refuses.
    """
    run_id = run if isinstance(run, str) else run.id
    connection = connection or connect()
    watch = watched(run_id, connection)
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, last = 0.0, None
    lost: Optional[float] = None
    while True:
        try:
            now: Optional[Run] = watch.look(pause)
            lost = None
        except KfopsError as error:
            now = None
            lost = lost or time.monotonic()
            if not _passing(error) or time.monotonic() - lost > _OUTAGE:
                raise
            time.sleep(max(pause, 0.0))
            if watch.connection.kind == "embedded":
                # It is started by whoever needs it, and goes on with the run where it was.
                watch = watched(run_id, connect(kind="embedded"))
        if now is not None and now != last:
            last = now
            pause = 0.0
            if on_update is not None:
                on_update(now)
        if now is not None and now.finished:
            watch.close()
            return _ended_well(now)
        pause = min(pause * 1.5 + 0.01 if pause else _FIRST_INTERVAL, interval)
        if deadline is not None and time.monotonic() + pause > deadline:
            if time.monotonic() >= deadline:
                watch.close()
                raise _too_late(run_id, last, timeout)
            pause = deadline - time.monotonic()


def watched(run_id: str, connection: Connection) -> RunWatch:
    """Return what looks at a run again and again, as seldom as the backend allows."""
    return RunWatch(run_id, connection, get_run, _read)


def _read(detail: Dict[str, Any], connection: Connection) -> Run:
    found = run_with_graph(detail, store=lambda: unnamed_place(connection))
    if not found.id:
        raise BackendError(
            "The backend has answered something else than a run.",
            why="Its answer has no run with an id.",
            remedy=f"Check that {connection.host} is Kubeflow Pipelines: kfops status",
        )
    if found.finished:
        connection.remember(found)
    return found


def _no_log(run: Run, step_id: str, error: NotFound) -> str:
    """Return "" for a step that has nothing to say, else raise why there is no log."""
    step = next((step for step in (run.graph.steps if run.graph else []) if step.id == step_id), None)
    if step is None:
        raise NotFound(
            f"The run has no step {step_id!r}.", why=error.why, remedy=f"See its steps: kfops runs {run.id}", status=404
        ) from None
    if step.state in ("succeeded", "failed") and step.started_at:
        raise NotFound(
            f"The log of {step.name} is not there any more.",
            why=error.why,
            remedy="In a cluster it goes with the step's pod; its artifacts are kept.",
            status=404,
        ) from None
    return ""


def _passing(error: KfopsError) -> bool:
    """Whether an error of the backend may be over in a moment: a restart, a gateway that has lost it."""
    if isinstance(error, ConnectionFailed):
        return error.details.get("kind") in ("refused", "timeout", "server_error", "unknown_host")
    return isinstance(error, BackendError) and not isinstance(error, NotFound) and error.details.get("status", 0) >= 500


def _ended_well(run: Run) -> Run:
    if run.state == "succeeded":
        return run
    step = run.error.split(":")[0] if run.state == "failed" and ":" in run.error else ""
    raise RunFailed(
        f"The run {run.name!r} {'was stopped' if run.state == 'stopped' else run.state}.",
        why=run.error,
        remedy=f"Read the step's log: kfops logs {run.id} {step}".rstrip() if step else f"See kfops runs {run.id}",
        run_id=run.id,
        step=step,
    )


def _too_late(run_id: str, run: Optional[Run], timeout: Optional[float]) -> RunTimeout:
    step = run.current_step if run is not None else ""
    return RunTimeout(
        f"The run has not ended within {timeout:g} s.",
        why=f"It is at the step {step}." if step else "It is not known which step it is at.",
        remedy=f"It goes on. Wait again, or stop it: kfops stop {run_id}",
        run_id=run_id,
        step=step,
    )


def _below(run_id: str) -> str:
    return f"{RUNS}/{quote(run_id, safe='')}"
