"""Model versions: what a run, or a notebook, has made, kept under one key, with a manifest that names its origin.

deposit.py   puts a folder into a store; also the program of the materialize step
store.py     what every store can do
folder.py    a store in a folder
s3.py        a store in S3
opening.py   which store
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kfops.models.folder import FolderStore
from kfops.models.opening import open_store
from kfops.models.s3 import S3Store
from kfops.models.store import ModelStore
from kfops.types import ModelVersion

__all__ = ["FolderStore", "ModelStore", "S3Store", "fetch", "get_model", "list_models", "open_store"]


def list_models(*, config: Any = None, connection: Any = None) -> list[ModelVersion]:
    """Return the model versions in the model store, the newest first.

    Raises
    ------
    ModelError
        The store cannot be read.

    Examples
    --------
    >>> [model.name for model in list_models()]  # doctest: +SKIP
    ['churn']
    """
    return list(open_store(config, connection).list())


def get_model(key: str, *, config: Any = None, connection: Any = None) -> ModelVersion:
    """Return the model version ``key``; NotFound when there is none."""
    return open_store(config, connection).get(key)


def fetch(
    key: str,
    to: str | os.PathLike[str] | None = None,
    *,
    config: Any = None,
    connection: Any = None,
) -> Path:
    """Return a folder with the files of a model, each checked against its sha256.

    Parameters
    ----------
    key
        The run id, or the id of a model from a notebook.
    to
        The folder to copy to. By default a folder store's own folder is returned, and S3 is copied to a cache.

    Raises
    ------
    NotFound
        There is no such model.
    ModelError
        It is damaged, or the store cannot be read.

    Examples
    --------
    >>> joblib.load(fetch(run.id) / "model.joblib")  # doctest: +SKIP
    """
    return open_store(config, connection).fetch(key, to)
