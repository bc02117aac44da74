"""What a model store can do, whatever it stores in."""

from __future__ import annotations

import abc
import json
import os
import re
import shutil
import uuid
from pathlib import Path, PurePosixPath
from typing import Any, Mapping, Sequence

from kfops.errors import ModelError, NotFound
from kfops.models import deposit
from kfops.types import ModelFile, ModelVersion

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class ModelStore(abc.ABC):
    """Model versions by key. A model without a manifest, half written, is not one: it is neither listed nor found.

    Attributes
    ----------
    location
        Where it is: a folder's path, or ``s3://bucket[/prefix]``. A model is at ``<location>/<key>``.
    """

    location: str

    @abc.abstractmethod
    def put(self, folder: str | os.PathLike[str], key: str, facts: Mapping[str, str]) -> ModelVersion:
        """Copy a folder (or a single file) into the store and return the model version.

        Parameters
        ----------
        folder
            What the model consists of.
        key
            The run id, or the id of a model from a notebook. A model of the same key is replaced.
        facts
            What the manifest says besides: ``name``, ``run_id``, ``version_id``, ``pipeline_name``, ``notebook``.

        Raises
        ------
        ModelError
            The folder cannot be a model, or the store does not take it.
        """

    @abc.abstractmethod
    def list(self) -> Sequence[ModelVersion]:
        """Return the model versions, the newest first."""

    @abc.abstractmethod
    def manifest(self, key: str) -> dict[str, Any] | None:
        """Return the manifest of a model, None when there is no such model."""

    @abc.abstractmethod
    def delete(self, key: str) -> None:
        """Remove a model, its manifest first; NotFound when there is none."""

    @abc.abstractmethod
    def _copy(self, key: str, file: ModelFile, to: Path) -> None:
        """Copy one file of a model to ``to``."""

    def get(self, key: str) -> ModelVersion:
        """Return a model version; NotFound when there is none."""
        manifest = self.manifest(checked_key(key))
        if manifest is None:
            raise NotFound(
                f"There is no model {key}.", why=f"Nothing is there at {self.location}/{key}.", remedy="kfops models"
            )
        return model_of(manifest, self.location)

    def fetch(self, key: str, to: str | os.PathLike[str] | None = None) -> Path:
        """Copy a model to the folder ``to``, check every file against the manifest and return the folder.

        The folder is there whole or not at all; one that is there with the same model is kept.

        Raises
        ------
        NotFound
            There is no such model.
        ModelError
            A file is not what the manifest says, or ``to`` holds something else.
        """
        model = self.get(key)
        target = Path(to) if to is not None else cache_folder() / key
        if target.exists() and any(target.iterdir() if target.is_dir() else [target]):
            if target.is_dir() and same_files(target, model):
                return target
            if to is not None:
                raise ModelError(
                    f"The model {key} cannot be put into {target}.",
                    why="It is not empty.",
                    remedy="Name a folder that does not exist yet.",
                )
        building = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            for file in model.files:
                copy = building.joinpath(*PurePosixPath(file.path).parts)
                copy.parent.mkdir(parents=True, exist_ok=True)
                self._copy(key, file, copy)
                check_file(copy, file, key)
            if target.exists():
                shutil.rmtree(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            building.rename(target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return target


def checked_key(key: str) -> str:
    """Return ``key``; ModelError when it cannot be one, such as ``../x``."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ModelError(f"{key!r} cannot be the key of a model.", why="A key is of letters, digits and . _ - alone.")
    return key


def model_of(manifest: Mapping[str, Any], store: str) -> ModelVersion:
    """Return the model version that a manifest describes; ModelError when it is none of ours."""
    try:
        files = [ModelFile(str(f["path"]), int(f["size"]), str(f["sha256"])) for f in manifest["files"]]
        for file in files:
            parts = PurePosixPath(file.path).parts
            if not parts or file.path.startswith("/") or ".." in parts:
                raise ValueError(f"the path {file.path!r} leaves the model")
        key = checked_key(str(manifest["key"]))
        return ModelVersion(
            key=key,
            name=str(manifest.get("name") or key),
            location=f"{store}/{key}",
            created_at=str(manifest.get("created_at") or ""),
            size=int(manifest["size"]),
            sha256=str(manifest["sha256"]),
            files=files,
            **{
                name: str(manifest.get(name) or "")
                for name in ("run_id", "run_name", "version_id", "pipeline_name", "notebook")
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"A manifest in {store} cannot be read.", why=f"{type(error).__name__}: {error}.") from None


def read_manifest(text: str | bytes, where: str) -> dict[str, Any]:
    """Return a manifest's text as data; ModelError when it is not one."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("it is not an object")
        return found
    except ValueError as error:
        raise ModelError(f"The manifest {where} cannot be read.", why=f"{error}.") from None


def check_file(path: Path, file: ModelFile, key: str) -> None:
    """Raise ModelError when a file is not what the manifest says."""
    size, digest = deposit.measure(path)
    if (size, digest) != (file.size, file.sha256):
        raise ModelError(
            f"The model {key} is damaged.",
            why=f"{file.path} has the sha256 {digest[:12]}…; its manifest says {file.sha256[:12]}….",
            remedy="Run the pipeline again, or materialize the folder again.",
            path=file.path,
        )


def same_files(folder: Path, model: ModelVersion) -> bool:
    """Whether a folder holds exactly the files of a model."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name != deposit.MANIFEST:
            found[path.relative_to(folder).as_posix()] = deposit.measure(path)
    return found == {file.path: (file.size, file.sha256) for file in model.files}


def cache_folder() -> Path:
    """Return the folder that models are downloaded to."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("kfops", appauthor=False)) / "models"
