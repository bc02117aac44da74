"""Recurring runs: made, listed, paused, let go on, deleted.

The backend starts their runs: a cluster at any time, the embedded backend while it is running. What it misses meanwhile
it makes up for when it is started again.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Union
from urllib.parse import quote

from kfops.config import Config, load
from kfops.connection import Connection, connect
from kfops.errors import InvalidInput
from kfops.experiments import DEFAULT, get_or_create, in_namespace
from kfops.local.problems import Problem
from kfops.local.scheduling import cron
from kfops.local.scheduling.zones import Zone
from kfops.names import check_name
from kfops.pipelines import read_version
from kfops.starting import arguments_of, require_images
from kfops.types import PipelineVersion, RecurringRun
from kfops.version_state import workflow_in

__all__ = [
    "create_recurring_run",
    "delete_recurring_run",
    "get_recurring_run",
    "list_recurring_runs",
    "pause_recurring_run",
    "resume_recurring_run",
]

_PATH = "/apis/v1beta1/jobs"
#: How many of the times to come are told.
_UPCOMING = 3


def create_recurring_run(
    version: Union[PipelineVersion, str],
    schedule: str,
    *,
    parameters: Optional[Mapping[str, Any]] = None,
    name: Optional[str] = None,
    experiment: Optional[str] = None,
    start: str = "",
    end: str = "",
    max_concurrency: int = 1,
    catch_up: bool = False,
    connection: Optional[Connection] = None,
    config: Optional[Config] = None,
) -> RecurringRun:
    """Have a pipeline version run again and again.

    Parameters
    ----------
    version
        The version, or its id. It stays this version, also when the pipeline gets a newer one.
    schedule
        A cron expression of six fields, the first for seconds (``0 30 9 * * MON-FRI``); ``@hourly``, ``@daily``,
        ``@weekly``, ``@monthly`` or ``@yearly``; or ``@every 1h30m``.
    parameters
        As for ``kfops.run``. In their values ``[[ScheduledTime]]``, ``[[Index]]`` and ``[[RunUUID]]`` stand for what
        they are in each run.
    name, experiment
        As for ``kfops.run``; the name is the pipeline's unless given.
    start, end
        From when to when, as RFC 3339 times; "" for from now on and for ever.
    max_concurrency
        How many of its runs may be under way at a time, 1 to 10.
    catch_up
        Whether every time that was missed is made up for, or only the latest.

    Raises
    ------
    InvalidInput
        The schedule or a parameter cannot be what it is.
    ImagesMissing
        The version's images have not all been built.
    NotFound
        There is no such version.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    config = config or load()
    check_schedule(schedule)
    connection = connection.follow(config) if connection else connect(config)
    version, text = read_version(version if isinstance(version, str) else version.id, connection)
    workflow = workflow_in(text)
    arguments = arguments_of(version, workflow, dict(parameters or {}), config)
    require_images(version, arguments, workflow, config)
    group = get_or_create(experiment or config.pipeline.experiment_name or DEFAULT, connection)
    title = check_name(name, "recurring run") if name else version.pipeline_name
    times = {key: value for key, value in (("start_time", start), ("end_time", end)) if value}
    body = {
        "name": title,
        "enabled": True,
        "no_catchup": not catch_up,
        "max_concurrency": str(max_concurrency),
        "trigger": {"cron_schedule": {"cron": schedule, **times}},
        "pipeline_spec": {
            "pipeline_id": version.pipeline_id,
            "parameters": [{"name": key, "value": value} for key, value in arguments.items()],
        },
        "resource_references": [
            {"key": {"type": "EXPERIMENT", "id": group.id}, "relationship": "OWNER"},
            {"key": {"type": "PIPELINE_VERSION", "id": version.id}, "relationship": "CREATOR"},
        ],
    }
    made = connection.post_json(_PATH, body, what=f"make the recurring run {title!r}")
    return _recurring_run(made, _zone(connection))


def list_recurring_runs(connection: Optional[Connection] = None) -> List[RecurringRun]:
    """Return all recurring runs, the newest first.

    Raises
    ------
    ConnectionFailed, BackendError
        The backend does not answer, or refuses. So do all functions of this module.
    """
    connection = connection or connect()
    query = {"page_size": 200, "sort_by": "created_at desc", **in_namespace(connection)}
    found: List[Dict[str, Any]] = []
    while True:
        page = connection.get_json(_PATH, query, what="list recurring runs")
        found.extend(page.get("jobs") or [])
        query["page_token"] = page.get("next_page_token") or ""
        if not query["page_token"]:
            break
    zone = _zone(connection) if found else Zone()
    return [_recurring_run(wire, zone) for wire in found]


def get_recurring_run(recurring_run_id: str, connection: Optional[Connection] = None) -> RecurringRun:
    """Return a recurring run.

    Raises
    ------
    NotFound
        There is no such recurring run.
    """
    connection = connection or connect()
    wire = connection.get_json(_below(recurring_run_id), what=f"read the recurring run {recurring_run_id}")
    return _recurring_run(wire, _zone(connection))


