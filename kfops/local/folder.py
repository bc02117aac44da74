"""The data folder: where it is, what in it is whose, and which process holds it.

    .kfops-local       says that the folder is ours, and may be deleted by ``reset``
    backend.lock       held by the backend's process; its pid and last port
    connection.json    where the backend answers; only there while one is running (or was killed)
    token              the bearer token
    settings.json      how the steps of the project that was connected last are executed
    kfops.db, backend.log, runs/, artifacts/, models/, packages/

Only the standard library is imported here and in ``daemon.py``: every command pays for it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from kfops.errors import LocalBackendError

MARKER = ".kfops-local"


def data_folder(data_dir: os.PathLike[str] | None = None) -> Path:
    """Return the data folder's path: ``data_dir``, else ``KFOPS_LOCAL_DIR``, else the user's data folder."""
    if data_dir is None:
        named = os.environ.get("KFOPS_LOCAL_DIR")
        if not named:
            from platformdirs import user_data_dir

            named = str(Path(user_data_dir("kfops", appauthor=False)) / "local")
        data_dir = Path(named)
    return Path(data_dir).expanduser().resolve()


def create(folder: Path) -> None:
    """Make the data folder, readable for its owner only; raises LocalBackendError when it cannot be ours."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_ours(folder):
            if any(entry.name not in (MARKER, "start.lock", "backend.log") for entry in folder.iterdir()):
                raise LocalBackendError(
                    f"{folder} cannot be the embedded backend's data folder.",
                    why="It holds other files.",
                    remedy="Name an empty or new folder in KFOPS_LOCAL_DIR.",
                )
            (folder / MARKER).write_text("The data of kfops' embedded backend. `kfops local reset` deletes it.\n")
        folder.chmod(0o700)
    except OSError as error:
        raise LocalBackendError(
            f"The data folder {folder} cannot be used.",
            why=f"{error.strerror}.",
            remedy="Make it writable, or name another one in KFOPS_LOCAL_DIR.",
        ) from None


def is_ours(folder: Path) -> bool:
    """Return whether the folder was made by the embedded backend."""
    return (folder / MARKER).is_file()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; readers see the old text or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, {} when there is none that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class Lock:
    """A lock on a file, given up by the system when its process ends in any way.

    A record lock and not ``flock``: a step's process that is forked from the backend must not go on holding it.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self, *, wait: bool = False) -> bool:
        """Return whether this process has the lock now."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        return True

    def read(self) -> dict[str, Any]:
        """Return the facts in the file. Opening the file once more in the process that holds it would lose the lock."""
        try:
            found = json.loads(os.pread(self._file, 4096, 0))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, facts: dict[str, Any]) -> None:
        """Put facts about the holder into the file."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(facts).encode(), 0)

    def close(self) -> None:
        """Give the lock up."""
        os.close(self._file)
