"""Runs, what they report and leave behind, and experiments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from kfops.types.graphs import Graph, Source
from kfops.types.wire import FINAL_STATES, Wire


@dataclass(frozen=True)
class Metric(Wire):
    """A number that a step of a run reported."""

    name: str
    value: float
    step: str = ""


@dataclass(frozen=True)
class Preview(Wire):
    """An artifact, or a part of one, as it can be looked at.

    ``kind`` is ``image``, ``html``, ``markdown``, ``json``, ``table``, ``roc``, ``confusion-matrix``, ``text``,
    ``binary`` or ``none``. ``data`` is a MIME bundle as notebooks have them, with pictures in base64; HTML in it is as
    the step wrote it and must be kept from doing anything. ``columns`` and ``rows`` are the same as a table, where it
    can be one. ``message`` says why there is nothing to see.
    """

    artifact: str
    kind: str
    title: str = ""
    size: int = 0
    data: Dict[str, Any] = field(default_factory=dict)
    columns: List[str] = field(default_factory=list)
    rows: List[List[str]] = field(default_factory=list)
    truncated: bool = False
    message: str = ""


@dataclass(frozen=True)
class Run(Wire):
    """A run; ``graph`` and ``source`` are filled when one run is asked for, not in lists.

    ``current_step`` is the name of a running step, ``error`` the reason of a failure in one line
    (``train: exit code 1``), ``model`` the location of the model it materialized,
    ``recurring_run_id`` what has started it, unless a person did.
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
    recurring_run_id: str = ""
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
    source: Optional[Source] = None

    @property
    def finished(self) -> bool:
        """Whether the run has ended, well or badly."""
        return self.state in FINAL_STATES


@dataclass(frozen=True)
class ComparedRow(Wire):
    """One parameter, metric or duration of several runs; None where a run has none."""

    name: str
    values: List[Optional[str]]
    same: bool


@dataclass(frozen=True)
class RunComparison(Wire):
    """Runs side by side; every row has a value for each run, in the order of ``run_ids``.

    ``durations`` are seconds, of the whole run under the name "" and of each step that has ended.
    """

    run_ids: List[str]
    names: List[str]
    states: List[str]
    parameters: List[ComparedRow] = field(default_factory=list)
    metrics: List[ComparedRow] = field(default_factory=list)
    durations: List[ComparedRow] = field(default_factory=list)


@dataclass(frozen=True)
class Experiment(Wire):
    """A group of runs."""

    id: str
    name: str
    description: str = ""
    created_at: str = ""
