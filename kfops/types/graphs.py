"""Compiled pipelines and runs as graphs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List

from kfops.types.wire import Wire


@dataclass(frozen=True)
class Parameter(Wire):
    """A parameter of a pipeline.

    ``type`` is one of ``string``, ``integer``, ``float``, ``boolean``, ``list``, ``dict``; ``default`` is a value of
    that type, or None for a required parameter.
    """

    name: str
    type: str = "string"
    default: Any = None
    required: bool = False
    description: str = ""


@dataclass(frozen=True)
class Source(Wire):
    """Where a package came from: ``kind`` is ``notebook``, ``file``, ``function`` or ``package``."""

    kind: str
    path: str = ""
    sha256: str = ""
    git_commit: str = ""


@dataclass(frozen=True)
class Artifact(Wire):
    """A file or folder that a step reads or writes; ``uri`` may be empty until it has been written."""

    name: str
    uri: str = ""
    type: str = ""


@dataclass(frozen=True)
class Step(Wire):
    """A node of a graph: a step, or a group of steps.

    ``kind`` is ``step``, ``loop``, ``iteration``, ``condition``, ``exit-handler``, ``group`` or ``retry``.
    ``parent`` is the id of the group it stands in, "" for the graph itself. ``id`` is the Argo node id once the run
    has one, else the path in the graph. ``message`` is the reason of a failure, a skip or a cache hit.
    """

    id: str
    name: str
    kind: str = "step"
    state: str = "pending"
    parent: str = ""
    template: str = ""
    started_at: str = ""
    finished_at: str = ""
    message: str = ""
    image: str = ""
    when: str = ""
    inputs: Dict[str, str] = field(default_factory=dict)
    outputs: Dict[str, str] = field(default_factory=dict)
    input_artifacts: List[Artifact] = field(default_factory=list)
    output_artifacts: List[Artifact] = field(default_factory=list)


@dataclass(frozen=True)
class Edge(Wire):
    """``target`` starts after ``source``; both are ids of steps of one graph with the same parent."""

    source: str
    target: str


@dataclass(frozen=True)
class Graph(Wire):
    """A pipeline's steps and their order, with the states of a run where there is one.

    ``done`` and ``total`` count the steps (not the groups) that have ended and that are known so far.
    """

    name: str
    state: str = "pending"
    message: str = ""
    started_at: str = ""
    finished_at: str = ""
    done: int = 0
    total: int = 0
    steps: List[Step] = field(default_factory=list)
    edges: List[Edge] = field(default_factory=list)


@dataclass(frozen=True)
class Package(Wire):
    """A compiled pipeline.

    ``workflow`` is the Argo Workflow as data, ``text`` the YAML that is uploaded; ``size`` and ``sha256`` are those
    of ``text``. ``images`` are the names given to ``versioned_image``. ``dockerfiles`` are the Dockerfiles that stand
    in ``%%kfops image`` cells of the source, by image name.
    """

    name: str
    description: str
    mode: str
    parameters: List[Parameter]
    graph: Graph
    size: int
    sha256: str
    images: List[str]
    source: Source
    compiled_at: str
    output: str = ""
    dockerfiles: Dict[str, str] = field(default_factory=dict)
    workflow: Dict[str, Any] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)

    def summary(self) -> Dict[str, Any]:
        """Return the JSON form without ``workflow`` and ``text``, which are large."""
        wire = replace(self, workflow={}, text="").to_dict()  # without them first: they take long to copy
        del wire["workflow"], wire["text"]
        return wire
