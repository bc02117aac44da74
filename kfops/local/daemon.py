"""The embedded backend as its clients see it: start it, find it, ask how it is, stop it, delete its data.

Fast on purpose: with a backend that is running, ``ensure_running`` reads one file and makes one request.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kfops
from kfops.errors import LocalBackendError

from . import folder
from .settings import last_connected
from .spawning import spawn

_HEALTH_TIME = 1.0

#: Backends that this process has started and not yet seen end.
_started: list[int] = []


@dataclass(frozen=True)
class Endpoint:
    """Where an embedded backend answers. ``token_path`` is the file with its bearer token.

    ``note`` says what the caller should know: that a backend of another version is still in use, and why.
    """

    url: str
    token_path: Path
    pid: int
    data_dir: Path
    version: str
    note: str = ""


def ensure_running(data_dir: os.PathLike[str] | None = None, timeout: float = 15) -> Endpoint:
    """Return the embedded backend of a data folder, started if need be.

    Parameters
    ----------
    data_dir
        The data folder; default ``KFOPS_LOCAL_DIR``, else the user's data folder.
    timeout
        Seconds within which it must answer.

    Raises
    ------
    LocalBackendError
        It does not start; the error has the last lines of its log.

    Examples
    --------
    >>> ensure_running().url  # doctest: +SKIP
    'http://127.0.0.1:41773'
    """
    path = folder.data_folder(data_dir)
    found = _running(path)
    if found is not None and found.version == _installed_version():
        return found
    folder.create(path)
    lock = folder.Lock(path / "start.lock")
    deadline = time.monotonic() + timeout
    try:
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise LocalBackendError(
                    f"The embedded backend is still being started by another process after {timeout:g} s.",
                    why=_last_lines(path),
                    remedy="Try again, or type: kfops local stop",
                )
            time.sleep(0.02)
        found = _running(path)  # another process may have started it while this one waited
        if found is not None and found.version != _installed_version():
            found = _replace(path, found)
        while found is None and _holder(path) is not None:
            # It is there, and only busy: another one could not have the folder anyway.
            if time.monotonic() > deadline:
                raise LocalBackendError(
                    f"The embedded backend is running but does not answer within {timeout:g} s.",
                    why=_last_lines(path),
                    remedy="Try again, or type: kfops local stop",
                )
            time.sleep(0.05)
            found = _running(path)
        return found or _start(path, deadline, timeout)
    finally:
        lock.close()


def status(data_dir: os.PathLike[str] | None = None) -> dict[str, Any]:
    """Return how the backend is: ``running``, ``data_dir``, ``sizes`` in bytes by part of the data folder.

    ``settings`` are those of the project that was connected last. When it is running also ``pid``, ``url``,
    ``version``, ``uptime`` in seconds and ``active_runs``.
    """
    path = folder.data_folder(data_dir)
    settings = asdict(last_connected(path))
    found: dict[str, Any] = {"running": False, "data_dir": str(path), "sizes": _sizes(path), "settings": settings}
    endpoint = _running(path)
    if endpoint is not None:
        answer = _ask(endpoint.url, endpoint.token_path, "/apis/kfops/status") or {}
        found.update({"running": True, "url": endpoint.url, "pid": endpoint.pid, "version": endpoint.version})
        found.update({name: answer[name] for name in ("uptime", "active_runs") if name in answer})
    return found


def stop(data_dir: os.PathLike[str] | None = None, timeout: float = 20) -> bool:
    """Stop the backend with the steps it executes; its runs go on when it is started again.

    Return whether one was running. Raises LocalBackendError when it does not end within ``timeout`` seconds.
    """
    path = folder.data_folder(data_dir)
    pid = _holder(path)
    if pid is None:
        return False
    deadline = time.monotonic() + timeout
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    while _holder(path) == pid or not _reaped(pid):
        if time.monotonic() > deadline:
            raise LocalBackendError(
                f"The embedded backend (process {pid}) does not stop within {timeout:g} s.",
                why=_last_lines(path),
                remedy=f"Type: kill -9 {pid}. What it has accepted is kept.",
            )
        time.sleep(0.02)
    return True


def reset(data_dir: os.PathLike[str] | None = None) -> Path:
    """Stop the backend and delete its data folder, with all pipelines, runs and models; return the folder's path."""
    path = folder.data_folder(data_dir)
    if not path.exists():
        return path
    if not folder.is_ours(path):
        raise LocalBackendError(
            f"{path} is not deleted.",
            why="It was not made by the embedded backend: it has no file " + folder.MARKER + ".",
            remedy="Delete it by hand if it is what you mean.",
        )
    stop(path)
    shutil.rmtree(path)
    return path


