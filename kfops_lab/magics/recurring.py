"""``%kfops recurring``: what starts runs of its own accord."""

from __future__ import annotations

from argparse import Namespace

from kfops.errors import InvalidInput
from kfops_lab.arguments import VerbParser, parameters
from kfops_lab.display import lists
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session

_ACTIONS = ("list", "add", "pause", "resume", "delete")


def arguments(parser: VerbParser) -> None:
    """Declare what is to be done, and the schedule and parameters of a new one."""
    parser.add_argument("action", nargs="?", default="list", choices=_ACTIONS)
    parser.add_argument("words", nargs="*", metavar="SCHEDULE NAME=VALUE ... | ID")
    parser.add_argument("--version", default="", metavar="ID")
    parser.add_argument("--name", metavar="NAME")
    parser.add_argument("--experiment", metavar="NAME")
    parser.add_argument("--start", default="", metavar="TIME")
    parser.add_argument("--end", default="", metavar="TIME")
    parser.add_argument("--catch-up", action="store_true")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """List recurring runs; or add, pause, resume or delete one, and show it."""
    from kfops import recurring

    action = arguments.action
    if action == "list":
        display(lists.recurring(recurring.list_recurring_runs(session.connection)))
        return
    if not arguments.words:
        raise InvalidInput(f"%kfops recurring {action} what?", remedy=_EXAMPLES["add" if action == "add" else "id"])
    first, *rest = arguments.words
    if action == "add":
        made = recurring.create_recurring_run(
            session.need_version(arguments.version),
            first,
            parameters=parameters(rest),
            name=arguments.name,
            experiment=arguments.experiment,
            start=arguments.start,
            end=arguments.end,
            catch_up=arguments.catch_up,
            connection=session.connection,
            config=session.config,
        )
        display(lists.recurring([made]))
    elif action == "delete":
        recurring.delete_recurring_run(first, session.connection)
        display(lists.empty("It is deleted; its runs are still there.", "%kfops recurring"))
    else:
        change = recurring.pause_recurring_run if action == "pause" else recurring.resume_recurring_run
        display(lists.recurring([change(first, session.connection)]))


_EXAMPLES = {
    "add": "Name a schedule: %kfops recurring add '0 0 9 * * MON-FRI'",
    "id": "Name its id: %kfops recurring lists them.",
}

VERB = Verb(
    "recurring",
    "[add SCHEDULE [NAME=VALUE ...] | pause ID | resume ID | delete ID]",
    "recurring runs",
    execute,
    arguments,
)
