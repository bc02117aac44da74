"""The things kfops talks about, as plain frozen data.

The same names stand in Python, in the REST API (``openapi.yaml``) and in the panel's TypeScript (``api.ts``).
Times are RFC 3339 strings in UTC, durations seconds, sizes bytes, digests lower-case hexadecimal sha256.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

#: States of a run and of a step, one set everywhere.
STATES = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "stopping",
    "stopped",
    "skipped",
    "omitted",
    "cached",
)

#: States in which nothing changes any more.
FINAL_STATES = frozenset({"succeeded", "failed", "stopped", "skipped", "omitted", "cached"})


class Wire:
    """Mixin: a dataclass that goes over the wire as JSON."""

    def to_dict(self) -> Dict[str, Any]:
        """Return the JSON form: field names as keys, nested objects as objects."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]


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
        wire = self.to_dict()
        del wire["workflow"], wire["text"]
        return wire


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
class Metric(Wire):
    """A number that a step of a run reported."""

    name: str
    value: float
    step: str = ""


@dataclass(frozen=True)
class Run(Wire):
    """A run; ``graph`` is filled when one run is asked for, not in lists.

    ``current_step`` is the name of a running step, ``error`` the reason of a failure in one line
    (``train: exit code 1``), ``model`` the location of the model it materialized.
    """

    id: str
    name: str
    state: str
    pipeline_id: str = ""
    pipeline_name: str = ""
    version_id: str = ""
    version_name: str = ""
    experiment_id: str = ""
    experiment_name: str = ""
    created_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    parameters: Dict[str, str] = field(default_factory=dict)
    error: str = ""
    current_step: str = ""
    done: int = 0
    total: int = 0
    model: str = ""
    metrics: List[Metric] = field(default_factory=list)
    graph: Optional[Graph] = None

    @property
    def finished(self) -> bool:
        """Whether the run has ended, well or badly."""
        return self.state in FINAL_STATES


@dataclass(frozen=True)
class Experiment(Wire):
    """A group of runs."""

    id: str
    name: str
    description: str = ""
    created_at: str = ""


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


@dataclass(frozen=True)
class ConnectionStatus(Wire):
    """Which backend, as whom, in which namespace; ``kind`` is ``embedded`` or ``cluster``.

    ``token_expires_at`` is "" where the token does not say; ``versions`` has ``kfops``, ``kfp``, ``python`` and
    ``backend``. ``error`` is a ``KfopsError`` in wire form where the backend is not usable, else None.
    """

    kind: str
    host: str
    identity: str = ""
    namespace: str = ""
    multi_user: bool = False
    token_expires_at: str = ""
    versions: Dict[str, str] = field(default_factory=dict)
    error: Optional[Dict[str, Any]] = None
