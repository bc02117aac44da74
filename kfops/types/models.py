"""Model versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List

from kfops.types.wire import Wire


@dataclass(frozen=True)
class ModelFile(Wire):
    """A file of a model version, by its path below the model's folder."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ModelVersion(Wire):
    """A model that a run, or a notebook, has put into the model store.

    ``key`` is the run id, or for a model straight from a notebook an id of its own. ``sha256`` is that of the lines
    ``<sha256>  <path>`` of its files in order of path. ``location`` is a folder or an ``s3://`` address.
    """

    key: str
    name: str
    location: str
    created_at: str
    size: int
    sha256: str
    files: List[ModelFile] = field(default_factory=list)
    run_id: str = ""
    run_name: str = ""
    version_id: str = ""
    pipeline_name: str = ""
    notebook: str = ""
