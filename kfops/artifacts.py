"""What a step has left behind: its artifacts read from the backend, and made ready to be looked at."""

from __future__ import annotations

import base64
import binascii
import io
import tarfile
from typing import Dict, List, Optional
from urllib.parse import quote

from kfops.connection import Connection, connect
from kfops.errors import BackendError, InvalidInput, NotFound
from kfops.previews import of_content
from kfops.runs import get_run
from kfops.starting import RUNS
from kfops.types import Preview, Step
from kfops.viewers import UI_METADATA, of_metadata, of_ui_metadata

__all__ = ["preview", "previews", "read_artifact"]

#: Bytes of an artifact that are unpacked; what is larger is not looked at in a notebook.
LARGEST = 64 * 1024 * 1024
_MOST_FILES = 200


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
    wire = connection.get_json(path, what=f"read the artifact {name}")
    try:
        packed = base64.b64decode(str(wire.get("data") or ""), validate=True)
    except binascii.Error:
        raise BackendError("The artifact cannot be read.", why="The answer is not base64.") from None
    return _unpacked(packed, name)


def preview(run_id: str, step_id: str, name: str, connection: Optional[Connection] = None) -> List[Preview]:
    """Return an artifact as it can be looked at: one preview for each file, or each plot that it describes.

    Raises
    ------
    NotFound, InvalidInput, ConnectionFailed, BackendError
        As for :func:`read_artifact`.
    """
    found: List[Preview] = []
    for path, content in read_artifact(run_id, step_id, name, connection).items():
        described = of_ui_metadata(name, content) if name.endswith(UI_METADATA) else of_metadata(name, content)
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
        try:
            found.extend(preview(run_id, step_id, artifact.name, connection))
        except (NotFound, InvalidInput, BackendError) as error:
            found.append(Preview(artifact=artifact.name, kind="none", message=f"{error.message} {error.why}".strip()))
    return found


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
