"""The images of a version: states, building what is missing, and the order of kfops.build."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

import kfops
from kfops.config_schema import Config
from kfops.errors import BuildFailed, ImagesMissing, NoBuilder
from kfops.images import build, build_pipeline, require_ready, states, versions
from kfops.images.builder import Builder
from kfops.types import Graph, ImageVersion, Package, PipelineVersion, Source

VERSION = PipelineVersion(
    "5f0c", "p1", "churn", "version 1", graph=Graph("churn"), images=[ImageVersion("a", ""), ImageVersion("b", "")]
)


def config_in(root: Path, registry: str = "ghcr.io/acme", builder: str = "auto") -> Config:
    images = []
    for name in ("a", "b"):
        (root / name).mkdir(exist_ok=True)
        (root / name / "Dockerfile").write_text("FROM scratch", "utf-8")
        images.append({"name": name, "dockerfile_folder_path": name})
    settings = {"container_registry_uri": registry, "images": images, "builder": builder}
    return Config.model_validate({"image_builder": settings}).located(root / "config.yaml", root)


def package(*images: str) -> Package:
    return Package("churn", "", "V2_COMPATIBLE", [], Graph("churn"), 1, "", list(images), Source("function"), "")


class Recorder(Builder):
    """Builds nothing, and says what it was asked for."""

    name = "recorder"

    def __init__(self, fail=()):
        self.asked = []
        self.fail = fail

    def unusable(self):
        return ""

    def build(self, context, reference, *, insecure=False, on_log=None, cancelled=None):
        if context.name in self.fail:
            raise BuildFailed(f"{context.name} failed")
        self.asked.append((context.name, reference, insecure))
        return f"sha256:{context.name}"


@pytest.fixture
def registry(monkeypatch):
    """State of each image by name, in place of a registry's answer; the registry itself has its own tests."""
    known = {}

    def look_up(name, reference, *, insecure=False):
        return ImageVersion(name, reference, known.get(name, "missing"))

    monkeypatch.setattr(versions, "look_up", look_up)
    return known


@pytest.fixture
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(versions, "choose", lambda config: recorder)
    return recorder


def test_only_what_is_not_there_is_built_and_the_order_is_kept(tmp_path, registry, recorder):
    registry["a"] = "ready"
    lines = []
    built = build(VERSION, config=config_in(tmp_path), on_log=lines.append)
    assert recorder.asked == [("b", "ghcr.io/acme/b:5f0c", False)]
    assert [(image.name, image.state) for image in built] == [("a", "ready"), ("b", "ready")]
    assert built[1].digest == "sha256:b"
    assert lines == [
        "b: building ghcr.io/acme/b:5f0c with recorder",
        "b: pushed ghcr.io/acme/b:5f0c (sha256:b)",
    ]


def test_a_version_without_missing_images_needs_no_builder(tmp_path, registry, monkeypatch):
    monkeypatch.setattr(versions, "choose", lambda config: pytest.fail("asked for a builder"))
    registry.update(a="ready", b="ready")
    assert [image.state for image in build(VERSION, config=config_in(tmp_path))] == ["ready", "ready"]
    assert build(VERSION, package=package(), config=config_in(tmp_path)) == []


def test_an_image_that_cannot_be_looked_up_is_built(tmp_path, registry, recorder):
    registry.update(a="unknown", b="ready")
    build(VERSION, config=config_in(tmp_path))
    assert [name for name, _, _ in recorder.asked] == ["a"]


def test_every_context_is_looked_at_before_the_first_build(tmp_path, registry, recorder):
    config = config_in(tmp_path)
    (tmp_path / "b/Dockerfile").unlink()
    with pytest.raises(kfops.KfopsError, match="'b' has no Dockerfile"):
        build(VERSION, config=config)
    assert recorder.asked == []


