"""Packages become numbered versions of pipelines, and versions are read back as what was uploaded."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Iterator, List

import pytest

from kfops.errors import InvalidInput, NotFound
from kfops.pipelines import find_pipeline, get_version, list_pipelines, list_versions, upload
from kfops.types import PipelineVersion, Source
from tests.fakes.backend import ScriptedBackend, scripted_backend
from tests.fakes.packages import package


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[ScriptedBackend]:
    with scripted_backend(tmp_path / "backend") as found:
        yield found


def test_the_first_upload_makes_the_pipeline_and_version_1(backend: ScriptedBackend) -> None:
    version = upload(package(), connection=backend.connection)
    assert (version.pipeline_name, version.number) == ("churn", 1)
    (pipeline,) = list_pipelines(backend.connection)
    assert (pipeline.name, pipeline.description) == ("churn", "Who leaves")
    assert pipeline.default_version_id == version.id


def test_later_uploads_are_numbered(backend: ScriptedBackend) -> None:
    for _ in range(3):
        upload(package(), connection=backend.connection)
    (pipeline,) = list_pipelines(backend.connection)
    versions = list_versions(pipeline.id, backend.connection)
    assert [(v.name, v.number) for v in versions] == [("version 3", 3), ("version 2", 2), ("churn", 1)]
    assert all(v.pipeline_name == "churn" for v in versions)


def test_a_named_version_does_not_upset_the_numbers(backend: ScriptedBackend) -> None:
    upload(package(), connection=backend.connection)
    named = upload(package(), version_name="before the holidays", connection=backend.connection)
    assert (named.name, named.number) == ("before the holidays", 0)
    assert upload(package(), connection=backend.connection).name == "version 2"


def test_a_version_name_that_is_taken_is_refused(backend: ScriptedBackend) -> None:
    upload(package(), connection=backend.connection)
    upload(package(), version_name="mine", connection=backend.connection)
    with pytest.raises(InvalidInput, match="'mine' already"):
        upload(package(), version_name="mine", connection=backend.connection)


def test_uploads_at_the_same_time_all_become_versions(backend: ScriptedBackend) -> None:
    made: List[PipelineVersion] = []
    _ = backend.connection.client  # imported once, so that the threads really meet
    barrier = threading.Barrier(4)

    def one() -> None:
        barrier.wait()
        made.append(upload(package(), connection=backend.connection))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(version.number for version in made) == [1, 2, 3, 4]
    assert len(list_pipelines(backend.connection)) == 1


def test_pipelines_are_told_apart_by_name(backend: ScriptedBackend) -> None:
    upload(package("one"), connection=backend.connection)
    upload(package("one"), pipeline_name="another", connection=backend.connection)
    assert {p.name for p in list_pipelines(backend.connection)} == {"one", "another"}
    found = find_pipeline("another", backend.connection)
    assert found is not None
    assert found.name == "another"
    assert find_pipeline("on", backend.connection) is None


@pytest.mark.parametrize("name", ['with "quotes"', "größer, größte", "a & b = c", "a/b", "{}"])
def test_unusual_names_stay_as_they_are(name: str, backend: ScriptedBackend) -> None:
    upload(package(), pipeline_name=name, connection=backend.connection)
    assert upload(package(), pipeline_name=name, connection=backend.connection).number == 2
    assert [p.name for p in list_pipelines(backend.connection)] == [name]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "50%", "a+b", "line\nbreak", " padded "])
def test_names_that_kubeflow_pipelines_would_not_keep_are_refused(name: str, backend: ScriptedBackend) -> None:
    upload(package(), connection=backend.connection)
    with pytest.raises(InvalidInput):
        upload(package(name or " "), pipeline_name=name or None, connection=backend.connection)
    with pytest.raises(InvalidInput):
        upload(package(), version_name=name, connection=backend.connection)


def test_a_description_of_any_characters_arrives(backend: ScriptedBackend) -> None:
    upload(package(description="50% more & + öre\nsecond line"), connection=backend.connection)
    assert list_pipelines(backend.connection)[0].description == "50% more & + öre\nsecond line"


def test_a_version_is_read_back_with_all_that_it_says(backend: ScriptedBackend) -> None:
    made = upload(package(), connection=backend.connection)
    version = get_version(made.id, backend.connection)
    assert [(p.name, p.type, p.default, p.required) for p in version.parameters] == [
        ("rate", "float", 0.1, False),
        ("data", "string", None, True),
        ("deep", "boolean", True, False),
        ("layers", "list", [1, 2], False),
    ]
    assert version.graph is not None
    assert [step.name for step in version.graph.steps] == ["prepare", "train"]
    assert version.source == Source("notebook", "churn.ipynb", "ab")
    assert len(version.sha256) == 64
    assert version.images == []


def test_a_version_with_images_can_be_read_where_no_registry_is_configured(backend: ScriptedBackend) -> None:
    made = upload(package(images=["trainer"]), connection=backend.connection)
    (image,) = get_version(made.id, backend.connection).images
    assert image.name == "trainer"
    assert image.state != "ready"
    assert image.message


def test_an_unknown_version_is_not_found(backend: ScriptedBackend) -> None:
    with pytest.raises(NotFound):
        get_version("no-such-version", backend.connection)
    with pytest.raises(NotFound):
        list_versions("no/such pipeline", backend.connection)
