"""Pipelines, their versions and the versions' images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from kfops.types.graphs import Graph, Parameter, Source
from kfops.types.wire import Wire


@dataclass(frozen=True)
class ImageVersion(Wire):
    """An image of a pipeline version: ``<registry>/<name>:<version id>``.

    ``state`` is ``ready``, ``missing`` or ``unknown`` (the registry does not answer; ``message`` says why).
    """

    name: str
    reference: str
    state: str = "unknown"
    digest: str = ""
    message: str = ""


@dataclass(frozen=True)
class Pipeline(Wire):
    """A pipeline known to the backend."""

    id: str
    name: str
    description: str = ""
    created_at: str = ""
    default_version_id: str = ""


@dataclass(frozen=True)
class PipelineVersion(Wire):
    """A version of a pipeline; ``number`` counts from 1 (0: named by somebody else, not numbered).

    ``graph``, ``images``, ``source`` and ``sha256`` are filled when one version is asked for, not in lists.
    """

    id: str
    pipeline_id: str
    pipeline_name: str
    name: str
    number: int = 0
    created_at: str = ""
    parameters: List[Parameter] = field(default_factory=list)
    sha256: str = ""
    graph: Optional[Graph] = None
    images: List[ImageVersion] = field(default_factory=list)
    source: Optional[Source] = None


@dataclass(frozen=True)
class VersionDiff(Wire):
    """What is different in one pipeline version, seen from another.

    ``steps`` has ``added``, ``removed`` or ``changed`` by step id, and nothing of the others. ``parameters`` has an
    object with ``name``, ``change``, ``old`` and ``new`` for each that is different; the last two are defaults.
    ``text`` is the difference of the packages, as a unified diff.
    """

    old_id: str
    new_id: str
    steps: Dict[str, str] = field(default_factory=dict)
    parameters: List[Dict[str, Any]] = field(default_factory=list)
    text: str = ""
    truncated: bool = False
