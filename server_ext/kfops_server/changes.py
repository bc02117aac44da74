"""Tells browsers that something has changed: the worker watches it once, however many of them look.

A page waits in a request for what it looks at to become other than it has seen (long polling: it passes every proxy
that a Jupyter Server stands behind, and is authenticated as every other request is). What changed it then asks for;
the answer to a question that several pages ask at once is fetched once.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Awaitable, Callable, Dict, List, Optional, Tuple

#: Seconds that a watch goes on when nobody waits for it: a page that is told asks, and then waits again.
LINGER = 10.0

#: Seconds for which the answer about what is watched is good for every page that asks the same.
_SHARED = 1.5

#: Things that are watched at once, for each of which the worker has a thread.
MOST = 24

#: Calls the worker's method with its parameters and something that takes its log.
Work = Callable[[str, Dict[str, Any], Callable[[str], None]], Awaitable[Any]]


class Topic:
    """Something that is watched; its number is another one after each change, 0 before the first."""

    def __init__(self) -> None:
        self.number = 0
        self.lost = False
        self.waiting = 0
        self.used = time.monotonic()
        self.task: Optional[asyncio.Task[None]] = None


class Changes:
    """What is watched, by project and run.

    The run "" stands for the list of runs, and ``<run>/<step>`` for a step's log.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._topics: Dict[Tuple[str, str], Topic] = {}
        self._switches = 0
        self._news: Optional[asyncio.Event] = None
        self._shared: Dict[str, Tuple[float, asyncio.Task[Any]]] = {}

    @property
    def switches(self) -> int:
        """A number that is another one after each change of the backend that is meant."""
        return self._switches

    def switch(self) -> None:
        """Tell every page that another backend is meant; its runs are listed and watched from now on."""
        self.forget()
        self._switches = _later_than(self._switches)
        for key in [key for key in self._topics if key[1] == ""]:
            topic = self._topics.pop(key)
            if topic.task is not None:
                topic.task.cancel()
        self._tell()

    async def wait(
        self, root: str, seen: Dict[str, int], time_limit: float, switches: Optional[int] = None
    ) -> Tuple[Dict[str, int], List[str]]:
        """Return the numbers of what is other than was seen, and what cannot be watched; {} and [] after a while.

        Parameters
        ----------
        seen
            The number last seen of each run that is looked at, of the list of runs as "", of a log as ``<run>/<step>``.
        switches
            The number of switches last seen; None does not wait for one.
        """
        topics = {run_id: self._topic(root, run_id) for run_id in seen}
        watched = {run_id: topic for run_id, topic in topics.items() if topic is not None}
        for topic in watched.values():
            topic.waiting += 1
        deadline = time.monotonic() + time_limit
        try:
            while True:
                news = self._news = self._news or asyncio.Event()
                lost = [run_id for run_id, topic in topics.items() if topic is None or topic.lost]
                numbers = {
                    run_id: topic.number
                    for run_id, topic in watched.items()
                    if topic.number not in (0, seen[run_id]) and not topic.lost
                }
                left = deadline - time.monotonic()
                if switches not in (None, self._switches):
                    return numbers, []
                if numbers or lost or left <= 0:
                    return numbers, lost
                try:
                    await asyncio.wait_for(news.wait(), left)
                except asyncio.TimeoutError:
                    pass
        finally:
            for topic in watched.values():
                topic.waiting -= 1
                topic.used = time.monotonic()

    async def shared(self, method: str, params: Dict[str, Any], ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return ``await ask()``, or what another request is answered that asks the worker the same.

        Of what is watched the answer is kept for a moment, for the other pages that have been told of the change.
        """
        key = json.dumps([method, params], sort_keys=True)
        until, answer = self._shared.get(key, (0.0, None))
        if answer is None or (answer.done() and time.monotonic() > until):
            self._shared = {
                k: kept for k, kept in self._shared.items() if not kept[1].done() or kept[0] > time.monotonic()
            }
            answer = asyncio.ensure_future(ask())
            answer.add_done_callback(lambda task: self._drop_failed(key, task))
            self._shared[key] = (time.monotonic() + _SHARED if self._is_watched(method, params) else 0.0, answer)
        # Shielded: whoever asked first may go away while others wait for the answer.
        return await asyncio.shield(answer)

    def forget(self) -> None:
        """Forget the answers: something has changed."""
        self._shared.clear()

    async def close(self) -> None:
        """Watch no more."""
        tasks = [topic.task for topic in self._topics.values() if topic.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _is_watched(self, method: str, params: Dict[str, Any]) -> bool:
        """Return whether a change of the answer would be told."""
        if method not in ("runs.list", "runs.get", "steps.log"):
            return False
        name = params.get("run_id", "") + (f"/{params['step_id']}" if method == "steps.log" else "")
        topic = self._topics.get((params.get("root", ""), name))
        return topic is not None and topic.number > 0 and not topic.lost

    def _topic(self, root: str, run_id: str) -> Optional[Topic]:
        """Return a topic that is watched from now on, None when too much is."""
        topic = self._topics.get((root, run_id))
        if topic is None or topic.lost:
            if topic is None and len(self._topics) >= MOST:
                return None
            topic = self._topics[root, run_id] = Topic()
            topic.task = asyncio.ensure_future(self._watch(topic, root, run_id))
        return topic

    async def _watch(self, topic: Topic, root: str, name: str) -> None:
        run_id, _, step_id = name.partition("/")
        method, step = ("steps.watch", {"step_id": step_id}) if step_id else ("runs.watch", {})
        watch = asyncio.ensure_future(
            self._work(method, {"root": root, "run_id": run_id, **step}, lambda text: self._changed(topic, text))
        )
        try:
            while not watch.done():
                idle = time.monotonic() - topic.used if not topic.waiting else 0.0
                if idle >= LINGER:
                    break
                await asyncio.wait([watch], timeout=LINGER - idle)
        finally:
            # Why it ended is told to whoever asks for the run itself.
            watch.cancel()
            await asyncio.wait([watch])
            if not watch.cancelled():
                watch.exception()
            topic.lost = True
            if self._topics.get((root, name)) is topic:
                del self._topics[root, name]
            self._tell()

    def _changed(self, topic: Topic, text: str) -> None:
        if "switched" in text:
            self.switch()
            return
        self.forget()
        topic.number = _later_than(topic.number)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            news.set()

    def _drop_failed(self, key: str, task: asyncio.Task[Any]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if failed and self._shared.get(key, (0.0, None))[1] is task:
            del self._shared[key]


def _later_than(number: int) -> int:
    """Return a number that was not given before, by this server or by one before it."""
    return max(number + 1, time.time_ns() // 1_000_000)
