"""Runs: started, listed, read, watched, stopped, retried."""

from __future__ import annotations

import datetime
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote

from kfops.arguments import arguments_for
from kfops.compiling.parameters import VERSION_ID, parameters_of
from kfops.config import Config, load
from kfops.connection import Connection, connect
from kfops.errors import BackendError, ConnectionFailed, KfopsError, NotFound, RunFailed, RunTimeout
from kfops.experiments import DEFAULT, get_or_create, in_namespace
from kfops.names import check_name
from kfops.pipelines import images_in, read_version, workflow_in
from kfops.run_state import run_of, run_with_graph
from kfops.types import PipelineVersion, Run

_PATH = "/apis/v1beta1/runs"

#: Seconds that wait() goes on asking a backend that does not answer.
_OUTAGE = 60.0

#: Seconds between the first two questions of wait().
_FIRST_INTERVAL = 0.1


def run(
    version: Union[PipelineVersion, str],
    *,
    parameters: Optional[Mapping[str, Any]] = None,
    name: Optional[str] = None,
    experiment: Optional[str] = None,
    connection: Optional[Connection] = None,
    config: Optional[Config] = None,
) -> Run:
    """Start a run of a pipeline version.

    Parameters
    ----------
    version
        The version, or its id. Its id is also the argument ``version_id`` where the pipeline declares that.
    parameters
        Values by name, of the parameter's type or as text; before those of ``pipeline.pipeline_args`` in config.yaml
        where the pipeline is the one of config.yaml.
    name
        By default the pipeline's name, its version and the time.
    experiment
        Made if there is none; by default ``pipeline.experiment_name`` of config.yaml, else ``Default``.

    Raises
    ------
    InvalidInput
        A parameter is unknown, missing or of the wrong type, or a name cannot be kept.
    ImagesMissing
        The version's images have not all been built.
    NotFound
        There is no such version.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.

    Examples
    --------
    >>> kfops.wait(kfops.run(version, parameters={"rate": 0.1})).model  # doctest: +SKIP
    's3://trained-models/0b3c…'
    """
    config = config or load()
    connection = connection or connect(config)
    version, text = read_version(version if isinstance(version, str) else version.id, connection)
    workflow = workflow_in(text)
    arguments = _arguments(version, workflow, dict(parameters or {}), config)
    _require_images(version.id, workflow, config)
    group = get_or_create(experiment or config.pipeline.experiment_name or DEFAULT, connection)
    title = check_name(name, "run") if name else _title(version)
    body = {
        "name": title,
        "pipeline_spec": {
            "pipeline_id": version.pipeline_id,
            "parameters": [{"name": key, "value": value} for key, value in arguments.items()],
        },
        "resource_references": [
            {"key": {"type": "EXPERIMENT", "id": group.id}, "relationship": "OWNER"},
            {"key": {"type": "PIPELINE_VERSION", "id": version.id}, "relationship": "CREATOR"},
        ],
    }
    answer = connection.post_json(_PATH, body, what=f"start the run {title!r}")
    return run_with_graph(answer, store=lambda: _store(connection))


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
    found = run_with_graph(detail, store=lambda: _store(connection))
    if found.finished:
        connection.remember(found)
    return found


def list_runs(
    connection: Optional[Connection] = None, *, page_size: int = 50, page_token: str = ""
) -> Tuple[List[Run], str]:
    """Return runs without their graphs, the newest first, and the token of the next page ("" after the last).

    A list of Kubeflow Pipelines does not say why a run failed, whether it was stopped, or where its model is: these
    stand in the list for runs that this connection has seen ended.

    Raises
    ------
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    query = {"page_size": page_size, "page_token": page_token, "sort_by": "created_at desc", **in_namespace(connection)}
    page = connection.get_json(_PATH, query, what="list runs")
    runs = [_as_seen(run_of(wire), connection) for wire in page.get("runs") or []]
    return runs, page.get("next_page_token") or ""


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
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, last = min(_FIRST_INTERVAL, interval), None
    lost: Optional[float] = None
    while True:
        try:
            now: Optional[Run] = get_run(run_id, connection)
            lost = None
        except KfopsError as error:
            now = None
            lost = lost or time.monotonic()
            if not _passing(error) or time.monotonic() - lost > _OUTAGE:
                raise
            if connection.kind == "embedded":
                # It is started by whoever needs it, and goes on with the run where it was.
                connection = connect(kind="embedded")
        if now is not None and now != last:
            last = now
            pause = min(_FIRST_INTERVAL, interval)
            if on_update is not None:
                on_update(now)
        if now is not None and now.finished:
            return _ended_well(now)
        if deadline is not None and time.monotonic() + pause > deadline:
            if time.monotonic() >= deadline:
                raise _too_late(run_id, last, timeout)
            pause = deadline - time.monotonic()
        time.sleep(max(pause, 0.0))
        pause = min(pause * 1.5 + 0.01, interval)


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


def _as_seen(listed: Run, connection: Connection) -> Run:
    seen = connection.remembered(listed.id)
    # A run that was retried has another end.
    return seen if seen is not None and listed.finished and seen.finished_at == listed.finished_at else listed


def _arguments(
    version: PipelineVersion, workflow: Mapping[str, Any], given: Dict[str, Any], config: Config
) -> Dict[str, str]:
    values = dict(given)
    if config.pipeline.name and config.pipeline.name == version.pipeline_name:
        values = {**config.pipeline.pipeline_args, **given}
    declared = ((workflow.get("spec") or {}).get("arguments") or {}).get("parameters") or []
    if not any(parameter.get("name") == VERSION_ID for parameter in declared):
        return arguments_for(parameters_of(workflow), values)
    # One that is given wins: that is how a run is pointed at the images of another version.
    version_id = str(values.pop(VERSION_ID, "") or version.id)
    return {**arguments_for(parameters_of(workflow), values), VERSION_ID: version_id}


def _require_images(version_id: str, workflow: Mapping[str, Any], config: Config) -> None:
    names = images_in(workflow)
    if names:
        from kfops.images import require_ready, states

        require_ready(states(names, version_id, config))


def _store(connection: Connection) -> str:
    """Return where models go when neither config.yaml nor the pipeline says; no keys are needed to know it."""
    from kfops.models.deposit import DEFAULT_BUCKET
    from kfops.models.opening import embedded_folder

    return str(embedded_folder()) if connection.kind == "embedded" else f"s3://{DEFAULT_BUCKET}"


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


def _title(version: PipelineVersion) -> str:
    number = f"v{version.number}" if version.number else version.name
    moment = datetime.datetime.now().strftime("%m-%d %H:%M:%S")
    return f"{version.pipeline_name[:60]} {number[:20]} {moment}"


def _below(run_id: str) -> str:
    return f"{_PATH}/{quote(run_id, safe='')}"
