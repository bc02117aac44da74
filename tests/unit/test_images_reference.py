"""References, and what a build's last lines mean."""

from __future__ import annotations

import pytest

from kfops.config import load
from kfops.errors import ImageError, InvalidInput
from kfops.images.explain import explain, unusable_because
from kfops.images.reference import parse, reference_of
from kfops.tagger import versioned_image


@pytest.mark.parametrize(
    ("text", "full", "api_host"),
    [
        ("acme/trainer:1", "docker.io/acme/trainer:1", "registry-1.docker.io"),
        ("docker.io/acme/trainer:1", "docker.io/acme/trainer:1", "registry-1.docker.io"),
        ("index.docker.io/acme/trainer:1", "docker.io/acme/trainer:1", "registry-1.docker.io"),
        ("python:3.9", "docker.io/library/python:3.9", "registry-1.docker.io"),
        ("python", "docker.io/library/python:latest", "registry-1.docker.io"),
        ("localhost/trainer:1", "localhost/trainer:1", "localhost"),
        ("localhost:5000/trainer:1", "localhost:5000/trainer:1", "localhost:5000"),
        ("registry:5000/a/b/trainer:1", "registry:5000/a/b/trainer:1", "registry:5000"),
        ("1.dkr.ecr.eu-1.amazonaws.com/t:1", "1.dkr.ecr.eu-1.amazonaws.com/t:1", "1.dkr.ecr.eu-1.amazonaws.com"),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(text, full, api_host):
    assert str(parse(text)) == full
    assert parse(text).api_host == api_host


@pytest.mark.parametrize("text", ["https://ghcr.io/a/b:1", "ghcr.io/A/b:1", "ghcr.io/a b:1", "a/b:x/y"])
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(InvalidInput):
        parse(text)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("10.0.0.1:5000", False),
        ("ghcr.io", False),
    ],
)
def test_a_registry_on_this_machine_is_known(host, loopback):
    assert parse(f"{host}/trainer:1").loopback is loopback


def test_a_version_of_an_image_is_its_registry_name_and_version_id():
    assert reference_of("ghcr.io/acme/", "trainer", "5f0c") == "ghcr.io/acme/trainer:5f0c"


def test_what_is_built_is_what_a_pipelines_steps_pull(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text(
        "image_builder: {container_registry_uri: 'https://ghcr.io/acme/', "
        "images: [{name: t, dockerfile_folder_path: t}]}"
    )
    monkeypatch.chdir(tmp_path)
    registry = load().image_builder.container_registry_uri
    assert versioned_image("t").replace("{{workflow.parameters.version_id}}", "5f0c") == reference_of(
        registry, "t", "5f0c"
    )


def test_without_a_registry_the_error_says_which_key_to_write():
    with pytest.raises(ImageError) as caught:
        reference_of("", "trainer", "5f0c")
    assert "container_registry_uri" in caught.value.remedy


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("http: server gave HTTP response to HTTPS client", "image_builder.insecure: true"),
        ('Error: short-name "python:3.9" did not resolve to an alias', "docker.io/library/python"),
        ("denied: requested access to the resource is denied", "podman login ghcr.io"),
        ("dial tcp 10.0.0.9:443: connect: connection refused", "ghcr.io runs"),
        ("write /x: no space left on device", "buildah prune"),
    ],
)
def test_the_failures_that_people_meet_have_an_advice(line, advice):
    why, remedy = explain(["STEP 1", line, "exit status 1"], "ghcr.io/acme/trainer:1")
    assert why == line
    assert advice in remedy


def test_another_failure_is_told_by_its_last_error_line():
    lines = ["STEP 2/2: RUN false", 'Error: building at STEP "RUN false": exit status 1', "", "exit code 125"]
    assert explain(lines, "ghcr.io/acme/trainer:1") == (lines[1], "")


def test_a_user_without_ids_to_map_is_told_how_to_get_them():
    lines = [
        'time="2026-11-22T10:39:02Z" level=warning msg="no subuid ranges found for user \\"ada\\" in /etc/subuid"',
        "STEP 2/2: RUN true",
        "error setting supplemental groups list: operation not permittedsubprocess exited with status 1",
        'Error: building at STEP "RUN true": exit status 1',
    ]
    assert unusable_because(lines).endswith("--add-subgids 100000-165535 ada)")
    assert unusable_because(lines[1:]).startswith("error setting supplemental groups list")
    assert unusable_because(lines[3:]) == lines[3]
    assert unusable_because([]) == ""
