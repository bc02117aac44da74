"""``python -m kfops.local --data-dir D``: the embedded backend's process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .folder import data_folder


def main() -> int:
    """Serve until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kfops.local", description="The embedded backend of kfops.")
    parser.add_argument("--data-dir", type=Path, default=None, help="data folder; default: KFOPS_LOCAL_DIR")
    arguments = parser.parse_args()
    from .server import serve  # after the arguments: a mistake in them is told at once

    return serve(data_folder(arguments.data_dir))


if __name__ == "__main__":
    sys.exit(main())
