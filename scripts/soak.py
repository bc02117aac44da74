#!/usr/bin/env python3
"""Do much more of the tests that `make test` does a little of: `make soak`, or `make soak SEED=<n>` to do one again.

They are the tests marked ``soak``: generated workflows and requests, and a backend that is killed again and again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from environments.progress import ROOT, VENVS

FOLDERS = ("tests/faults", "tests/property")


def main() -> int:
    seed = sys.argv[1] if len(sys.argv) > 1 else str(int(time.time()))
    print(f"=== soak with seed {seed}; to do the same again: make soak SEED={seed}", flush=True)
    command = [str(VENVS / "kernel" / "bin" / "python"), "-m", "pytest", "-m", "soak", "--durations=0"]
    command += ["--durations-min=1", f"--hypothesis-seed={seed}", "--hypothesis-show-statistics", *FOLDERS]
    started = time.monotonic()
    code = subprocess.call(
        command, cwd=str(ROOT), env={**os.environ, "KFOPS_TEST_SOAK": seed}, stdin=subprocess.DEVNULL
    )
    print(
        f"=== {'passed' if code == 0 else 'FAILED'} after {time.monotonic() - started:.0f} s, seed {seed}", flush=True
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
