"""The images of all pipelines' versions, as a list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Optional

from kfops.connection import Connection, connect
from kfops.types import PipelineVersion

#: Versions that are looked at: each takes a request for its package, and one to the registry for each of its images.
MOST = 30


def list_images(connection: Optional[Connection] = None, config: Any = None) -> List[PipelineVersion]:
    """Return the newest pipeline versions that have images of their own, with the state of these; without graphs.

    Raises
    ------
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    from kfops import pipelines

    connection = connection or connect(config)
    versions = [
        version
        for pipeline in pipelines.list_pipelines(connection)
        for version in pipelines.list_versions(pipeline.id, connection)
    ]
    versions.sort(key=lambda version: version.created_at, reverse=True)
    found = [pipelines.get_version(version.id, connection, config) for version in versions[:MOST]]
    return [replace(version, graph=None) for version in found if version.images]
