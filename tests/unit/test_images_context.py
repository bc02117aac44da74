"""What an image is built from."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from kfops.config_schema import Config, Image, ImageBuilder
from kfops.errors import ConfigError, ImageError, InvalidInput
from kfops.images import Context, find, save_dockerfile
from kfops.images.dockerignore import ignored, parse


def config_in(root: Path, **image) -> Config:
    images = [Image(name="trainer", **image)] if image else []
    builder = ImageBuilder(container_registry_uri="localhost:5000", images=images)
    return Config(image_builder=builder).located(root / "config.yaml", root)


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path, "utf-8")


def names(context: Context) -> list[str]:
    archive = io.BytesIO()
    context.write(archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        return tar.getnames()


def files(context: Context) -> list[str]:
    return [
        path for path in names(context) if isinstance(context.entries[path], bytes) or context.entries[path].is_file()
    ]


def test_the_dockerfiles_folder_is_the_root_and_other_folders_stand_below_it_by_name(tmp_path):
    write(tmp_path, "docker/trainer/Dockerfile", "docker/trainer/requirements.txt", "src/lib/a.py", "shared/b/c.py")
    context = find(
        "trainer",
        config_in(tmp_path, dockerfile_folder_path="docker/trainer/", other_folders_path=["src/lib/", "./shared"]),
    )
    assert files(context) == ["Dockerfile", "lib/a.py", "requirements.txt", "shared/b/c.py"]


def test_python_caches_stay_out_wherever_they_are(tmp_path):
    write(tmp_path, "t/Dockerfile", "t/__pycache__/x.pyc", "lib/m.py", "lib/deep/__pycache__/m.pyc")
    context = find("trainer", config_in(tmp_path, dockerfile_folder_path="t", other_folders_path=["lib"]))
    assert files(context) == ["Dockerfile", "lib/m.py"]


def test_dockerignore_holds_for_the_whole_context_but_never_for_the_dockerfile(tmp_path):
    write(tmp_path, "t/Dockerfile", "t/data/big.csv", "t/data/keep.csv", "t/notes.md", "lib/m.py", "lib/secret.env")
    (tmp_path / "t/.dockerignore").write_text("# comment\ndata\n!data/keep.csv\n**/*.env\n*.md\nDockerfile\n", "utf-8")
    context = find("trainer", config_in(tmp_path, dockerfile_folder_path="t", other_folders_path=["lib"]))
    assert files(context) == [".dockerignore", "Dockerfile", "data/keep.csv", "lib/m.py"]


@pytest.mark.parametrize(
    ("pattern", "path", "out"),
    [
        ("data", "data/x/y.csv", True),
        ("/data/", "data/x", True),
        ("data", "my/data", False),
        ("**/data", "my/data/x", True),
        ("**/data", "data", True),
        ("*.py", "a.py", True),
        ("*.py", "lib/a.py", False),
        ("**", "anything/at/all", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("file?.txt", "file1.txt", True),
        ("file?.txt", "file/.txt", False),
        ("file[0-9].txt", "file7.txt", True),
        ("file[^0-9].txt", "file7.txt", False),
        ("a.b", "axb", False),
        ("\\*.txt", "*.txt", True),
        ("\\*.txt", "a.txt", False),
        ("./lib/../data", "data", True),
        ("file[.txt", "file[.txt", True),
    ],
)
def test_dockerignore_patterns_mean_what_docker_says(pattern, path, out):
    assert ignored(path, parse(pattern)) is out


def test_the_last_pattern_that_matches_decides():
    rules = parse("*\n!src\nsrc/secret")
    assert [ignored(path, rules) for path in ("a", "src/a.py", "src/secret")] == [True, False, True]


def test_the_same_files_give_the_same_bytes_whenever_and_by_whomever(tmp_path, monkeypatch):
    for copy, when in (("one", 1), ("two", 1_600_000_000)):
        write(tmp_path, f"{copy}/t/Dockerfile", f"{copy}/t/z", f"{copy}/t/a/b")
        for path in (tmp_path / copy).rglob("*"):
            if path.is_file():
                path.write_text(path.name, "utf-8")
            os.utime(path, (when, when))
    archives = []
    for copy in ("one", "two"):
        context = find("trainer", config_in(tmp_path / copy, dockerfile_folder_path="t"))
        archive = io.BytesIO()
        monkeypatch.setattr(gzip.time, "time", lambda: 1_700_000_000 + len(archives))
        digest = context.write(archive)
        assert digest == context.sha256
        archives.append((digest, archive.getvalue()))
    assert archives[0] == archives[1]
    (tmp_path / "two/t/z").write_text("changed", "utf-8")
    assert find("trainer", config_in(tmp_path / "two", dockerfile_folder_path="t")).sha256 != archives[0][0]


def test_a_context_on_disk_is_the_context_in_the_archive(tmp_path):
    write(tmp_path, "t/Dockerfile", "t/run.sh")
    (tmp_path / "t/run.sh").chmod(0o755)
    (tmp_path / "t/link").symlink_to("run.sh")
    (tmp_path / "t/empty").mkdir()
    os.mkfifo(tmp_path / "t/pipe")
    context = find("trainer", config_in(tmp_path, dockerfile_folder_path="t"))
    assert names(context) == ["Dockerfile", "empty", "link", "run.sh"]
    out = tmp_path / "out"
    out.mkdir()
    context.copy_to(out)
    assert sorted(path.name for path in out.iterdir()) == ["Dockerfile", "empty", "link", "run.sh"]
    assert os.readlink(out / "link") == "run.sh"
    assert os.access(out / "run.sh", os.X_OK)


def test_a_missing_folder_is_named_with_its_key(tmp_path):
    with pytest.raises(ConfigError, match="docker/nowhere") as caught:
        find("trainer", config_in(tmp_path, dockerfile_folder_path="docker/nowhere"))
    assert caught.value.details["key"] == "image_builder.images.dockerfile_folder_path"
    write(tmp_path, "t/Dockerfile")
    with pytest.raises(ConfigError, match="lib") as caught:
        find("trainer", config_in(tmp_path, dockerfile_folder_path="t", other_folders_path=["lib"]))
    assert caught.value.details["key"] == "image_builder.images.other_folders_path"


def test_a_folder_without_a_dockerfile_is_an_error(tmp_path):
    write(tmp_path, "t/readme")
    with pytest.raises(ConfigError, match="has no Dockerfile"):
        find("trainer", config_in(tmp_path, dockerfile_folder_path="t"))


def test_two_files_for_one_place_are_an_error_and_folders_that_merge_are_not(tmp_path):
    write(tmp_path, "t/Dockerfile", "t/lib/own.py", "lib/other.py")
    config = config_in(tmp_path, dockerfile_folder_path="t", other_folders_path=["lib"])
    assert files(find("trainer", config)) == ["Dockerfile", "lib/other.py", "lib/own.py"]
    write(tmp_path, "t/lib/other.py")
    with pytest.raises(ConfigError, match=r"lib/other\.py"):
        find("trainer", config)


def test_a_cell_is_a_dockerfile_alone_and_is_found_after_it_was_saved(tmp_path):
    config = config_in(tmp_path)
    path = save_dockerfile("trainer", "FROM python:3.9-slim\nRUN pip install scikit-learn\n", config)
    assert path == tmp_path / ".kfops/images/trainer/Dockerfile"
    assert path.read_text("utf-8") == "FROM python:3.9-slim\nRUN pip install scikit-learn\n"
    assert find("trainer", config).entries == {"Dockerfile": path.read_bytes()}
    assert [file.name for file in path.parent.iterdir()] == ["Dockerfile"]


def test_the_sources_own_cell_goes_before_an_older_one_that_was_saved(tmp_path):
    config = config_in(tmp_path)
    save_dockerfile("trainer", "FROM old", config)
    assert find("trainer", config, {"trainer": "FROM new"}).entries["Dockerfile"] == b"FROM new\n"


def test_an_image_described_in_a_cell_and_in_config_yaml_is_refused(tmp_path):
    write(tmp_path, "t/Dockerfile")
    config = config_in(tmp_path, dockerfile_folder_path="t")
    with pytest.raises(ConfigError, match="twice"):
        find("trainer", config, {"trainer": "FROM x"})
    with pytest.raises(ConfigError, match="twice"):
        save_dockerfile("trainer", "FROM x", config)


def test_an_image_that_nothing_describes_says_which_cell_to_write(tmp_path):
    with pytest.raises(ImageError) as caught:
        find("trainer", config_in(tmp_path))
    assert "%%kfops image trainer" in caught.value.remedy


@pytest.mark.parametrize("line", ["COPY . /app", "copy --chown=1:1 a b", "ADD model.bin /", "  COPY ['a', 'b']"])
def test_a_cell_that_copies_files_it_does_not_have_is_refused_with_its_line(tmp_path, line):
    with pytest.raises(InvalidInput) as caught:
        save_dockerfile("trainer", f"FROM x\n{line}\n", config_in(tmp_path))
    assert caught.value.details["line"] == 2
    assert not (tmp_path / ".kfops").exists()


@pytest.mark.parametrize(
    "line",
    [
        "COPY --from=build /a /b",
        "ADD https://example.org/a /a",
        "ADD --chmod=644 https://example.org/a /a",
        "COPY <<EOF /a",
    ],
)
def test_a_cell_may_copy_from_another_stage_or_from_elsewhere(tmp_path, line):
    save_dockerfile("trainer", f"FROM x\n{line}\n", config_in(tmp_path))


@pytest.mark.parametrize("text", ["", "\n# only a comment\n"])
def test_an_empty_dockerfile_is_refused(tmp_path, text):
    with pytest.raises(InvalidInput, match="empty"):
        save_dockerfile("trainer", text, config_in(tmp_path))


@pytest.mark.parametrize("name", ["../../etc", "Trainer", "", "a//b", "-x", "a:b", "a b"])
def test_a_name_that_is_no_images_name_is_refused_before_it_becomes_a_path(tmp_path, name):
    with pytest.raises(InvalidInput):
        save_dockerfile(name, "FROM x", config_in(tmp_path / "project"))
    assert not (tmp_path / "project").exists()
