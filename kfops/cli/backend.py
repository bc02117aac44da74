"""``kfops status``, ``kfops use`` and ``kfops local``: the backend."""

from __future__ import annotations

from typing import Any, Dict

import click

from kfops import choices
from kfops.cli import show
from kfops.types import ConnectionStatus


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(as_json: bool) -> None:
    """Show which backend is used, as whom, in which namespace."""
    from kfops.connection import connect

    _show(connect().status(), as_json)


@click.command()
@click.argument("kind", type=click.Choice(choices.KINDS))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def use(kind: str, as_json: bool) -> None:
    """Use another backend from now on: cluster, embedded, or auto for what config.yaml and the environment say.

    It counts for this project, or for all folders without a config.yaml; notebooks and the panel follow.
    """
    from kfops.switching import use as switch

    _show(switch(kind), as_json)


def _show(found: ConnectionStatus, as_json: bool) -> None:
    from kfops.errors import KfopsError

    if as_json:
        show.as_json(found.to_dict())
        return
    kind = "embedded backend on this machine" if found.kind == "embedded" else "cluster"
    show.facts(
        {
            "Backend": f"{kind}, {found.host}" if found.host else kind,
            "Chosen": "by kfops use; kfops use auto undoes it" if found.use != "auto" else "",
            "Identity": found.identity,
            "Namespace": found.namespace,
            "Token until": show.local_time(found.token_expires_at),
            "Versions": ", ".join(f"{name} {version}" for name, version in found.versions.items() if version),
        }
    )
    if found.error is not None:
        raise KfopsError.from_dict(found.error)


@click.group()
def local() -> None:
    """Start, stop and look after the embedded backend of this machine."""


@local.command()
def start() -> None:
    """Start it, if it is not running; runs of any client are executed as config.yaml here says."""
    from kfops import config, embedded
    from kfops.local import daemon

    project = config.load()
    endpoint = daemon.ensure_running()
    embedded.tell(endpoint.data_dir, project)
    show.facts({"URL": endpoint.url, "Data": str(endpoint.data_dir), "Process": str(endpoint.pid), "": endpoint.note})
    click.echo("\nFor kfp's own client, with credentials=kfp.auth.ServiceAccountTokenVolumeCredentials():")
    click.echo(f"  export KF_PIPELINES_ENDPOINT={endpoint.url} KF_PIPELINES_SA_TOKEN_PATH={endpoint.token_path}")
    click.echo("For kfp's own command:\n  kfops local login")


@local.command()
def stop() -> None:
    """Stop it; its runs go on when it starts again."""
    from kfops.local import daemon

    click.echo("Stopped." if daemon.stop() else "It was not running.")


@local.command()
def login() -> None:
    """Let kfp's own command into it, by ~/.config/kfp/context.json."""
    from kfops import config, embedded
    from kfops.local import kfp_context

    project = config.load()
    endpoint, path = kfp_context.login()
    embedded.tell(endpoint.data_dir, project)
    click.echo(f"kfp's own command works with it now:\n  kfp --endpoint {endpoint.url} pipeline list")
    click.echo("  To wait for a run: kfp run submit -t SECONDS; its --watch needs a cluster, and Argo's own program.")
    click.echo(f"\nIts token stands in {path}, and kfp sends it to any endpoint.")
    click.echo("Before you use kfp's command with a cluster: kfops local logout")


@local.command()
def logout() -> None:
    """Take its token out of ~/.config/kfp/context.json again."""
    from kfops.local import kfp_context

    click.echo("Its token is gone from kfp's file." if kfp_context.logout() else "kfp's file has no token of it.")


@local.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def local_status(as_json: bool) -> None:
    """Show whether it runs, where, and what it keeps."""
    from kfops.local import daemon

    data: Dict[str, Any] = daemon.status()
    if as_json:
        show.as_json(data)
        return
    sizes = {name: show.size(count) for name, count in data.get("sizes", {}).items() if count}
    show.facts(
        {
            "State": "running" if data["running"] else "stopped",
            "URL": data.get("url", ""),
            "Version": data.get("version", ""),
            "Process": str(data.get("pid", "")),
            "Active runs": str(data.get("active_runs", "")),
            "Executor": _executor(data["settings"]),
            "Secrets": data["settings"]["secrets"],
            "Data": data["data_dir"],
            "Size": ", ".join(f"{name} {amount}" for name, amount in sizes.items()),
        }
    )


@local.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Stop it and delete all it keeps: pipelines, runs, artifacts and models."""
    from kfops.local import daemon, kfp_context

    place = daemon.status()["data_dir"]
    if not yes:
        click.confirm(f"Delete everything in {place}?", abort=True)
    deleted = daemon.reset()
    click.echo(f"Deleted {deleted}")
    if kfp_context.logout(deleted):
        click.echo("Its token is gone from kfp's file.")


def _executor(settings: Dict[str, Any]) -> str:
    """Say how the steps of the project that was connected last are executed."""
    name = str(settings["executor"])
    if name == "container":
        name += f" ({settings['engine']})"
    if settings["parallelism"]:
        name += f", {settings['parallelism']} steps at a time"
    return name


COMMANDS = (status, use, local)