def _running(path: Path) -> Endpoint | None:
    """Return the backend that connection.json names, if it answers and takes the folder's token."""
    facts = folder.read_json(path / "connection.json")
    try:
        endpoint = Endpoint(
            facts["url"], Path(facts["token_path"]), int(facts["pid"]), Path(facts["data_dir"]), facts["version"]
        )
    except (KeyError, TypeError, ValueError):
        return None
    if endpoint.data_dir != path or _ask(endpoint.url, endpoint.token_path, "/apis/v1beta1/healthz") is None:
        return None
    # Since the file was read, another one may have taken the place of one that was killed, and its port.
    return endpoint if folder.read_json(path / "connection.json") == facts else None


def _ask(url: str, token_path: Path, path: str) -> dict[str, Any] | None:
    """Return the backend's answer, None when it has none for us. A proxy is never asked."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_HEALTH_TIME)
    try:
        token = token_path.read_text().strip()
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        found = json.loads(answer.read()) if answer.status == 200 else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return found if isinstance(found, dict) else None


def _holder(path: Path) -> int | None:
    """Return the pid of the process that holds the data folder, None when none does."""
    if not (path / "backend.lock").exists():
        return None
    lock = folder.Lock(path / "backend.lock")
    try:
        if lock.acquire():
            return None
        pid = lock.read().get("pid")
        return pid if isinstance(pid, int) else None
    finally:
        lock.close()


def _reaped(pid: int) -> bool:
    """Return whether a backend that this process started has ended, and take its exit status from the system."""
    if pid not in _started:
        return True
    try:
        ended = os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        ended = True
    if ended:
        _started.remove(pid)
    return ended


def _replace(path: Path, found: Endpoint) -> Endpoint | None:
    """Stop a backend of another version, or return it when it has runs that this would interrupt."""
    answer = _ask(found.url, found.token_path, "/apis/kfops/status") or {}
    if answer.get("active_runs"):
        note = (
            f"The embedded backend is still of version {found.version} (this is {_installed_version()}), because runs "
            "are active. It is replaced when they have ended."
        )
        return Endpoint(found.url, found.token_path, found.pid, found.data_dir, found.version, note)
    stop(path)
    return None


def _start(path: Path, deadline: float, timeout: float) -> Endpoint:
    process = spawn(path)
    while True:
        ended = process.poll()
        found = _running(path)
        if found is not None:
            # The backend outlives this process; nobody is to be warned that it was not waited for.
            process.returncode = 0
            _started.append(process.pid)
            return found
        if ended is not None or time.monotonic() > deadline:
            if ended is None:
                process.kill()
                process.wait()
            raise LocalBackendError(
                "The embedded backend does not start."
                if ended is not None
                else f"The embedded backend does not answer within {timeout:g} s.",
                why=_last_lines(path),
                remedy=f"Its log is {path / 'backend.log'}.",
            )
        time.sleep(0.01)


def _installed_version() -> str:
    return str(getattr(kfops, "__version__", "0"))


def _last_lines(path: Path, count: int = 12) -> str:
    try:
        lines = (path / "backend.log").read_text(errors="replace").splitlines()
    except OSError:
        return "It left no log."
    return "\n".join(lines[-count:]) or "Its log is empty."


def _sizes(path: Path) -> dict[str, int]:
    sizes = {}
    for part in ("kfops.db", "runs", "artifacts", "models", "packages"):
        top = path / part
        files = [top] if top.is_file() else [Path(root) / name for root, _, names in os.walk(top) for name in names]
        sizes[part] = sum(file.lstat().st_size for file in files if os.path.lexists(file))
    return sizes
