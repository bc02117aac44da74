# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""GET /apis/v1alpha1/runs/{run}/nodes/{node}/log: what a step has printed, so far or as it prints it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tornado.iostream import StreamClosedError

from ..problems import Missing
from .base import Handler
from .tail import Tails

_CHUNK = 64 * 1024
_FINAL = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})


class StepLog(Handler):
    """The log of a step; with ``follow=true`` the answer ends when the step does."""

    async def get(self, run_id: str, node_id: str) -> None:
        follow = self.query.get("follow", "").lower() in ("true", "1")
        path = self.backend.data_dir / "runs" / run_id / node_id / "main.log"
        # Only ids that the run's status has are made into a path.
        known = self.backend.store.progress.node(run_id, node_id) is not None
        if not known or not (follow or path.is_file()):
            raise Missing("Log of step", node_id)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        try:
            if follow:
                await self._follow(path, run_id, node_id)
            else:
                await self._send(path)
        except StreamClosedError:
            return

    async def _send(self, path: Path) -> None:
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                self.write(chunk)
                await self.flush()

    async def _follow(self, path: Path, run_id: str, node_id: str) -> None:
        tails = cast(Tails, self.settings["tails"])
        tail = tails.follow(path, lambda: self._is_over(run_id, node_id))
        offset = 0
        try:
            while True:
                ended = tail.ended
                piece = tail.read(offset)
                if piece:
                    self.write(piece)
                    await self.flush()
                    offset += len(piece)
                elif ended:
                    return
                else:
                    await tail.grown()
        finally:
            tails.leave(path)

    def _is_over(self, run_id: str, node_id: str) -> bool:
        """Whether the step has ended, or is no longer there."""
        node = self.backend.store.progress.node(run_id, node_id)
        return node is None or node.get("phase") in _FINAL
