"""Choosing among the builders of a machine, with programs that behave as the real ones do elsewhere."""

from __future__ import annotations

import json
import shlex
import sys
import threading
import time
from pathlib import Path

import pytest

from kfops.config_schema import Config
from kfops.errors import BuildFailed, NoBuilder
from kfops.images import local_builders, process
from kfops.images.builder import choose
from kfops.images.context import from_text

CONTEXT = from_text("trainer", "FROM scratch")
DIGEST = "sha256:" + "5f" * 32


def config(builder: str = "auto") -> Config:
    return Config.model_validate({"image_builder": {"container_registry_uri": "ghcr.io/acme", "builder": builder}})


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with the programs that `install` gives it; `calls` tells how they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "true").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(local_builders, "_found", {})
    return Machine(programs, tmp_path / "calls")


class Machine:
    def __init__(self, programs: Path, log: Path) -> None:
        self.programs, self.log = programs, log

    def install(self, name: str, code: str) -> None:
        """Install a program: Python code that has its arguments as `args`."""
        header = f"import json, os, pathlib, sys\nargs = sys.argv[1:]\nwith open({str(self.log)!r}, 'a') as log:\n"
        header += "    print(json.dumps({'args': sys.argv, 'auth': os.environ.get('REGISTRY_AUTH_FILE')}), file=log)\n"
        script = self.programs.parent / f"{name}.py"
        script.write_text(header + code, "utf-8")
        program = self.programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n', "utf-8")
        program.chmod(0o755)

    @property
    def calls(self):
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


#: As buildah, where only some options work: `works` is a condition on args.
BUILDAH = """
if not (WORKS):
    sys.exit("error: crun: cgroups in hybrid mode not supported")
if "--iidfile" in args:
    pathlib.Path(args[args.index("--iidfile") + 1]).write_text("sha256:1")
if "--digestfile" in args:
    pathlib.Path(args[args.index("--digestfile") + 1]).write_text("DIGEST")
if "--tag" in args:
    print("STEP 1/1: FROM scratch", pathlib.Path(args[-1], "Dockerfile").read_text().strip())
""".replace("DIGEST", DIGEST)

ISOLATED = '"rmi" in args or "push" in args or "chroot" in args'
NOTHING = "False"
ANYTHING = "True"

DOCKER = f"""
if "version" in args:
    print("28.0")
if "push" in args:
    print("5f0c: digest: {DIGEST} size: 528")
"""


def test_the_users_own_settings_are_tried_first(machine):
    machine.install("buildah", BUILDAH.replace("WORKS", ANYTHING))
    builder = choose(config())
    assert builder.name == "buildah"
    trial = machine.calls[0]["args"]
    assert "--isolation" not in trial
    assert "--storage-driver" not in trial
    assert builder.build(CONTEXT, "ghcr.io/acme/trainer:1") == DIGEST


def test_settings_that_work_are_found_by_trying_and_kept(machine):
    machine.install("buildah", BUILDAH.replace("WORKS", ISOLATED))
    lines = []
    assert choose(config()).build(CONTEXT, "acme/trainer:1", on_log=lines.append) == DIGEST
    assert lines == ["STEP 1/1: FROM scratch FROM scratch"]
    trials = len(machine.calls)
    choose(config()).build(CONTEXT, "acme/trainer:1")
    assert len(machine.calls) == trials + 2
    build, push = (call["args"] for call in machine.calls[-2:])
    assert build[build.index("--isolation") + 1] == "chroot"
    assert push[-2:] == ["docker.io/acme/trainer:1", "docker://docker.io/acme/trainer:1"]
    assert not [argument for argument in build + push if argument.startswith("--tls-verify")]


@pytest.mark.parametrize(("reference", "insecure"), [("registry:5000/t:1", True), ("localhost:5000/t:1", False)])
def test_plain_http_is_allowed_where_it_was_asked_for_or_stays_on_the_machine(machine, reference, insecure):
    machine.install("buildah", BUILDAH.replace("WORKS", ANYTHING))
    choose(config()).build(CONTEXT, reference, insecure=insecure)
    assert all("--tls-verify=false" in call["args"] for call in machine.calls[-2:])