def test_nothing_more_is_built_after_cancelling(tmp_path, registry, recorder):
    stop = threading.Event()
    stop.set()
    with pytest.raises(BuildFailed, match="cancelled"):
        build(VERSION, config=config_in(tmp_path), cancelled=stop)
    assert recorder.asked == []


def test_a_version_out_of_a_list_is_asked_for_its_images(tmp_path, registry, recorder, monkeypatch):
    monkeypatch.setattr("kfops.pipelines.get_version", lambda version_id, connection, config: VERSION)
    listed = PipelineVersion("5f0c", "p1", "churn", "version 1")
    for version in (listed, "5f0c"):
        assert [image.name for image in build(version, connection=object(), config=config_in(tmp_path))] == ["a", "b"]


def test_missing_images_stop_a_run_with_what_to_type():
    images = [ImageVersion("a", "r/a:1", "ready"), ImageVersion("b", "r/b:1", "missing"), ImageVersion("c", "r/c:1")]
    with pytest.raises(ImagesMissing, match="Not built yet: b") as caught:
        require_ready(images)
    assert caught.value.details["images"] == ["b"]
    assert "%kfops build" in caught.value.remedy
    require_ready([images[0], images[2]])


def test_registries_are_asked_at_once(tmp_path, monkeypatch):
    meeting = threading.Barrier(4, timeout=5)

    def look_up(name, reference, *, insecure=False):
        meeting.wait()
        return ImageVersion(name, reference, "missing")

    monkeypatch.setattr(versions, "look_up", look_up)
    found = states(["d", "c", "b", "a"], "5f0c", config_in(tmp_path))
    assert [image.name for image in found] == ["d", "c", "b", "a"]


def test_without_a_registry_the_state_is_unknown_and_says_which_key_is_missing(tmp_path):
    [image] = states(["a"], "5f0c", config_in(tmp_path, registry=""))
    assert image.state == "unknown"
    assert "container_registry_uri" in image.message


@pytest.fixture
def backend(monkeypatch):
    """The compiler's and the backend's answers, in the order in which they were asked."""
    asked = []

    def compile_pipeline(target, *, function=None, config=None):
        asked.append(("compile", target, function))
        return package(*target)

    def upload(package, *, pipeline_name=None, connection=None, config=None):
        asked.append(("upload", pipeline_name))
        return PipelineVersion("5f0c", "p1", "churn", "version 1")

    monkeypatch.setattr("kfops.compiler.compile", compile_pipeline)
    monkeypatch.setattr("kfops.pipelines.upload", upload)
    return asked


def test_kfops_build_compiles_uploads_and_builds(tmp_path, registry, recorder, backend):
    version = build_pipeline(["a"], function="train", name="mine", config=config_in(tmp_path))
    assert backend == [("compile", ["a"], "train"), ("upload", "mine")]
    assert recorder.asked == [("a", "ghcr.io/acme/a:5f0c", False)]
    assert [(image.name, image.state) for image in version.images] == [("a", "ready")]


def test_a_pipeline_without_images_is_uploaded_where_nothing_can_be_built(tmp_path, backend, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_pipeline([], config=config_in(tmp_path)).id == "5f0c"


def test_no_version_is_uploaded_whose_images_could_not_be_built(tmp_path, registry, backend, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NoBuilder) as caught:
        build_pipeline(["a"], config=config_in(tmp_path))
    assert [step for step, *_ in backend] == ["compile"]
    assert "apt install buildah" in caught.value.remedy
    assert set(caught.value.details["tried"]) == {"buildah", "podman", "docker", "kaniko"}


def test_kfops_build_is_build_pipeline():
    assert kfops.build is build_pipeline


def test_a_port_that_nobody_listens_on_leaves_the_state_unknown(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        registry = f"127.0.0.1:{free.getsockname()[1]}"
        [image] = states(["a"], "5f0c", config_in(tmp_path, registry=registry))
    assert (image.state, image.reference) == ("unknown", f"{registry}/a:5f0c")
