"""What every unit test of the kernel side gets: an environment in which nothing names a backend."""

from __future__ import annotations

from pathlib import Path

import pytest

_NAMING = (
    "KF_PIPELINES_ENDPOINT",
    "KF_PIPELINES_NAMESPACE",
    "KF_PIPELINES_SA_TOKEN_PATH",
    "KF_PIPELINES_UI_ENDPOINT",
    "KFOPS_LOCAL_DIR",
    "NB_PREFIX",
)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Work in an empty folder, with a home and a data folder of its own."""
    for name in _NAMING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(tmp_path / "local"))
    monkeypatch.setattr("kfops.surroundings._NAMESPACE_FILE", tmp_path / "no-namespace")
    monkeypatch.setattr("kfops.credentials.POD_TOKEN_PATH", tmp_path / "no-token")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work
