"""The file from which kfp's own command takes the header it sends: given the embedded backend's token, and rid of it.

kfp 1.7.0 sends no other token where it is told an endpoint, and sends this one to whatever endpoint it is told.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from kfops.errors import LocalBackendError

from . import daemon, folder

_NAME, _VALUE = "client_authentication_header_name", "client_authentication_header_value"
#: Our mark in the file, which kfp keeps and does not read: the data folder that the token belongs to.
_OURS = "kfops_local"


def login(data_dir: os.PathLike[str] | None = None) -> tuple[daemon.Endpoint, Path]:
    """Let kfp's own command into the embedded backend; return the backend, started if need be, and the file.

    Raises
    ------
    LocalBackendError
        The file is another's: it cannot be read, or has the credentials of another backend.
    """
    endpoint = daemon.ensure_running(data_dir)
    path = _path()
    context = _read(path)
    if context.get(_VALUE) and _OURS not in context:
        raise LocalBackendError(
            f"{path} is left as it is.",
            why=f"It has credentials for another backend already, as {_VALUE}.",
            remedy="Move the file away, or take these out, if the command is to use the embedded backend.",
        )
    token = endpoint.token_path.read_text().strip()
    # kfp cannot read a file without a namespace.
    context = {"namespace": "", **context, _NAME: "authorization", _VALUE: f"Bearer {token}"}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, {**context, _OURS: str(endpoint.data_dir)})
    return endpoint, path


def logout(data_dir: Path | None = None) -> bool:
    """Take our token out of the file again; return whether it was there. ``data_dir``: only one of this folder."""
    path = _path()
    context = folder.read_json(path)
    if _OURS not in context or (data_dir is not None and context[_OURS] != str(data_dir)):
        return False
    kept = {name: value for name, value in context.items() if name not in (_NAME, _VALUE, _OURS)}
    if any(kept.values()):
        _write(path, kept)
    else:
        path.unlink()
    return True


def _path() -> Path:
    return Path("~/.config/kfp/context.json").expanduser().resolve()


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    context = folder.read_json(path)
    if not context and path.read_text(errors="replace").strip() not in ("", "{}"):
        raise LocalBackendError(
            f"{path} cannot be read.", why="It is not the JSON object that kfp writes.", remedy="Move it away."
        )
    return context


def _write(path: Path, context: dict[str, Any]) -> None:
    folder.write_private(path, json.dumps(context))
