"""The embedded backend's process: holds the data folder, serves the API, runs the engine."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

import kfops
from kfops.errors import KfopsError, LocalBackendError

from . import folder
from .api import Backend, application
from .api.package import MAX_SIZE
from .engine import Engine
from .scheduling.scheduler import Scheduler
from .scheduling.zones import Zone
from .store import Store

log = logging.getLogger("kfops.local")

HOST = "127.0.0.1"
#: A form around a file of the largest size; beyond twice that, a request is not even read.
_MAX_BODY = 2 * MAX_SIZE


def serve(data_dir: Path) -> int:
    """Serve the data folder until SIGTERM or SIGINT; return the exit code of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    os.umask(0o077)
    try:
        folder.create(data_dir)
        lock = folder.Lock(data_dir / "backend.lock")
        if not _acquire(lock):
            raise LocalBackendError(f"Another embedded backend is running on {data_dir}.")
        # Left by one that was killed; the port in it may soon be this one's.
        (data_dir / "connection.json").unlink(missing_ok=True)
        asyncio.run(_serve(data_dir, lock))
    except KfopsError as error:
        log.error("%s", error)
        return 1
    return 0


async def _serve(data_dir: Path, lock: folder.Lock) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sockets = _listen(lock.read().get("port", 0))
    port = sockets[0].getsockname()[1]
    lock.write({"pid": os.getpid(), "port": port})
    store = Store(data_dir / "kfops.db")
    store.experiments.default()
    engine = Engine(store.progress, data_dir)
    scheduler = Scheduler(store, engine, Zone.from_environment())
    backend = Backend(store, engine, scheduler, data_dir, _token(data_dir), version(), time.time())
    await engine.start()
    scheduler.start()
    server = HTTPServer(application(backend), max_body_size=_MAX_BODY, max_buffer_size=_MAX_BODY + 1024 * 1024)
    # What there is by now stays: looking through it for what can be freed, again and again, would cost every request.
    gc.collect()
    gc.freeze()
    server.add_sockets(sockets)
    announcement = data_dir / "connection.json"
    facts = {"url": f"http://{HOST}:{port}", "token_path": str(data_dir / "token"), "pid": os.getpid()}
    folder.write_private(
        announcement,
        json.dumps({**facts, "data_dir": str(data_dir), "version": backend.version, "started_at": backend.started_at}),
    )
    log.info("kfops-local %s serves %s on %s", backend.version, data_dir, facts["url"])
    await stopped.wait()
    log.info("Stopping")
    announcement.unlink(missing_ok=True)  # the folder may be gone; the steps must be ended all the same
    server.stop()
    await scheduler.close()
    await engine.close()
    await server.close_all_connections()
    store.close()


def _acquire(lock: folder.Lock) -> bool:
    """Take the folder; a client that looks who holds it has it for a moment, so try for a second."""
    for _ in range(50):
        if lock.acquire():
            return True
        time.sleep(0.02)
    return False


def version() -> str:
    """Return the version of the installed kfops."""
    return str(getattr(kfops, "__version__", "0"))


def _listen(port: int) -> list[socket.socket]:
    """Listen on the port that was used last, so that open clients find the backend again; else on any."""
    try:
        sockets: list[socket.socket] = bind_sockets(port, HOST)
    except (OSError, OverflowError, TypeError):
        sockets = bind_sockets(0, HOST)
    return sockets


def _token(data_dir: Path) -> str:
    """Return the folder's token; it is made once, so that clients outlive a restart."""
    path = data_dir / "token"
    try:
        token = path.read_text().strip()
        path.chmod(0o600)
    except FileNotFoundError:
        token = ""
    if not token:
        token = secrets.token_urlsafe(32)
        folder.write_private(path, token)
    return token
