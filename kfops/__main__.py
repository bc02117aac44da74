"""``python -m kfops``: the ``kfops`` command."""

from kfops.cli import main

if __name__ == "__main__":
    main()
