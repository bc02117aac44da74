"""The embedded backend's own API and store, with an engine that does only what a test says."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from kfops.connection import Connection, connect
from kfops.local.api import Backend, application
from kfops.local.scheduling.scheduler import Scheduler
from kfops.local.scheduling.zones import Zone
from kfops.local.settings import Settings
from kfops.local.store import Store
from kfops.local.workflow.spec import Workflow

TOKEN = "token-of-the-fake-backend"


class ScriptedBackend:
    """What a test holds: a connection, and the hand on the runs' states."""

    def __init__(self, store: Store, data_dir: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.data_dir = data_dir
        self.on_submit: Callable[[str], None] = lambda run_id: None
        self._store = store
        self._loop = loop
        self.connection: Connection

    # What the API asks of an engine.

    def check_needs(self, workflow: Workflow, settings: Settings) -> None:
        """Find everything there."""

    async def check(self, settings: Settings) -> None:
        """Take every project's settings."""

    def submit(self, run_id: str, workflow: Any = None) -> None:
        """Leave the run where it is, unless the test has other plans: it moves it."""
        self.on_submit(run_id)

    async def let_begin(self) -> None:
        """Nothing begins by itself."""

    def terminate(self, run_id: str) -> None:
        self.script(run_id, "Failed", {}, "terminated")

    def retry(self, run_id: str) -> None:
        self._store.progress.save_status(run_id, {"phase": "Running", "nodes": {}})

    # What a test asks.

    def move(self, run_id: str, phase: str, steps: Dict[str, Tuple[str, str]], message: str = "") -> None:
        """Put a run into an Argo phase, and its steps, by task name, into a phase with a message."""
        self.do(lambda: self.script(run_id, phase, steps, message))

    def write_log(self, run_id: str, step: str, text: str) -> None:
        """Write the log of a step, by its task name."""
        folder = self.data_dir / "runs" / run_id / self.do(lambda: self._node_id(run_id, step))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.log").write_bytes(text.encode("utf-8", errors="surrogateescape"))

    def do(self, what: Callable[[], Any]) -> Any:
        """Return ``what()``, called in the backend's thread."""

        async def call() -> Any:
            return what()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def script(self, run_id: str, phase: str, steps: Dict[str, Tuple[str, str]], message: str = "") -> None:
        """Do what ``move`` does, for whoever is in the backend's thread already."""
        workflow = self._store.progress.workflow(run_id)
        root, spec = workflow["metadata"]["name"], workflow["spec"]
        ended = phase in ("Succeeded", "Failed", "Error")
        times = {"startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:04:25Z" if ended else None}
        entry = next(t for t in spec["templates"] if t["name"] == spec["entrypoint"])
        nodes = {
            root: {"id": root, "name": root, "type": "DAG", "templateName": entry["name"], "phase": phase, **times}
        }
        for task in entry["dag"]["tasks"]:
            if task["name"] in steps:
                step_phase, step_message = steps[task["name"]]
                node_id = self._node_id(run_id, task["name"])
                nodes[node_id] = {
                    "id": node_id,
                    "name": f"{root}.{task['name']}",
                    "displayName": task["name"],
                    "type": "Pod",
                    "templateName": task["template"],
                    "boundaryID": root,
                    "phase": step_phase,
                    "message": step_message,
                    **times,
                }
        self._store.progress.save_status(run_id, {"phase": phase, "message": message, **times, "nodes": nodes})

    def _node_id(self, run_id: str, step: str) -> str:
        return f"{self._store.progress.workflow(run_id)['metadata']['name']}-{step}"


@contextmanager
def scripted_backend(folder: Path) -> Iterator[ScriptedBackend]:
    """Serve the API from a thread, on a port of the system's choice."""
    ready: List[Any] = []
    stopped = threading.Event()

    async def serve() -> None:
        store = Store(folder / "kfops.db")
        store.experiments.default()
        backend = ScriptedBackend(store, folder, asyncio.get_running_loop())
        scheduler = Scheduler(store, backend, Zone())
        server = HTTPServer(application(Backend(store, backend, scheduler, folder, TOKEN, "test", time.time())))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        ready.extend([backend, sockets[0].getsockname()[1]])
        while not stopped.is_set():
            await asyncio.sleep(0.005)
        server.stop()
        await server.close_all_connections()
        store.close()

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(TOKEN)
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        while len(ready) < 2:
            assert thread.is_alive()
            time.sleep(0.005)
        backend, port = ready
        backend.connection = connect(host=f"http://127.0.0.1:{port}", token_path=str(folder / "token"))
        yield backend
    finally:
        stopped.set()
        thread.join(10)
