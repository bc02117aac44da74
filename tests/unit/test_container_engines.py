"""Which engine runs the containers, and what is said where none does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kfops.errors import InvalidInput
from kfops.local.executors import engines


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "true"):
        (folder / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(engines, "_found", {})
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


REFUSING = 'echo "trying" >&2; echo "Error: no control groups here" >&2; exit 126'


def test_podman_as_it_is_configured_is_taken_first(programs: Path) -> None:
    program(programs, "podman", "exit 0")
    program(programs, "docker", "exit 0")
    assert engines.find("auto") == engines.Engine("podman", ("podman",))
    assert engines.find("docker").name == "docker"


def test_limits_and_another_runtime_are_tried_where_podman_refuses(programs: Path) -> None:
    program(programs, "runc", "exit 0")
    program(programs, "podman", f'case "$*" in "--runtime runc run "*--ulimit*) ;; *) {REFUSING};; esac')
    engine = engines.find("auto")
    assert engine.program == ("podman", "--runtime", "runc")
    assert engine.run[::2] == ("--ulimit", "--ulimit")
    assert [word.partition("=")[0] for word in engine.run[1::2]] == ["nofile", "nproc"]


def test_docker_is_taken_where_podman_does_not_work(programs: Path) -> None:
    program(programs, "podman", REFUSING)
    program(programs, "docker", "exit 0")
    assert engines.find("auto").name == "docker"


def test_what_each_engine_says_is_told_and_a_repaired_one_is_found(programs: Path) -> None:
    program(programs, "podman", REFUSING)
    program(programs, "docker", 'echo "Is the docker daemon running?" >&2; exit 1')
    with pytest.raises(InvalidInput) as caught:
        engines.find("auto")
    assert "podman: no control groups here. docker: Is the docker daemon running?" in caught.value.why
    assert "local.executor" in caught.value.remedy
    program(programs, "podman", "exit 0")
    assert engines.find("auto").name == "podman"


def test_only_the_engine_that_is_named_is_asked(programs: Path) -> None:
    program(programs, "podman", "exit 0")
    with pytest.raises(InvalidInput, match="docker: it is not installed"):
        engines.find("docker")
