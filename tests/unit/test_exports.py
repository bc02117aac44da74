"""``import kfops`` offers its names, and costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kfops

ROOT = Path(__file__).resolve().parents[2]


def test_the_names_are_sorted_and_complete() -> None:
    assert kfops.__all__ == sorted(kfops.__all__)
    assert set(kfops.__all__) <= set(dir(kfops))


@pytest.mark.parametrize("name", kfops.__all__)
def test_each_name_leads_to_what_it_says(name: str) -> None:
    found = getattr(kfops, name)
    if name == "__version__":
        assert found[0].isdigit()
    elif name == "config":
        assert found.load
    else:
        assert found.__module__.split(".")[0] == "kfops"
        assert found.__doc__


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = kfops.nothing


def test_importing_kfops_imports_nothing_large() -> None:
    heavy = ("kfp", "kfp_server_api", "kubernetes", "minio", "pydantic", "yaml", "sqlalchemy", "tornado")
    code = f"import sys, kfops\nprint([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "[]"
