"""``kfops``: the verbs of the notebook and the panel for a terminal.

    command.py    the command and its groups; how errors are shown
    show.py       tables, steps and times as plain text
    compiling.py  compile, upload, build
    running.py    run, runs, logs, stop, retry
    recurring.py  recurring, recurring add|pause|resume|delete
    keeping.py    models, materialize
    backend.py    status, use, local start|stop|login|logout|status|reset

Exit codes: 0 well, 1 an error, 2 a mistake in the command line. Each command imports what it needs when it is called,
so that ``kfops status`` and ``kfops --help`` answer at once.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]

#: Of what the extra [kernel] brings, what no command can do without.
_NEEDED = ("click", "kfp", "pydantic")


def main() -> None:
    """Run the command that the command line names, and exit."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.exit(
            "Error: The command kfops cannot run in this environment.\n"
            f"  {sys.prefix} has no {', '.join(missing)}: it is the side of JupyterLab, and kfp is in another one.\n"
            "  Use the kfops of the pipeline environment, or make one: pip install 'kfops-lab[kernel]'"
        )
    from kfops.cli.command import main as run

    run()
