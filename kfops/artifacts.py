"""What a step has left behind: its artifacts read from the backend, and made ready to be looked at."""

from __future__ import annotations

import base64
import binascii
import io
import tarfile
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import quote

from kfops.connection import Connection, connect
from kfops.errors import BackendError, InvalidInput, NotFound
from kfops.previews import of_content
from kfops.runs import get_run
from kfops.starting import RUNS
from kfops.types import Preview, Step
from kfops.viewers import UI_METADATA, of_metadata, of_ui_metadata, stored_at

__all__ = ["preview", "previews", "read_artifact", "read_stored"]

#: Bytes of an artifact that are unpacked; what is larger is not looked at in a notebook.
LARGEST = 64 * 1024 * 1024
_MOST_FILES = 200
_PACKED = ".tgz"


def read_artifact(run_id: str, step_id: str, name: str, connection: Optional[Connection] = None) -> Dict[str, bytes]:
    """Return the files of an output artifact, by their paths in it; an artifact that is one file has one entry.

    Raises
    ------
    NotFound
        There is no such run, step or artifact.
    InvalidInput
        It is larger than 64 MiB unpacked.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    parts = (quote(part, safe="") for part in (run_id, step_id, name))
    path = "{}/{}/nodes/{}/artifacts/{}:read".format(RUNS, *parts)
    return _unpacked(_data(connection.get_json(path, what=f"read the artifact {name}")), name)


def read_stored(uri: str, connection: Optional[Connection] = None) -> Dict[str, bytes]:
    """Return the files that a v2 step has stored under a URI, by their paths; of the embedded backend only.

    Raises
    ------
    NotFound
        There is nothing under it.
    BackendError
        It is larger than 64 MiB, or the backend has no way to it: in a cluster, it is read from the object store.
    ConnectionFailed
        The backend does not answer.
    """
    connection = connection or connect()
    wire = connection.get_json("/apis/v1alpha1/artifacts", {"uri": uri}, what=f"read {uri}")
    return _unpacked(_data(wire), uri.rsplit("/", 1)[-1])


def preview(run_id: str, step_id: str, name: str, connection: Optional[Connection] = None) -> List[Preview]:
    """Return an artifact as it can be looked at: one preview for each file, or each plot that it describes.

    Raises
    ------
    NotFound, InvalidInput, ConnectionFailed, BackendError
        As for :func:`read_artifact`.
    """
    connection = connection or connect()
    found: List[Preview] = []
    for path, content in read_artifact(run_id, step_id, name, connection).items():
        if name.endswith(UI_METADATA):
            described = of_ui_metadata(name, content)
        else:
            described = _of_v2(name, content, connection)
        found.extend(described if described is not None else [of_content(name, path, content)])
    return found


def previews(run_id: str, step_id: str, connection: Optional[Connection] = None) -> List[Preview]:
    """Return all output artifacts of a step as they can be looked at; one that cannot be read says why.

    Raises
    ------
    NotFound
        There is no such run or step.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses to show the run.
    """
    connection = connection or connect()
    found: List[Preview] = []
    for artifact in _step(run_id, step_id, connection).output_artifacts:
        # The backend knows it by the name that it is stored by, which begins with the step's.
        stored = artifact.uri.rsplit("/", 1)[-1]
        name = stored[: -len(_PACKED)] if stored.endswith(_PACKED) else artifact.name
        try:
            shown = preview(run_id, step_id, name, connection)
            found.extend(replace(one, artifact=artifact.name) for one in shown)
        except (NotFound, InvalidInput, BackendError) as error:
            found.append(Preview(artifact=artifact.name, kind="none", message=f"{error.message} {error.why}".strip()))
    return found


def _of_v2(name: str, content: bytes, connection: Connection) -> Optional[List[Preview]]:
    """Return what the metadata of a v2 artifact describes, else the files that it stands for."""
    described = of_metadata(name, content)
    uri = stored_at(content) if described is not None else ""
    if not uri or connection.kind != "embedded" or any(one.kind != "none" for one in described or []):
        return described
    try:
        return [of_content(name, path, file) for path, file in read_stored(uri, connection).items()] or described
    except (NotFound, BackendError):
        return described


def _data(wire: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(wire.get("data") or ""), validate=True)
    except binascii.Error:
        raise BackendError("The artifact cannot be read.", why="The answer is not base64.") from None


def _step(run_id: str, step_id: str, connection: Connection) -> Step:
    run = get_run(run_id, connection)
    for step in run.graph.steps if run.graph else []:
        if step.id == step_id:
            return step
    raise NotFound(f"The run has no step {step_id!r}.", remedy=f"See its steps: kfops runs {run_id}", status=404)


def _unpacked(packed: bytes, name: str) -> Dict[str, bytes]:
    """Return the files of a ``.tgz``; what is none is one file."""
    if not packed.startswith(b"\x1f\x8b"):
        return {name: packed}
    found: Dict[str, bytes] = {}
    left = LARGEST
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                left -= member.size
                if left < 0:
                    raise InvalidInput(
                        f"The artifact {name} is too large to be looked at here.",
                        why=f"It has more than {LARGEST >> 20} MiB.",
                        remedy="Read it where it is stored.",
                    )
                file = archive.extractfile(member)
                found[member.name] = file.read() if file is not None else b""
                if len(found) == _MOST_FILES:
                    break
    except (tarfile.TarError, EOFError, OSError):
        return {name: packed}
    return found
