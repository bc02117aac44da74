"""``kfops recurring``: list, ``add``, ``pause``, ``resume`` and ``delete``."""

from __future__ import annotations

from typing import Optional, Tuple

import click

from kfops.cli import running, show

_id = click.argument("recurring_run_id", metavar="RECURRING_RUN")
_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(invoke_without_command=True)
@_json
@click.pass_context
def recurring(ctx: click.Context, as_json: bool) -> None:
    """List recurring runs, the newest first; or add, pause, resume and delete one."""
    if ctx.invoked_subcommand is not None:
        return
    from kfops.recurring import list_recurring_runs

    found = list_recurring_runs()
    if as_json:
        show.as_json([one.to_dict() for one in found])
        return
    rows = [
        [
            one.name,
            one.schedule or "once",
            show.local_time(one.upcoming[0]) if one.upcoming else "-",
            "enabled" if one.enabled else "paused",
            one.id,
        ]
        for one in found
    ]
    empty = "No recurring runs yet. Make one: kfops recurring add --schedule '0 0 9 * * *'"
    show.table(["recurring run", "schedule", "next", "state", "id"], rows, empty=empty)


@recurring.command()
@click.argument("words", nargs=-1, metavar="[VERSION | PIPELINE | FILE] [PARAMETER=VALUE]...")
@click.option(
    "--schedule", required=True, help="Six fields of cron, the first for seconds; @hourly, @daily; or @every 30m."
)
@click.option("--name", help="Its name; the pipeline's unless given.")
@click.option("--experiment", help="Experiment of its runs; made if there is none.")
@click.option("--start", default="", metavar="TIME", help="From when, in RFC 3339.")
@click.option("--end", default="", metavar="TIME", help="Until when, in RFC 3339.")
@click.option("--max-concurrency", default=1, show_default=True, help="How many of its runs at a time, 1 to 10.")
@click.option("--catch-up", is_flag=True, help="Make up for every time that is missed, not only for the latest.")
@_json
def add(
    words: Tuple[str, ...],
    schedule: str,
    name: Optional[str],
    experiment: Optional[str],
    start: str,
    end: str,
    max_concurrency: int,
    catch_up: bool,
    as_json: bool,
) -> None:
    """Have a pipeline version run again and again: named as for `kfops run`."""
    from kfops.config import load
    from kfops.connection import connect
    from kfops.recurring import check_schedule, create_recurring_run

    check_schedule(schedule)  # before a file is uploaded for it
    config = load()
    connection = connect(config)
    target, parameters = running.taken_apart(words)
    made = create_recurring_run(
        running.version_id(target, connection, config, quiet=as_json),
        schedule,
        parameters=parameters,
        name=name,
        experiment=experiment,
        start=start,
        end=end,
        max_concurrency=max_concurrency,
        catch_up=catch_up,
        connection=connection,
        config=config,
    )
    if as_json:
        show.as_json(made.to_dict())
        return
    next_time = show.local_time(made.upcoming[0]) if made.upcoming else "never"
    show.facts({"Recurring run": made.name, "Schedule": made.schedule, "Next": next_time, "Id": made.id})


@recurring.command()
@_id
def pause(recurring_run_id: str) -> None:
    """Start no more runs until it is resumed."""
    from kfops.recurring import pause_recurring_run

    click.echo(f"{pause_recurring_run(recurring_run_id).name} is paused.")


@recurring.command()
@_id
def resume(recurring_run_id: str) -> None:
    """Let it go on."""
    from kfops.recurring import resume_recurring_run

    resumed = resume_recurring_run(recurring_run_id)
    following = show.local_time(resumed.upcoming[0]) if resumed.upcoming else "never"
    click.echo(f"{resumed.name} goes on; next: {following}.")


@recurring.command()
@_id
def delete(recurring_run_id: str) -> None:
    """Delete it; the runs it has started stay."""
    from kfops.recurring import delete_recurring_run

    delete_recurring_run(recurring_run_id)
    click.echo("It is deleted. Its runs are still there.")


COMMANDS = (recurring,)
