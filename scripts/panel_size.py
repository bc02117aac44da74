#!/usr/bin/env python3
"""Weigh the panel's JavaScript against its limits: `python3 scripts/panel_size.py [FOLDER]`, a part of `make check`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Dict, List

from environments.progress import ROOT

BUILT = ROOT / "kfops_lab" / "labextension" / "static"
#: Kilobytes (1000 bytes), not compressed.
LIMIT, LIMIT_AT_START = 300, 40
#: Parts that are fetched when they are needed have a name in the code; what every start loads has a number for a name.
_AT_START = re.compile(r"(remoteEntry|style|\d+)\.")
_NAMED_WHEN_OVER = 5


def weigh(folder: Path) -> Dict[str, float]:
    """Return the kilobytes of each script."""
    return {path.name: path.stat().st_size / 1000 for path in folder.glob("*.js")}


def report(scripts: Dict[str, float], what: str, limit: float) -> List[str]:
    """Return what these scripts weigh together and, when that is too much, the largest of them."""
    total = sum(scripts.values())
    lines = [f"The panel's JavaScript {what}: {total:.1f} kB of {limit} kB"]
    if total >= limit:
        largest = sorted(scripts, key=lambda name: scripts[name], reverse=True)[:_NAMED_WHEN_OVER]
        lines += [f"  too much; the largest: {', '.join(f'{name} {scripts[name]:.1f} kB' for name in largest)}"]
    return lines


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUILT
    scripts = weigh(folder)
    at_start = {name: size for name, size in scripts.items() if _AT_START.match(name)}
    if not at_start:
        print(f"{folder} holds no panel: make panel builds it", file=sys.stderr)
        return 1
    lines = [
        *report(scripts, "in all", LIMIT),
        *report(at_start, "that every start of JupyterLab loads", LIMIT_AT_START),
    ]
    print("\n".join(lines))
    return 1 if len(lines) > 2 else 0


if __name__ == "__main__":
    sys.exit(main())
