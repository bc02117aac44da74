"""What Kubeflow Pipelines says about pipelines -> Pipeline, PipelineVersion. Pure: no requests here."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping, Optional

import yaml

from kfops.errors import BackendError
from kfops.types import Parameter, Pipeline, PipelineVersion, Source

_NUMBERED = re.compile(r"version (\d+)")


def pipeline_of(wire: Mapping[str, Any]) -> Pipeline:
    """Return a pipeline, from an ``ApiPipeline``."""
    return Pipeline(
        id=wire.get("id", ""),
        name=wire.get("name", ""),
        description=wire.get("description", ""),
        created_at=wire.get("created_at", ""),
        default_version_id=(wire.get("default_version") or {}).get("id", ""),
    )


def version_of(wire: Mapping[str, Any], pipeline: Pipeline) -> PipelineVersion:
    """Return a version of a pipeline as it stands in lists, from an ``ApiPipelineVersion``."""
    name, version_id = wire.get("name", ""), wire.get("id", "")
    numbered = _NUMBERED.fullmatch(version_title(name, version_id, pipeline.name, pipeline.id))
    return PipelineVersion(
        id=version_id,
        pipeline_id=pipeline.id,
        pipeline_name=pipeline.name,
        name=name,
        number=int(numbered.group(1)) if numbered else 0,
        created_at=wire.get("created_at", ""),
        parameters=[Parameter(name=p["name"], default=p.get("value")) for p in wire.get("parameters") or []],
    )


def version_title(name: str, version_id: str, pipeline_name: str, pipeline_id: str) -> str:
    """Return what people call a version: Kubeflow Pipelines gives the first one its pipeline's name, and its id."""
    first = (version_id and version_id == pipeline_id) or (name and name == pipeline_name)
    return "version 1" if first and not _NUMBERED.fullmatch(name) else name


def owner_of(wire: Mapping[str, Any]) -> str:
    """Return the id of the pipeline that a version belongs to, "" where it does not say."""
    for reference in wire.get("resource_references") or []:
        if (reference.get("key") or {}).get("type") == "PIPELINE":
            return str(reference["key"].get("id") or "")
    return ""


def source_of(workflow: Mapping[str, Any]) -> Optional[Source]:
    """Return what a workflow was made from, None where kfops has not noted it."""
    noted = _note(workflow, "kfops.dev/source")
    if not isinstance(noted, dict):
        return None
    return Source(**{key: str(noted.get(key) or "") for key in ("kind", "path", "sha256", "git_commit")})


def workflow_in(text: str) -> Dict[str, Any]:
    """Return the Argo workflow that the text of a package holds."""
    try:
        workflow = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
    except yaml.YAMLError:
        workflow = None
    if not isinstance(workflow, dict) or not isinstance(workflow.get("spec"), dict):
        raise BackendError(
            "The package of this version cannot be read.",
            why="The backend returned something else than an Argo workflow.",
            remedy="Upload the pipeline anew: %kfops upload",
        )
    return workflow


def _note(workflow: Mapping[str, Any], annotation: str) -> Any:
    text = ((workflow.get("metadata") or {}).get("annotations") or {}).get(annotation)
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
