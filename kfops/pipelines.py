"""Pipelines and their versions: listed, read, uploaded."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import quote

from kfops.compiling.finish import references_of
from kfops.compiling.parameters import parameters_of
from kfops.config import Config
from kfops.connection import Connection, connect
from kfops.errors import BackendError, InvalidInput, KfopsError
from kfops.experiments import equals
from kfops.names import check_name
from kfops.types import ImageVersion, Package, Pipeline, PipelineVersion
from kfops.version_state import owner_of, pipeline_of, source_of, version_of, workflow_in

_PIPELINES = "/apis/v1beta1/pipelines"
_VERSIONS = "/apis/v1beta1/pipeline_versions"

#: Seconds to connect and to send and receive a package.
_UPLOAD_TIMEOUT = (5, 120)

_TAKEN = re.compile(r"already exist|duplicate|UNIQUE constraint", re.IGNORECASE)
_ATTEMPTS = 5


def list_pipelines(connection: Optional[Connection] = None) -> List[Pipeline]:
    """Return all pipelines, the newest first.

    Raises
    ------
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    wires = _all(connection, _PIPELINES, "pipelines", {"sort_by": "created_at desc"}, "list pipelines")
    return [pipeline_of(wire) for wire in wires]


def find_pipeline(name: str, connection: Connection) -> Optional[Pipeline]:
    """Return the pipeline of that name, or None."""
    query = {"filter": equals("name", name), "page_size": 2}
    found = connection.get_json(_PIPELINES, query, what=f"look for the pipeline {name!r}").get("pipelines") or []
    return pipeline_of(found[0]) if found else None


def list_versions(pipeline_id: str, connection: Optional[Connection] = None) -> List[PipelineVersion]:
    """Return the versions of a pipeline, the newest first, without their graphs.

    Raises
    ------
    NotFound
        There is no such pipeline.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    pipeline = _get_pipeline(pipeline_id, connection)
    query = {"resource_key.type": "PIPELINE", "resource_key.id": pipeline_id, "sort_by": "created_at desc"}
    wires = _all(connection, _VERSIONS, "versions", query, "list the versions")
    return [version_of(wire, pipeline) for wire in wires]


def get_version(
    version_id: str, connection: Optional[Connection] = None, config: Optional[Config] = None
) -> PipelineVersion:
    """Return a version with its parameters, graph, source and images (whose registry is asked).

    Raises
    ------
    NotFound
        There is no such version.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    from kfops.graph import graph_of

    connection = connection or connect()
    version, text = read_version(version_id, connection)
    workflow = workflow_in(text)
    return replace(
        version,
        parameters=parameters_of(workflow),
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        graph=graph_of(workflow),
        images=_image_states(workflow, version_id, config),
        source=source_of(workflow),
    )


def _image_states(workflow: Mapping[str, Any], version_id: str, config: Optional[Config]) -> List[ImageVersion]:
    from kfops.images import states

    references = references_of(workflow, version_id)
    try:
        return states(references, version_id, config)
    except KfopsError as error:
        # With a broken config.yaml the version can be looked at all the same.
        return [ImageVersion(name=name, reference=at, message=error.message) for name, at in references.items()]


def read_version(version_id: str, connection: Connection) -> Tuple[PipelineVersion, str]:
    """Return a version as it stands in lists, and the text of its package."""
    path = f"{_VERSIONS}/{quote(version_id, safe='')}"
    wire = connection.get_json(path, what=f"read the pipeline version {version_id}")
    text = connection.get_json(f"{path}/templates", what=f"read the package of version {version_id}")
    owner = owner_of(wire)
    pipeline = _get_pipeline(owner, connection) if owner else Pipeline(id="", name="")
    return version_of(wire, pipeline), str(text.get("template") or "")


