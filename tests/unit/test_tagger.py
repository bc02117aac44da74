"""versioned_image(): which names it takes, and what it returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfops.errors import ConfigError, InvalidInput
from kfops.tagger import versioned_image


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(
        "image_builder:\n  container_registry_uri: registry.example.com:5000/team/\n"
        "  images:\n    - name: trainer\n      dockerfile_folder_path: docker\n"
    )
    return tmp_path


def test_the_tag_is_the_pipeline_version(project: Path) -> None:
    assert versioned_image("trainer") == "registry.example.com:5000/team/trainer:{{workflow.parameters.version_id}}"


def test_an_image_from_a_cell_is_known(project: Path) -> None:
    folder = project / ".kfops" / "images" / "scorer"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM python:3.9")

    assert versioned_image("scorer").startswith("registry.example.com:5000/team/scorer:")


def test_a_typing_mistake_is_answered_with_the_nearest_name(project: Path) -> None:
    with pytest.raises(ConfigError, match="There is no image trainre") as caught:
        versioned_image("trainre")
    assert caught.value.remedy == "Did you mean trainer?"


def test_an_unknown_image_says_what_to_add(project: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        versioned_image("web")
    assert "`- name: web`" in caught.value.remedy
    assert "Known images: trainer." in caught.value.why


def test_without_a_registry_the_key_to_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".kfops" / "images" / "trainer"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM python:3.9")

    with pytest.raises(ConfigError, match="no registry") as caught:
        versioned_image("trainer")
    assert "container_registry_uri" in caught.value.remedy


@pytest.mark.parametrize("name", ["", "Trainer", "a b", "../a", "a:1", "a@b", "-a", "x" * 200, None])
def test_a_name_that_no_image_can_have_is_refused(project: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of an image"):
        versioned_image(name)
