"""What a run or a recurring run is of: the ``pipeline_spec`` and the ``resource_references`` of a request."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from kfops.errors import KfopsError

from ..problems import Invalid
from ..store import Store
from ..workflow.spec import Workflow, check
from .base import items, references, section, text
from .package import MAX_SIZE, read_workflow
from .submission import parse_parameters

log = logging.getLogger("kfops.local")


@dataclass(frozen=True)
class PipelineSpec:
    """A workflow as it was submitted, the caller's parameters for it, and what it belongs to."""

    workflow: Dict[str, Any]
    parameters: List[Dict[str, str]]
    experiment_id: str
    experiment_name: str
    pipeline_id: str = ""
    pipeline_name: str = ""
    version_id: str = ""
    version_name: str = ""

    @property
    def owners(self) -> Dict[str, Any]:
        """What the store keeps beside a run or a recurring run about whose it is."""
        names = ("experiment_id", "experiment_name", "pipeline_id", "pipeline_name", "version_id", "version_name")
        return {name: getattr(self, name) for name in names}


async def read_spec(store: Store, body: Dict[str, Any]) -> PipelineSpec:
    """Return what a request's body asks to be run; raises Invalid or Missing."""
    spec, owners = section(body, "pipeline_spec"), references(body)
    workflow, origin = await _workflow(store, spec, owners)
    declared = [parameter["name"] for parameter in workflow["spec"]["arguments"]["parameters"]]
    parameters = parse_parameters(items(spec, "parameters"), declared)
    named = [owner_id for kind, owner_id in owners if kind == "EXPERIMENT"]
    experiment = store.experiments.get(named[0]) if named else store.experiments.default()
    return PipelineSpec(workflow, parameters, experiment.id, experiment.name, **origin)


def check_workflow(workflow: Dict[str, Any]) -> Workflow:
    """Return a workflow in its typed form; refuse what the engine cannot execute, by name, before it is stored."""
    try:
        return check(workflow)
    except KfopsError:
        raise
    except Exception as error:  # a workflow may be malformed in ways that only reading all of it finds
        log.warning("A workflow could not be read", exc_info=error)
        raise Invalid("The workflow is malformed.", f"{type(error).__name__}: {error}") from None


async def _workflow(
    store: Store, spec: Dict[str, Any], owners: Sequence[Tuple[str, str]]
) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """Return the workflow to run, and which pipeline and version it is of."""
    manifest, pipeline_id = text(spec, "workflow_manifest"), text(spec, "pipeline_id")
    version_ids = [owner_id for kind, owner_id in owners if kind == "PIPELINE_VERSION"]
    if manifest and (pipeline_id or version_ids):
        raise Invalid("Please don't specify a pipeline version or pipeline ID when you specify a workflow manifest.")
    if manifest:
        if len(manifest) > MAX_SIZE:
            raise Invalid("The workflow manifest is too large. Maximum supported size is 32 MiB.")
        return await asyncio.get_running_loop().run_in_executor(None, read_workflow, manifest), {}
    if not pipeline_id and not version_ids:
        raise Invalid("Please specify a pipeline by providing a (workflow manifest) or (pipeline id or/and version).")
    origin: Dict[str, str] = {}
    if pipeline_id:
        pipeline = store.pipelines.get(pipeline_id)
        origin = {"pipeline_id": pipeline_id, "pipeline_name": pipeline.name}
        if not version_ids and not pipeline.default_version_id:
            raise Invalid(f"Pipeline {pipeline.name} has no version to run.")
        version_ids = version_ids or [pipeline.default_version_id]
    version = store.versions.get(version_ids[0])
    if pipeline_id and version.pipeline_id != pipeline_id:
        raise Invalid(f"Pipeline version {version.id} does not belong to pipeline {pipeline_id}.")
    origin.update(version_id=version.id, version_name=version.name)
    return json.loads(store.versions.workflow(version.id)), origin