def upload(
    package: Package,
    *,
    pipeline_name: Optional[str] = None,
    version_name: Optional[str] = None,
    description: Optional[str] = None,
    connection: Optional[Connection] = None,
    config: Optional[Config] = None,
) -> PipelineVersion:
    """Make a package a new version of its pipeline, which is made if there is none.

    Parameters
    ----------
    pipeline_name
        The pipeline, by default the one that the package is called.
    version_name
        By default ``version 2``, ``version 3``, and so on. Kubeflow Pipelines calls the first version like the
        pipeline, whatever is wished.
    description
        Of the pipeline, when it is made; by default that of the package.

    Raises
    ------
    InvalidInput
        A name cannot be kept, or the version's name is taken.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.

    Examples
    --------
    >>> kfops.upload(kfops.compile(churn)).number  # doctest: +SKIP
    1
    """
    connection = connection or connect(config)
    name = check_name(pipeline_name or package.name, "pipeline")
    if version_name is not None:
        check_name(version_name, "version")
    with tempfile.TemporaryDirectory(prefix="kfops-") as folder:
        path = Path(folder) / "pipeline.yaml"
        path.write_text(package.text, encoding="utf-8")
        pipeline = find_pipeline(name, connection)
        if pipeline is None:
            about = description if description is not None else package.description
            pipeline, created = _upload_first(path, name, about, connection)
            if created is not None:
                return _described(created, package, config)
        return _described(_upload_next(path, pipeline, version_name, connection), package, config)


def _upload_first(
    path: Path, name: str, description: str, connection: Connection
) -> Tuple[Pipeline, Optional[PipelineVersion]]:
    """Make the pipeline; where somebody else has just made it, return theirs and no version."""
    about = description.strip()
    if "%" in about or "+" in about:
        # The server unescapes it twice.
        about = quote(about)
    try:
        made = connection.call(
            f"upload the pipeline {name!r}",
            lambda client: client.pipeline_uploads.upload_pipeline(
                str(path), name=name, description=about, _request_timeout=_UPLOAD_TIMEOUT
            ),
        )
    except BackendError as error:
        pipeline = find_pipeline(name, connection) if _TAKEN.search(error.why) else None
        if pipeline is None:
            raise
        return pipeline, None
    pipeline = _get_pipeline(made.id, connection)
    wire = connection.get_json(f"{_VERSIONS}/{pipeline.default_version_id}", what="read the new version")
    return pipeline, version_of(wire, pipeline)


def _upload_next(
    path: Path, pipeline: Pipeline, version_name: Optional[str], connection: Connection
) -> PipelineVersion:
    number = 0
    for attempt in range(_ATTEMPTS):
        if version_name is None:
            number = max([number, *(v.number for v in list_versions(pipeline.id, connection))]) + 1
        name = version_name or f"version {number}"
        try:
            made = connection.call(
                f"upload {name!r} of the pipeline {pipeline.name!r}",
                lambda client, name=name: client.pipeline_uploads.upload_pipeline_version(  # type: ignore[misc]
                    str(path), name=name, pipelineid=pipeline.id, _request_timeout=_UPLOAD_TIMEOUT
                ),
            )
        except BackendError as error:
            if not _TAKEN.search(error.why):
                raise
            if version_name is not None:
                raise InvalidInput(
                    f"The pipeline {pipeline.name!r} has a version {version_name!r} already.",
                    why="A version is never replaced.",
                    remedy="Choose another name, or leave it out to have the version numbered.",
                ) from None
            if attempt == _ATTEMPTS - 1:
                raise
            # Another upload took the number between our look and our upload.
            continue
        return version_of(connection.get_json(f"{_VERSIONS}/{made.id}", what="read the new version"), pipeline)
    raise AssertionError("unreachable")


def _described(version: PipelineVersion, package: Package, config: Optional[Config]) -> PipelineVersion:
    """Return a version with what its package says, without asking the backend what we have just sent it."""
    return replace(
        version,
        parameters=list(package.parameters),
        sha256=package.sha256,
        graph=package.graph,
        images=_image_states(package.workflow, version.id, config),
        source=package.source,
    )


def _all(connection: Connection, path: str, key: str, query: Mapping[str, Any], what: str) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    token = ""
    while True:
        page = connection.get_json(path, {**query, "page_size": 200, "page_token": token}, what=what)
        found.extend(page.get(key) or [])
        token = page.get("next_page_token") or ""
        if not token:
            return found


def _get_pipeline(pipeline_id: str, connection: Connection) -> Pipeline:
    path = f"{_PIPELINES}/{quote(pipeline_id, safe='')}"
    return pipeline_of(connection.get_json(path, what=f"read the pipeline {pipeline_id}"))
