"""Images built and pushed for real: buildah or podman, and Debian's registry."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Iterator

import pytest

import kfops
from kfops.config import load
from kfops.config_schema import Config
from kfops.errors import BuildFailed, ImagesMissing
from kfops.images import build, local_builders, require_ready, states
from kfops.images.builder import choose
from kfops.pipelines import get_version
from kfops.runs import stop_run
from kfops.types import ImageVersion, PipelineVersion
from tests.fakes.registry import running_registry

DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY data/greeting.txt /greeting.txt
RUN ["/bin/busybox", "cat", "/greeting.txt"]
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="module", autouse=True)
def _own_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep layers and images where nothing has been cached, and where they go away with the test."""
    folder = tmp_path_factory.mktemp("storage")
    settings = f'[storage]\ndriver = ""\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(settings, "utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
        environment.setattr(local_builders, "_found", {})
        yield
    for line in reversed(Path("/proc/mounts").read_text("utf-8").splitlines()):
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", place], check=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "docker/trainer"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(DOCKERFILE, "utf-8")
    shutil.copy(shutil.which("busybox"), folder / "busybox")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/greeting.txt").write_text(f"hello from {tmp_path.name}\n", "utf-8")
    return tmp_path


def config_of(project: Path, registry: str, builder: str = "auto") -> Config:
    image = {"name": "trainer", "dockerfile_folder_path": "docker/trainer", "other_folders_path": ["data/"]}
    settings = {"container_registry_uri": f"{registry}/{builder}", "images": [image], "builder": builder}
    (project / "config.yaml").write_text(json.dumps({"image_builder": settings}), "utf-8")
    return load(project / "config.yaml")


def version(version_id: str) -> PipelineVersion:
    return PipelineVersion(version_id, "p", "churn", "version 1", images=[ImageVersion("trainer", "")])


BUILDERS = [
    pytest.param(name, marks=pytest.mark.needs(name, "docker-registry", "busybox")) for name in ("buildah", "podman")
]


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_versions_image_is_built_pushed_and_found_again(project, registry, builder):
    config = config_of(project, registry, builder)
    before = states(["trainer"], "5f0c", config)
    assert [image.state for image in before] == ["missing"]
    with pytest.raises(ImagesMissing):
        require_ready(before)

    lines = []
    [built] = build(version("5f0c"), config=config, on_log=lines.append)
    assert built.reference == f"{registry}/{builder}/trainer:5f0c"
    assert built.state == "ready"
    assert built.digest.startswith("sha256:")
    assert f"hello from {project.name}" in lines

    after = states(["trainer"], "5f0c", config)
    assert after == [built]
    require_ready(after)


@pytest.mark.needs("buildah", "docker-registry", "busybox")
def test_an_image_that_is_there_is_not_built_again_and_another_version_is_another_tag(project, registry):
    config = config_of(project, registry, "buildah")
    build(version("first"), config=config)
    lines = []
    [again] = build(version("first"), config=config, on_log=lines.append)
    assert (again.state, lines) == ("ready", [])
    [second] = build(version("second"), config=config)
    assert second.reference.endswith("/trainer:second")
    # The same files make the same image, under both tags.
    assert second.digest == again.digest
    assert [image.state for image in states(["trainer"], "third", config)] == ["missing"]


@pytest.mark.needs("buildah", "docker-registry", "busybox")
def test_a_dockerfile_that_fails_tells_its_last_lines_and_pushes_nothing(project, registry):
    (project / "docker/trainer/Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "echo no such data; exit 7"]\n',
        "utf-8",
    )
    config = config_of(project, registry, "buildah")
    with pytest.raises(BuildFailed, match=r"trainer.*not built") as caught:
        build(version("broken"), config=config)
    assert "no such data" in caught.value.details["log"]
    assert "exit status 7" in caught.value.why
    assert [image.state for image in states(["trainer"], "broken", config)] == ["missing"]


@pytest.mark.needs("buildah", "busybox")
def test_a_registry_that_is_not_there_is_unknown_and_fails_the_push_with_an_advice(project):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = config_of(project, host, "buildah")
    [image] = states(["trainer"], "5f0c", config)
    assert image.state == "unknown"
    assert "refused" in image.message
    with pytest.raises(BuildFailed, match="not pushed") as caught:
        build(version("5f0c"), config=config)
    assert "container_registry_uri" in caught.value.remedy


@pytest.mark.needs("buildah", "docker-registry", "busybox")
def test_a_cancelled_build_ends_with_everything_it_started(project, registry):
    marker = f"sleep-{project.name}"
    shutil.copy(shutil.which("busybox"), project / "docker/trainer" / marker)
    seconds = f"299.{uuid.uuid4().int % 10**9}"
    (project / "docker/trainer/Dockerfile").write_text(
        f'FROM scratch\nCOPY {marker} /bin/sleep\nRUN ["/bin/sleep", "{seconds}"]\n', "utf-8"
    )
    stop = threading.Event()

    def stop_when_it_sleeps(line: str) -> None:
        if line.startswith("STEP 3"):
            threading.Timer(0.5, stop.set).start()

    start = time.monotonic()
    with pytest.raises(BuildFailed, match="cancelled"):
        build(
            version("cancelled"),
            config=config_of(project, registry, "buildah"),
            on_log=stop_when_it_sleeps,
            cancelled=stop,
        )
    assert time.monotonic() - start < 20
    assert not [args for args in arguments_of_all_processes() if f"/bin/sleep {seconds}" in args]
    listed = subprocess.run(["buildah", "containers", "--all", "--quiet"], stdout=subprocess.PIPE, check=True)
    assert listed.stdout == b""


def arguments_of_all_processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text("utf-8", "replace").replace("\0", " "))
        except OSError:
            continue
    return found


PIPELINE = """
from kfp.v2 import dsl
from kfops.tagger import versioned_image


@dsl.component(base_image=versioned_image("trainer"))
def train():
    pass


@dsl.pipeline(name="churn")
def churn():
    train()
"""


@pytest.mark.needs("buildah", "docker-registry", "busybox")
def test_kfops_build_makes_a_version_whose_image_is_tagged_with_its_id(project, registry, monkeypatch):
    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(project / "backend"))
    (project / "churn.py").write_text(PIPELINE, "utf-8")
    config = config_of(project, registry, "buildah")
    connection = kfops.connect(config)

    version = kfops.build(project / "churn.py", connection=connection, config=config)
    assert [(image.reference, image.state) for image in version.images] == [
        (f"{registry}/buildah/trainer:{version.id}", "ready")
    ]
    assert get_version(version.id, connection, config).images == version.images

    package = kfops.compile(project / "churn.py", config=config)
    second = kfops.upload(package, connection=connection, config=config)
    assert second.id != version.id
    with pytest.raises(ImagesMissing, match="trainer"):
        kfops.run(second, connection=connection, config=config)
    assert [image.state for image in build(second.id, connection=connection, config=config)] == ["ready"]
    run = kfops.run(second, connection=connection, config=config)
    manifest = connection.get_json(f"/apis/v1beta1/runs/{run.id}", what="read the run")["pipeline_runtime"]
    passed = json.loads(manifest["workflow_manifest"])["spec"]["arguments"]["parameters"]
    assert {"name": "version_id", "value": second.id} in passed
    stop_run(run.id, connection)


@pytest.mark.needs("buildah")
def test_auto_takes_a_builder_that_works_here(project):
    chosen = choose(config_of(project, "localhost:5000"))
    assert chosen.name == "buildah"
    assert chosen.unusable() == ""
