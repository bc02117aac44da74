"""What an image is built from: a Dockerfile and the files beside it.

An image's context comes from one of two places:

- config.yaml (``image_builder.images``): the folder of the Dockerfile stands at the context's root, and each of
  ``other_folders_path`` below it under its own name;
- a ``%%kfops image NAME`` cell: the Dockerfile alone, as the cell's text (``Package.dockerfiles``) or as
  ``save_dockerfile`` kept it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shutil
import stat
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Iterator, Mapping

from kfops.errors import ConfigError, ImageError, InvalidInput
from kfops.images import dockerignore
from kfops.images.reference import check_name

if TYPE_CHECKING:
    from kfops.config_schema import Config, Image

DOCKERFILE = "Dockerfile"

#: A COPY or ADD that reads from the context, which a Dockerfile without a folder does not have.
_COPIES = re.compile(r"^\s*(?:COPY|ADD)\s+(?!.*--from=)(?!(?:--\S+\s+)*(?:https?://|git@|<<))", re.IGNORECASE)


@dataclass(frozen=True)
class Context:
    """The files that an image is built from; ``entries`` maps their paths in the context to what they hold.

    A value is the file, folder or symbolic link to take, or the bytes of a file that stands nowhere else.
    """

    name: str
    entries: Mapping[str, Path | bytes] = field(repr=False)

    def write(self, stream: IO[bytes]) -> str:
        """Write the context as a tar.gz archive and return the sha256 of the tar in it.

        The same files give the same bytes: entries are sorted and carry no times, owners or machine names.
        """
        digest = hashlib.sha256()
        with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed:
            tee = _Hashing(packed, digest)
            with tarfile.open(mode="w|", fileobj=tee, format=tarfile.PAX_FORMAT) as archive:
                for path, member, source in self._members():
                    member.name = path
                    if isinstance(source, bytes):
                        archive.addfile(member, io.BytesIO(source))
                    elif member.isreg():
                        with source.open("rb") as content:
                            archive.addfile(member, content)
                    else:
                        archive.addfile(member)
        return digest.hexdigest()

    @property
    def sha256(self) -> str:
        """The sha256 of the context as a tar archive: the same for the same files."""
        with Path(os.devnull).open("wb") as nowhere:
            return self.write(nowhere)

    def copy_to(self, folder: Path) -> None:
        """Lay the context out as files below ``folder``, which exists and is empty."""
        for path, member, source in self._members():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(source, bytes):
                target.write_bytes(source)
            elif member.isdir():
                target.mkdir(exist_ok=True)
            else:
                shutil.copy2(str(source), str(target), follow_symlinks=False)

    def _members(self) -> Iterator[tuple[str, tarfile.TarInfo, Path | bytes]]:
        for path in sorted(self.entries):
            source = self.entries[path]
            member = tarfile.TarInfo(path)
            if isinstance(source, bytes):
                member.size = len(source)
                member.mode = 0o644
            else:
                status = os.lstat(source)
                member.mode = stat.S_IMODE(status.st_mode)
                if stat.S_ISLNK(status.st_mode):
                    member.type = tarfile.SYMTYPE
                    member.linkname = os.readlink(source)
                    # A link's own mode differs between systems and means nothing.
                    member.mode = 0o777
                elif stat.S_ISDIR(status.st_mode):
                    member.type = tarfile.DIRTYPE
                else:
                    member.size = status.st_size
            yield path, member, source


def find(name: str, config: Config, dockerfiles: Mapping[str, str] | None = None) -> Context:
    """Return what image ``name`` is built from.

    Parameters
    ----------
    name
        The name that the pipeline gives to ``versioned_image``.
    config
        Its ``image_builder.images`` and its ``root``, which relative paths refer to.
    dockerfiles
        Dockerfiles of ``%%kfops image`` cells, by image name; a cell kept on disk is found without them.

    Raises
    ------
    ConfigError
        config.yaml names a folder that is missing or has no Dockerfile, or a cell describes the image too.
    ImageError
        Nothing describes the image.
    """
    check_name(name)
    text = (dockerfiles or {}).get(name)
    settings = _settings(name, config)
    if settings is not None:
        if text is not None:
            raise _described_twice(name, config)
        return _from_folders(name, settings, config)
    if text is None:
        saved = _saved(name, config)
        if not saved.is_file():
            raise ImageError(
                f"Nothing says how to build image '{name}'.",
                why="The pipeline uses it, but neither config.yaml (image_builder.images) nor a cell describes it.",
                remedy=f"Write its Dockerfile in a cell that starts with %%kfops image {name}",
                image=name,
            )
        text = saved.read_text("utf-8")
    return from_text(name, text)


def from_text(name: str, text: str) -> Context:
    """Return the context of a Dockerfile that has no files beside it.

    Raises
    ------
    InvalidInput
        The Dockerfile is empty, or copies files that it does not have.
    """
    instructions = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not instructions:
        raise InvalidInput(
            f"The Dockerfile of image '{name}' is empty.",
            remedy="It needs at least a FROM line, such as: FROM python:3.9-slim",
            image=name,
        )
    for number, line in enumerate(text.splitlines(), start=1):
        if _COPIES.match(line):
            raise InvalidInput(
                f"Image '{name}' copies files that it does not have: {line.strip()}",
                why="A Dockerfile in a cell has no files beside it.",
                remedy="Put the Dockerfile and its files in a folder and name it in config.yaml: image_builder: "
                f"{{images: [{{name: {name}, dockerfile_folder_path: docker/{name}}}]}}",
                image=name,
                line=number,
            )
    return Context(name, {DOCKERFILE: (text.rstrip("\n") + "\n").encode("utf-8")})


def save_dockerfile(name: str, text: str, config: Config) -> Path:
    """Keep the Dockerfile of a ``%%kfops image`` cell and return where: ``.kfops/images/<name>/Dockerfile``.

    Raises
    ------
    InvalidInput
        The name cannot be an image's, or the Dockerfile cannot be built on its own.
    ConfigError
        config.yaml describes an image of that name already.
    """
    check_name(name)
    if _settings(name, config) is not None:
        raise _described_twice(name, config)
    content = from_text(name, text).entries[DOCKERFILE]
    path = _saved(name, config)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and moved in place: a build that starts meanwhile reads the old one or the new one, whole.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return beside.replace(path)


def _saved(name: str, config: Config) -> Path:
    return Path(config.root) / ".kfops" / "images" / name / DOCKERFILE


def _settings(name: str, config: Config) -> Image | None:
    return next((image for image in config.image_builder.images if image.name == name), None)


def _from_folders(name: str, settings: Image, config: Config) -> Context:
    root = Path(config.root)
    folder = root / settings.dockerfile_folder_path
    _need_folder(folder, name, "dockerfile_folder_path", config)
    if not (folder / DOCKERFILE).is_file():
        raise ConfigError(
            f"Image '{name}' has no Dockerfile.",
            why=f"There is no file {folder / DOCKERFILE}.",
            remedy="Write it, or correct dockerfile_folder_path in config.yaml.",
            **_place(config, "dockerfile_folder_path", name),
        )
    entries: dict[str, Path] = dict(_walk(folder, ""))
    for other in settings.other_folders_path:
        # normpath: with the trailing slash that people write, a basename would be empty.
        source = Path(os.path.normpath(str(root / other)))
        _need_folder(source, name, "other_folders_path", config)
        for path, file in _walk(source, source.name):
            taken = entries.setdefault(path, file)
            if taken != file and not (taken.is_dir() and file.is_dir()):
                raise ConfigError(
                    f"Two files of image '{name}' have the same place in its context: {path}",
                    why=f"They are {taken} and {file}.",
                    remedy="Rename one of the folders, or leave it out of other_folders_path in config.yaml.",
                    **_place(config, "other_folders_path", name),
                )
    return Context(name, _without_ignored(entries, folder / ".dockerignore"))


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    if prefix:
        yield prefix, folder
    for base, folders, files in os.walk(str(folder)):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in folders + files:
            file = Path(base) / name
            mode = os.lstat(str(file)).st_mode
            # Sockets, pipes and devices have no content to copy.
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
                below = file.relative_to(folder).as_posix()
                yield (f"{prefix}/{below}" if prefix else below), file


def _without_ignored(entries: dict[str, Path], dockerignore_file: Path) -> dict[str, Path | bytes]:
    rules: list[dockerignore.Rule] = []
    if dockerignore_file.is_file():
        rules = dockerignore.parse(dockerignore_file.read_text("utf-8"))
    kept = {path: source for path, source in entries.items() if not dockerignore.ignored(path, rules)}
    # Docker sends these two whatever is ignored: without them there is nothing to build by.
    for path in (DOCKERFILE, ".dockerignore"):
        if path in entries:
            kept[path] = entries[path]
    return dict(kept)


def _need_folder(folder: Path, name: str, key: str, config: Config) -> None:
    if not folder.is_dir():
        raise ConfigError(
            f"Image '{name}' names a folder that does not exist: {folder}",
            why=f"It stands in config.yaml, {key}; relative paths start at {config.root}.",
            remedy=f"Make the folder, or correct {key} in config.yaml.",
            **_place(config, key, name),
        )


def _described_twice(name: str, config: Config) -> ConfigError:
    return ConfigError(
        f"Image '{name}' is described twice: in config.yaml and in a %%kfops image cell.",
        remedy="Keep one of them: rename the cell's image, or remove it from image_builder.images.",
        **_place(config, "name", name),
    )


def _place(config: Config, key: str, name: str) -> dict[str, Any]:
    return {"path": str(config.path or ""), "key": f"image_builder.images.{key}", "image": name}


class _Hashing(io.RawIOBase):
    """A stream that hashes what passes through it."""

    def __init__(self, stream: Any, digest: Any) -> None:
        super().__init__()
        self._stream = stream
        self._digest = digest

    def write(self, data: Any) -> int:
        self._digest.update(data)
        self._stream.write(data)
        return len(data)
