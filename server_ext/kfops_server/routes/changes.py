"""/kfops/changes: waits until something that a page shows has changed."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Dict, Optional, Tuple

from kfops.errors import InvalidInput

from .base import KfopsHandler, guarded

#: Seconds that a request waits at most, less than proxies wait for an answer.
WAIT = 20.0

Answer = Tuple[Dict[str, int], Any]


class ChangesHandler(KfopsHandler):
    """What has changed."""

    _waiting: Optional[asyncio.Future[Answer]] = None

    @guarded
    async def get(self) -> None:
        """Answer once something is other than was seen, or with nothing after a while."""
        seen = {}
        for text in self.get_query_arguments("run"):
            run_id, _, number = text.rpartition(":")
            self.check_id(run_id)
            seen[run_id] = self._seen("run", number)
        for text in self.get_query_arguments("log"):
            log, _, number = text.rpartition(":")
            run_id, _, step_id = log.partition("/")
            self.check_id(run_id)
            self.check_id(step_id)
            seen[log] = self._seen("log", number)
        if self.get_query_argument("runs", ""):
            seen[""] = self._seen("runs", self.get_query_argument("runs"))
        switches = self.get_query_argument("switches", "")
        wait = self.number("wait", int(WAIT), least=0, most=int(WAIT))
        changes = self.services.changes
        known = self._seen("switches", switches) if switches else None
        self._waiting = asyncio.ensure_future(changes.wait(await self.project(), seen, wait, known))
        try:
            numbers, lost = await self._waiting
        except asyncio.CancelledError:
            return  # nobody is there for an answer
        self.reply(
            {
                "runs": numbers.pop("", None),
                "run": {name: number for name, number in numbers.items() if "/" not in name},
                "log": {name: number for name, number in numbers.items() if "/" in name},
                "switches": changes.switches,
                "lost": ["runs" if run_id == "" else run_id for run_id in lost],
            }
        )

    def on_connection_close(self) -> None:
        """Stop waiting: the page has gone."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _seen(self, name: str, text: str) -> int:
        if not re.match(r"\d{1,15}\Z", text):
            raise InvalidInput(f"{text[:40]!r} is not a number that was given.", field=name)
        return int(text)