def test_a_program_that_cannot_build_here_gives_way_to_one_that_can(machine):
    machine.install("buildah", BUILDAH.replace("WORKS", NOTHING))
    machine.install("docker", DOCKER)
    assert choose(config()).name == "docker"


def test_with_none_the_error_says_what_was_tried_and_what_to_install(machine):
    machine.install("buildah", BUILDAH.replace("WORKS", NOTHING))
    machine.install("docker", 'sys.exit("Cannot connect to the Docker daemon. Is the docker daemon running?")')
    with pytest.raises(NoBuilder) as caught:
        choose(config())
    assert caught.value.details["tried"] == {
        "buildah": "error: crun: cgroups in hybrid mode not supported",
        "podman": "not installed",
        "docker": "Cannot connect to the Docker daemon. Is the docker daemon running?",
        "kaniko": "not in a cluster",
    }
    assert "sudo apt install buildah (or podman, or docker.io)" in caught.value.remedy
    assert "need none" in caught.value.remedy


def test_a_builder_that_config_yaml_names_is_the_only_one_tried(machine):
    machine.install("docker", DOCKER)
    with pytest.raises(NoBuilder, match="podman") as caught:
        choose(config("podman"))
    assert "apt install podman" in caught.value.remedy
    machine.install("podman", BUILDAH.replace("WORKS", NOTHING))
    with pytest.raises(NoBuilder, match="cgroups in hybrid mode") as caught:
        choose(config("podman"))
    assert "install" not in caught.value.remedy
    assert choose(config("docker")).name == "docker"


def test_docker_builds_pushes_and_its_digest_is_read(machine):
    machine.install("docker", DOCKER)
    assert choose(config()).build(CONTEXT, "acme/trainer:1") == DIGEST
    build, push = (call["args"][1:] for call in machine.calls[-2:])
    assert build[:3] == ["build", "--tag", "docker.io/acme/trainer:1"]
    assert push == ["push", "docker.io/acme/trainer:1"]


def test_a_push_that_is_denied_says_how_to_log_in(machine):
    machine.install(
        "docker", DOCKER + 'if "push" in args: sys.exit("denied: requested access to the resource is denied")'
    )
    with pytest.raises(BuildFailed, match="built but not pushed") as caught:
        choose(config()).build(CONTEXT, "acme/trainer:1")
    assert "docker login docker.io" in caught.value.remedy
    assert caught.value.details["image"] == "trainer"


def test_dockers_log_in_serves_buildah_and_stands_in_no_argument(machine, tmp_path, monkeypatch):
    machine.install("buildah", BUILDAH.replace("WORKS", ANYTHING))
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text('{"auths": {"ghcr.io": {"auth": "c2VjcmV0"}}}', "utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    choose(config()).build(CONTEXT, "ghcr.io/acme/trainer:1")
    assert machine.calls[-1]["auth"] == str(tmp_path / "docker/config.json")
    assert "c2VjcmV0" not in json.dumps(machine.calls)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_programs_output_comes_line_by_line_while_it_runs():
    code = "import sys, time\nfor n in range(3): print(n, flush=True); time.sleep(0.3)\nsys.exit(4)"
    arrived = []
    result = process.run(python(code), on_line=lambda line: arrived.append((line, time.monotonic())))
    assert (result.code, result.lines) == (4, ["0", "1", "2"])
    assert arrived[2][1] - arrived[0][1] > 0.4


def test_a_progress_bar_counts_as_what_it_showed_last():
    assert process.run(python(r"print('10%\r50%\rdone')")).lines == ["done"]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", ["cancelled", "log", "interrupt", "timeout"])
def test_what_a_stopped_program_started_is_stopped_too(how):
    code = "import subprocess, time\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\ntime.sleep(60)"
    stop = threading.Event()
    started = []

    def on_line(line):
        started.append(int(line))
        if how == "cancelled":
            stop.set()
        if how == "log":
            raise ValueError(line)
        if how == "interrupt":
            raise KeyboardInterrupt

    with pytest.raises((process.CancelledError, ValueError, KeyboardInterrupt, process.subprocess.TimeoutExpired)):
        process.run(python(code), on_line=on_line, cancelled=stop, timeout=1.0 if how == "timeout" else None)
    deadline = time.monotonic() + 5
    while alive(started[0]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(started[0])
