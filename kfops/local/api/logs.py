# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""GET /apis/v1alpha1/runs/{run}/nodes/{node}/log: what a step has printed, so far or as it prints it.

Beyond the real backend it knows ``Range``, also of a log that is followed (RFC 8673): a log may be large, and people
look at its end.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Match, Optional, Tuple, cast

from tornado.iostream import StreamClosedError

from ..problems import Missing
from .base import Handler
from .tail import Tails

_CHUNK = 64 * 1024
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,16})")
#: Stands for the end of what has none yet.
_WITHOUT_END = 2**53 - 1
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
        wanted = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        try:
            if follow:
                await self._follow(path, run_id, node_id, wanted)
            else:
                await self._send(path, wanted)
        except StreamClosedError:
            return

    async def _send(self, path: Path, wanted: Optional[Match[str]]) -> None:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start, end = _part(wanted, size)
            if wanted is not None and start >= end:
                self.set_status(416)
                self.set_header("Content-Range", f"bytes */{size}")
                return
            if wanted is not None:
                self.set_status(206)
                self.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            file.seek(start)
            while start < end:
                chunk = file.read(min(_CHUNK, end - start))
                if not chunk:
                    return
                start += len(chunk)
                self.write(chunk)
                await self.flush()

    async def _follow(self, path: Path, run_id: str, node_id: str, wanted: Optional[Match[str]]) -> None:
        tails = cast(Tails, self.settings["tails"])
        tail = tails.follow(path, lambda: self._is_over(run_id, node_id))
        offset = 0
        if wanted is not None and wanted.group(1):
            offset = int(wanted.group(1))
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {offset}-{_WITHOUT_END}/*")
        try:
            await self.flush()
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


def _part(wanted: Optional[Match[str]], size: int) -> Tuple[int, int]:
    """Return where the part begins that is wanted of so many bytes, and where it ends."""
    first, last = wanted.groups() if wanted is not None else ("", "")
    if first:
        return int(first), min(int(last) + 1, size) if last else size
    return (max(size - int(last), 0) if last else 0), size
