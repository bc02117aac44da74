"""``kfops``: the verbs of the notebook and the panel for a terminal.

    main.py       the command and its groups; how errors are shown
    show.py       tables, steps and times as plain text
    compiling.py  compile, upload, build
    running.py    run, runs, logs, stop, retry
    keeping.py    models, materialize
    backend.py    status, local start|stop|login|logout|status|reset

Exit codes: 0 well, 1 an error, 2 a mistake in the command line. Each command imports what it needs when it is called,
so that ``kfops status`` and ``kfops --help`` answer at once.
"""

from kfops.cli.main import main

__all__ = ["main"]
