# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""GET /apis/v1alpha1/runs/{run}/nodes/{node}/log: what a step has printed, so far or as it prints it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO, Any

from tornado.iostream import StreamClosedError

from ..problems import Missing
from .base import Handler

_CHUNK = 64 * 1024
_PAUSE = 0.1
_FINAL = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})


class StepLog(Handler):
    """The log of a step; with ``follow=true`` the answer ends when the step does."""

    async def get(self, run_id: str, node_id: str) -> None:
        follow = self.query.get("follow", "").lower() in ("true", "1")
        path = self.backend.data_dir / "runs" / run_id / node_id / "main.log"
        # Only ids that the run's status has are made into a path.
        if not self._node(run_id, node_id) or not (follow or path.is_file()):
            raise Missing("Log of step", node_id)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        try:
            await self._send(run_id, node_id, path, follow)
        except StreamClosedError:
            return

    async def _send(self, run_id: str, node_id: str, path: Path, follow: bool) -> None:
        file = None
        try:
            while True:
                # Asked before reading: what the step wrote before it ended is then read.
                ended = not follow or self._node(run_id, node_id).get("phase") in _FINAL
                if file is None and path.is_file():
                    file = path.open("rb")
                if file is not None:
                    await self._copy(file)
                if ended:
                    return
                await asyncio.sleep(_PAUSE)
        finally:
            if file is not None:
                file.close()

    async def _copy(self, file: IO[bytes]) -> None:
        while True:
            chunk = file.read(_CHUNK)
            if not chunk:
                return
            self.write(chunk)
            await self.flush()

    def _node(self, run_id: str, node_id: str) -> dict[str, Any]:
        node = self.backend.store.progress.node(run_id, node_id)
        if node is None:
            raise Missing("Step", node_id)
        return node
