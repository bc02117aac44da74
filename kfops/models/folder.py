"""Models in a folder: ``<folder>/<key>/`` with the files and the manifest."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any, Mapping, Sequence

from kfops.errors import ModelError, NotFound
from kfops.models import deposit
from kfops.models.store import ModelStore, check_file, checked_key, model_of, read_manifest
from kfops.types import ModelFile, ModelVersion


class FolderStore(ModelStore):
    """A store in a folder, which need not exist yet."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.location = str(self.folder)

    def __repr__(self) -> str:
        return f"FolderStore({self.location!r})"

    def put(self, folder: str | os.PathLike[str], key: str, facts: Mapping[str, str]) -> ModelVersion:
        """Copy a folder or file into the store; the model appears whole, by a rename."""
        try:
            manifest = deposit.put_in_folder(Path(folder), self.folder, checked_key(key), facts)
        except deposit.DepositError as problem:
            raise ModelError(f"{os.fspath(folder)} cannot be materialized.", why=str(problem)) from None
        except OSError as error:
            raise ModelError(f"The model store {self.location} cannot be written.", why=f"{error}.") from None
        return model_of(manifest, self.location)

    def list(self) -> Sequence[ModelVersion]:
        """Return the model versions, the newest first."""
        found = []
        for entry in self.folder.iterdir() if self.folder.is_dir() else []:
            if not entry.name.startswith("."):
                manifest = self.manifest(entry.name)
                if manifest is not None:
                    found.append(model_of(manifest, self.location))
        return sorted(found, key=lambda model: (model.created_at, model.key), reverse=True)

    def manifest(self, key: str) -> dict[str, Any] | None:
        """Return the manifest of a model, None when there is no such model."""
        path = self.folder / key / deposit.MANIFEST
        try:
            return read_manifest(path.read_bytes(), str(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ModelError(f"The manifest {path} cannot be read.", why=f"{error.strerror}.") from None

    def delete(self, key: str) -> None:
        """Remove a model."""
        gone = self.folder / f".{checked_key(key)}.{uuid.uuid4().hex[:8]}.deleted"
        if self.manifest(key) is None:
            raise NotFound(f"There is no model {key}.", why=f"Nothing is there at {self.location}/{key}.")
        (self.folder / key).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def fetch(self, key: str, to: str | os.PathLike[str] | None = None) -> Path:
        """Return the model's own folder, checked; with ``to``, a copy of it there."""
        if to is not None:
            return super().fetch(key, to)
        for file in self.get(key).files:
            path = self.folder.joinpath(key, *file.path.split("/"))
            if not path.is_file():
                raise ModelError(f"The model {key} is damaged.", why=f"{file.path} is missing.", path=file.path)
            check_file(path, file, key)
        return self.folder / key

    def _copy(self, key: str, file: ModelFile, to: Path) -> None:
        try:
            shutil.copyfile(self.folder.joinpath(key, *file.path.split("/")), to)
        except FileNotFoundError:
            raise ModelError(f"The model {key} is damaged.", why=f"{file.path} is missing.", path=file.path) from None
