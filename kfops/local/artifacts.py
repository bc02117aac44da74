"""Artifact files: Argo's under keys of the default bucket, the v2 launcher's under ``minio://``, ``gs://``, ``s3://``.

Everything lies below ``<data dir>/artifacts``: ``minio://bucket/key`` at ``bucket/key``, the other two schemes at
``gs/bucket/key`` and ``s3/bucket/key`` (no bucket can have so short a name). Argo packs what it stores; here it is
kept as it is, in a folder named like the key, and packed when somebody reads it through the API.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tarfile
import uuid
from pathlib import Path, PurePosixPath
from typing import Tuple

from ..errors import InvalidInput, NotFound

DEFAULT_BUCKET = "mlpipeline"
SCHEMES = ("minio", "gs", "s3")
#: Where the v2 launcher puts the files of each scheme in a step's file system.
MOUNTS = {"minio": "/minio", "gs": "/gcs", "s3": "/s3"}
_SUFFIX = ".tgz"
_FICLONE = 0x40049409


class ArtifactStore:
    """The artifacts of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def key(workflow: str, started: str, pod: str, name: str) -> str:
        """Return the key under which Argo, configured by Kubeflow Pipelines, stores an output artifact."""
        year, month, day = started[:10].split("-")
        return f"artifacts/{workflow}/{year}/{month}/{day}/{pod}/{name}{_SUFFIX}"

    def save(self, key: str, source: Path, *, move: bool) -> None:
        """Store a file or folder; with ``move`` it is taken away from where it was."""
        target = self._of_key(key) / source.name
        _replace(source, target.parent, target.name, move)

    def place(self, key: str, target: Path) -> None:
        """Copy a stored artifact to a path.

        Raises
        ------
        NotFound
            There is no such artifact.
        """
        copy(self._content(key), target)

    def exists(self, key: str) -> bool:
        """Tell whether an artifact is stored."""
        return self._of_key(key).is_dir()

    def read(self, key: str) -> bytes:
        """Return an artifact as Argo stores it, a gzipped tar of the file or folder.

        Raises
        ------
        NotFound
            There is no such artifact.
        """
        return self.packed(self._content(key))

    def text(self, key: str) -> str:
        """Return the content of an artifact that is a file.

        Raises
        ------
        NotFound
            There is no such artifact.
        """
        return self._content(key).read_bytes().decode("utf-8", errors="replace")

    @staticmethod
    def packed(content: Path) -> bytes:
        """Return a file or folder as a gzipped tar."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.add(str(content), arcname=content.name)
        return packed.getvalue()

    def path_of(self, uri: str) -> Path:
        """Return the file or folder of a ``minio://``, ``gs://`` or ``s3://`` URI, which need not exist.

        Raises
        ------
        InvalidInput
            The URI has another scheme or leads out of its bucket.
        """
        scheme, bucket_and_key = split_uri(uri)
        inner = self._safe(bucket_and_key)
        return self._folder / inner if scheme == "minio" else self._folder / scheme / inner

    def save_uri(self, uri: str, source: Path) -> None:
        """Store what a step has left for a URI, but for empty folders, taking it away from where it was."""
        target = self.path_of(uri)
        for folder, _, _ in os.walk(str(source), topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        if os.path.lexists(str(source)):
            _replace(source, target.parent, target.name, move=True)

    def _of_key(self, key: str) -> Path:
        return self._folder / DEFAULT_BUCKET / self._safe(key[: -len(_SUFFIX)] if key.endswith(_SUFFIX) else key)

    def _content(self, key: str) -> Path:
        try:
            inside = list(self._of_key(key).iterdir())
        except OSError:
            inside = []
        if len(inside) != 1:
            raise NotFound(f"There is no artifact {key!r}.", status=404)
        return inside[0]

    @staticmethod
    def _safe(path: str) -> PurePosixPath:
        inner = PurePosixPath(path)
        if inner.is_absolute() or ".." in inner.parts or not inner.parts:
            raise InvalidInput(f"{path!r} is not a usable artifact path.")
        return inner


def split_uri(uri: str) -> Tuple[str, str]:
    """Return the scheme and the ``bucket/key`` of an artifact URI.

    Raises
    ------
    InvalidInput
        It is none of gs://, s3:// and minio://, the ones that the v2 launcher of Kubeflow Pipelines 1.7 knows.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in SCHEMES or not rest:
        raise InvalidInput(
            f"{uri!r} cannot hold artifacts.",
            why="Only gs://, s3:// and minio:// are supported.",
            remedy="Leave the parameter pipeline-output-directory empty to use minio://mlpipeline/v2/artifacts.",
        )
    return scheme, rest


def local_path(uri: str) -> str:
    """Return where the v2 launcher puts an artifact in a step's file system."""
    scheme, rest = split_uri(uri)
    return f"{MOUNTS[scheme]}/{rest}"


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, sharing its blocks where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(str(source), str(target), symlinks=True, copy_function=_copy_file)
    else:
        _copy_file(str(source), str(target))


def _copy_file(source: str, target: str) -> str:
    if sys.platform.startswith("linux"):
        import fcntl

        with open(source, "rb") as reader, open(target, "wb") as writer:
            try:
                fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
                shutil.copymode(source, target)
                return target
            except OSError:
                pass  # another file system, or one that cannot share blocks
    return str(shutil.copy(source, target))


def _replace(source: Path, folder: Path, name: str, move: bool) -> None:
    """Put ``source`` at ``folder/name``; a reader sees the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    target, fresh = folder / name, folder / f".{uuid.uuid4().hex}"
    if move:
        with contextlib.suppress(OSError):  # another file system, or a folder is there
            os.replace(str(source), str(target))
            return
        shutil.move(str(source), str(fresh))
    else:
        copy(source, fresh)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(str(target))
    os.replace(str(fresh), str(target))