def pause_recurring_run(recurring_run_id: str, connection: Optional[Connection] = None) -> RecurringRun:
    """Start no more runs until it is resumed, and return it; runs that are under way go on.

    Raises
    ------
    NotFound
        There is no such recurring run.
    """
    connection = connection or connect()
    connection.post_json(f"{_below(recurring_run_id)}/disable", {}, what=f"pause {recurring_run_id}")
    return get_recurring_run(recurring_run_id, connection)


def resume_recurring_run(recurring_run_id: str, connection: Optional[Connection] = None) -> RecurringRun:
    """Let a paused recurring run go on, and return it; what it missed counts as missed.

    Raises
    ------
    NotFound
        There is no such recurring run.
    """
    connection = connection or connect()
    connection.post_json(f"{_below(recurring_run_id)}/enable", {}, what=f"resume {recurring_run_id}")
    return get_recurring_run(recurring_run_id, connection)


def delete_recurring_run(recurring_run_id: str, connection: Optional[Connection] = None) -> None:
    """Delete a recurring run; the runs it has started stay.

    Raises
    ------
    NotFound
        There is no such recurring run.
    """
    connection = connection or connect()
    connection.delete(_below(recurring_run_id), what=f"delete the recurring run {recurring_run_id}")


def check_schedule(schedule: str) -> None:
    """Refuse what Kubeflow Pipelines does not read, or would read otherwise than it is meant; raises InvalidInput."""
    if len(schedule.split()) == 5 and not schedule.startswith("@"):
        # It would be taken for second, minute, hour, day and month.
        raise InvalidInput(
            f"The schedule {schedule!r} has five fields.",
            why="The cron expressions of Kubeflow Pipelines begin with the second, and have six.",
            remedy=f"Type '0 {schedule}' for the first second of the minute.",
        )
    try:
        cron.parse(schedule)
    except Problem as problem:
        raise InvalidInput(
            f"The schedule {schedule!r} cannot be read.",
            why=problem.message,
            remedy="Type, for example, '0 30 9 * * MON-FRI', '@daily' or '@every 2h'.",
        ) from None


def _below(recurring_run_id: str) -> str:
    return f"{_PATH}/{quote(recurring_run_id, safe='')}"


def _zone(connection: Connection) -> Zone:
    """Return the zone in which the backend reads cron expressions; only the embedded one tells it."""
    if connection.kind != "embedded":
        return Zone()
    return Zone(connection.get_json("/apis/kfops/status", what="read the time zone").get("timezone") or "UTC")


def _recurring_run(wire: Mapping[str, Any], zone: Zone) -> RecurringRun:
    spec, trigger = wire.get("pipeline_spec") or {}, wire.get("trigger") or {}
    by_cron, by_interval = trigger.get("cron_schedule") or {}, trigger.get("periodic_schedule") or {}
    interval = by_interval.get("interval_second")
    schedule = by_cron.get("cron") or (f"@every {interval}s" if interval else "")
    owners: Dict[str, Mapping[str, Any]] = {}
    for reference in wire.get("resource_references") or []:
        owners[(reference.get("key") or {}).get("type", "")] = reference
    enabled, created_at = bool(wire.get("enabled")), wire.get("created_at", "")
    start, end = (by_cron or by_interval).get("start_time", ""), (by_cron or by_interval).get("end_time", "")
    return RecurringRun(
        id=wire.get("id", ""),
        name=wire.get("name", ""),
        schedule=schedule,
        enabled=enabled,
        description=wire.get("description", ""),
        start=start,
        end=end,
        max_concurrency=int(wire.get("max_concurrency") or 1),
        catch_up=not wire.get("no_catchup"),
        parameters={found["name"]: found.get("value", "") for found in spec.get("parameters") or []},
        pipeline_id=spec.get("pipeline_id", ""),
        pipeline_name=spec.get("pipeline_name", ""),
        version_id=_id_of(owners.get("PIPELINE_VERSION")),
        version_name=(owners.get("PIPELINE_VERSION") or {}).get("name", ""),
        experiment_id=_id_of(owners.get("EXPERIMENT")),
        experiment_name=(owners.get("EXPERIMENT") or {}).get("name", ""),
        created_at=created_at,
        timezone=zone.name,
        upcoming=_upcoming(schedule, start or created_at, end, zone) if enabled and schedule else [],
    )


def _id_of(reference: Optional[Mapping[str, Any]]) -> str:
    return str(((reference or {}).get("key") or {}).get("id", ""))


def _upcoming(schedule: str, begun: str, end: str, zone: Zone) -> List[str]:
    """Return the next times from now on at which a schedule is due that counts from ``begun``."""
    try:
        read = cron.parse(schedule)
    except Problem:  # another version of the backend may know more
        return []
    now, first, last = int(time.time()), _seconds(begun), _seconds(end)
    due = read.following(first or now, zone)
    if due is not None and due < now:
        due = read.following(read.latest(due, now, zone), zone)
    found: List[str] = []
    while due is not None and len(found) < _UPCOMING and (last is None or due <= last):
        found.append(datetime.fromtimestamp(due, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        due = read.following(due, zone)
    return found


def _seconds(moment: str) -> Optional[int]:
    """Return the seconds since 1970 of a time as the API writes it; None for none."""
    try:
        return int(datetime.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        return None
