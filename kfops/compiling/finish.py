"""Workflow -> Package: version_id, annotations, images, text."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import re
from typing import Any, Iterator, Mapping

from kfops.compiling import text
from kfops.compiling.parameters import VERSION_ID, parameters_of, pipeline_spec
from kfops.errors import CompileError
from kfops.graph import graph_of
from kfops.types import Package, Source

SOURCE_ANNOTATION = "kfops.dev/source"
IMAGES_ANNOTATION = "kfops.dev/images"
MATERIALIZE_ANNOTATION = "kfops.dev/materialize"

_VERSION_PARAMETER = f"workflow.parameters.{VERSION_ID}"
_VERSION = re.compile(r"\{\{\s*workflow\.parameters\.version_id\s*\}\}")
_VERSIONED = re.compile(r"^(?:.+/)?([^/:]+):\{\{\s*workflow\.parameters\.version_id\s*\}\}$")


def package_of(
    workflow: dict[str, Any],
    mode: str,
    source: Source,
    *,
    output: str = "",
    dockerfiles: dict[str, str] | None = None,
) -> Package:
    """Return the package of a compiled workflow, which is completed in place."""
    spec = pipeline_spec(workflow)
    images = images_of(workflow)
    name = spec.get("name") or workflow["metadata"].get("generateName", "").rstrip("-")
    _complete(workflow, name)
    annotations = workflow["metadata"].setdefault("annotations", {})
    annotations[SOURCE_ANNOTATION] = json.dumps(dataclasses.asdict(source), sort_keys=True)
    annotations[IMAGES_ANNOTATION] = json.dumps(images)
    written = text.dump(workflow)
    if _VERSION_PARAMETER in written and _declare_version(workflow):
        written = text.dump(workflow)
    if "{{pipelineparam" in written:
        raise CompileError(
            f"{name} does not compile.",
            why="A pipeline parameter is used where kfp cannot put its value: a placeholder stayed in the package.",
            remedy="Pass the parameter to a step as an argument, not inside another object.",
        )
    return Package(
        name=name,
        description=spec.get("description") or "",
        mode=mode,
        parameters=parameters_of(workflow),
        graph=graph_of(workflow),
        size=len(written.encode("utf-8")),
        sha256=hashlib.sha256(written.encode("utf-8")).hexdigest(),
        images=images,
        source=source,
        compiled_at=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        output=output,
        dockerfiles=dict(dockerfiles or {}),
        workflow=workflow,
        text=written,
    )


def images_of(workflow: Mapping[str, Any]) -> list[str]:
    """Return the names given to ``versioned_image``, in order of first use."""
    return list(references_of(workflow, ""))


def references_of(workflow: Mapping[str, Any], version_id: str) -> dict[str, str]:
    """Return the references of a workflow's versioned images, tagged with a version's id, by name."""
    found: dict[str, str] = {}
    for container in _containers(workflow):
        image = container.get("image") or ""
        hit = _VERSIONED.match(image)
        if hit:
            found.setdefault(hit.group(1), _VERSION.sub(version_id, image))
    return found


def _complete(workflow: dict[str, Any], name: str) -> None:
    """Tell materialize steps which pipeline they belong to, and have a place for the run's parameters."""
    for template in workflow["spec"].get("templates") or []:
        if ((template.get("metadata") or {}).get("annotations") or {}).get(MATERIALIZE_ANNOTATION) != "true":
            continue
        env = template["container"].setdefault("env", [])
        if not any(variable["name"] == "KFOPS_PIPELINE" for variable in env):
            env.append({"name": "KFOPS_PIPELINE", "value": name})
    workflow["spec"].setdefault("arguments", {}).setdefault("parameters", [])


def _declare_version(workflow: dict[str, Any]) -> bool:
    """Declare version_id where it is used and has not been declared; return whether it was so."""
    declared = workflow["spec"]["arguments"]["parameters"]
    if any(parameter["name"] == VERSION_ID for parameter in declared):
        return False
    used = _VERSION.search(json.dumps(workflow["spec"])) is not None
    if used:
        declared.append({"name": VERSION_ID, "value": ""})
    return used


def _containers(workflow: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for template in (workflow.get("spec") or {}).get("templates") or []:
        if "container" in template:
            yield template["container"]
        yield from template.get("initContainers") or []
        yield from template.get("sidecars") or []
