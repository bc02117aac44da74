"""The results as text: a line on the screen for each row, and a table for each measurement in docs/performance.md."""

from __future__ import annotations

import datetime
import importlib
import os
import platform
import re
from pathlib import Path
from typing import Dict, List, Mapping

from benchmarks.measure import Row

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
_HEAD = "| what | measured | limit, same run | ratio | to reach | |\n| --- | ---: | ---: | ---: | --- | --- |\n"


def line(row: Row) -> str:
    """Return a row for the screen."""
    ratio = "" if row.ratio is None else f", ratio {row.ratio:.2f}"
    goal = f"; to reach: {row.goal}" if row.goal else ""
    return f"  {_verdict(row):7}{row.what}: {row.measured}; limit {row.limit}{ratio}{goal}"


def write(tables: Mapping[str, List[Row]]) -> Path:
    """Replace the sections of these measurements in docs/performance.md; the other sections stay."""
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        section = (
            f"{begin}## {importlib.import_module(f'benchmarks.{name}').TITLE}\n\n{_dated()}\n\n{_table(rows)}{end}"
        )
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        text = pattern.sub(lambda match, new=section: new, text) if pattern.search(text) else f"{text}\n{section}"
    PAGE.write_text(text, encoding="utf-8")
    return PAGE


def machine() -> Dict[str, str]:
    """Return what kind of machine this is: architecture, cores, system, Python."""
    return {
        "architecture": platform.machine(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _dated() -> str:
    facts = machine()
    today = datetime.date.today().isoformat()
    return f"{today}, {facts['cores']} cores, {facts['architecture']}, {facts['system']}, {facts['python']}."


def _table(rows: List[Row]) -> str:
    lines = []
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        cells = [row.what, row.measured, row.limit, ratio, row.goal, _verdict(row)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return _HEAD + "".join(lines)


def _verdict(row: Row) -> str:
    return {True: "met", False: "missed", None: ""}[row.met]
