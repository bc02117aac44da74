"""The command ``kfops``, and how it shows an error."""

from __future__ import annotations

import sys
from typing import Any

import click

from kfops.cli import backend, compiling, keeping, recurring, running
from kfops.errors import KfopsError
from kfops.installed import version_of

#: What a shell reports for a program that Ctrl-C ended.
_INTERRUPTED = 130


class _Commands(click.Group):
    """Commands whose KfopsErrors are shown as message, cause and remedy."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KfopsError as error:
            show_error(error)
            ctx.exit(1)
        except KeyboardInterrupt:
            ctx.exit(_INTERRUPTED)


def show_error(error: KfopsError) -> None:
    """Write an error to the standard error stream."""
    click.echo(click.style("Error: ", fg="red", bold=True) + error.message, err=True)
    for line in error.why.splitlines():
        click.echo(f"  {line}", err=True)
    output = str(error.details.get("output") or error.details.get("log") or "").rstrip()
    for line in output.splitlines()[-10:]:
        click.echo(f"  | {line}", err=True)
    if error.remedy:
        click.echo(f"  {error.remedy}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version_of("kfops-lab") or "0+unknown", prog_name="kfops")
def commands() -> None:
    """Compile, upload, build, run and watch Kubeflow pipelines, and keep the models they make."""


for _command in (*backend.COMMANDS, *compiling.COMMANDS, *running.COMMANDS, *recurring.COMMANDS, *keeping.COMMANDS):
    commands.add_command(_command)


def main() -> None:
    """Run the command that the command line names, and exit."""
    commands.main(args=sys.argv[1:], prog_name="kfops")
