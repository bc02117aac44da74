"""The panel is weighed by `make check`, which says what has become too heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.packaging.conftest import ROOT


def weighed(folder: Path, kilobytes: dict[str, int]) -> tuple[int, str]:
    """Weigh scripts of these sizes."""
    for name, size in kilobytes.items():
        (folder / name).write_bytes(b" " * 1000 * size)
    command = [sys.executable, str(ROOT / "scripts" / "panel_size.py"), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


START = {"remoteEntry.0a.js": 8, "314.1b.js": 20, "style.js": 1}


def test_what_is_within_the_limits_passes(tmp_path):
    code, text = weighed(tmp_path, {**START, "panel.2c.js": 200})
    assert code == 0
    assert "in all: 229.0 kB" in text
    assert "every start of JupyterLab loads: 29.0 kB" in text


def test_too_much_in_all_is_refused_and_the_largest_named_first(tmp_path):
    code, text = weighed(tmp_path, {**START, "panel.2c.js": 120, "views.3d.js": 151})
    assert code == 1
    assert "too much; the largest: views.3d.js 151.0 kB, panel.2c.js 120.0 kB" in text
    assert text.count("too much") == 1


def test_too_much_before_the_panel_is_opened_is_refused_however_light_the_rest_is(tmp_path):
    code, text = weighed(tmp_path, {**START, "775.4e.js": 11, "panel.2c.js": 100})
    assert code == 1
    assert "loads: 40.0 kB of 40 kB\n  too much; the largest: 314.1b.js 20.0 kB" in text


def test_what_was_not_built_is_not_light(tmp_path):
    code, text = weighed(tmp_path, {})
    assert code == 1
    assert "make panel" in text
