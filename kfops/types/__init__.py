"""The things kfops talks about, as plain frozen data.

The same names stand in Python, in the REST API (``openapi.yaml``) and in the panel's TypeScript (``words/``).
Times are RFC 3339 strings in UTC, durations seconds, sizes bytes, digests lower-case hexadecimal sha256.
"""

from __future__ import annotations

from kfops.types.connection import ConnectionStatus
from kfops.types.graphs import Artifact, Edge, Graph, Package, Parameter, Source, Step
from kfops.types.models import ModelFile, ModelVersion
from kfops.types.recurring import RecurringRun
from kfops.types.runs import ComparedRow, Experiment, Metric, Preview, Run, RunComparison
from kfops.types.steps import StepSpec
from kfops.types.versions import ImageVersion, Pipeline, PipelineVersion, VersionDiff
from kfops.types.wire import FINAL_STATES, STATES, Wire

__all__ = [
    "FINAL_STATES",
    "STATES",
    "Artifact",
    "ComparedRow",
    "ConnectionStatus",
    "Edge",
    "Experiment",
    "Graph",
    "ImageVersion",
    "Metric",
    "ModelFile",
    "ModelVersion",
    "Package",
    "Parameter",
    "Pipeline",
    "PipelineVersion",
    "Preview",
    "RecurringRun",
    "Run",
    "RunComparison",
    "Source",
    "Step",
    "StepSpec",
    "VersionDiff",
    "Wire",
]
