"""Run the benchmarks and print one table: ``python -m benchmarks [name ...] [--rounds N] [--write]``."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time
from typing import Dict, List

import benchmarks
from benchmarks import report
from benchmarks.measure import Row

_TOOLS = {"__main__", "measure", "report"}


def measurements() -> List[str]:
    """Return the names of the measurements: every module that says its title."""
    names = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return [name for name in names if name not in _TOOLS and not name.startswith("_")]


def main() -> int:
    """Run what is asked for; return 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(measurements())}; all unless given")
    parser.add_argument("--rounds", type=int, default=7, help="how often each action takes its turn (default: 7)")
    parser.add_argument("--write", action="store_true", help="put the results into docs/performance.md")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(measurements()))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(measurements())}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    tables: Dict[str, List[Row]] = {}
    for name in options.names or measurements():
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{module.TITLE}", flush=True)
        started = time.monotonic()
        tables[name] = []
        for row in module.rows(options.rounds):
            tables[name].append(row)
            print(report.line(row), flush=True)
        print(f"  ({time.monotonic() - started:.0f} s)", flush=True)
    if options.write:
        path = report.write(tables)
        print(f"\nWritten to {path}")
    missed = [row.what for rows in tables.values() for row in rows if row.met is False]
    if missed:
        print(f"\nMissed: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
