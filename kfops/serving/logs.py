"""A step's log, part by part, and whether there is more to come.

A log may be larger than any memory: it is read in parts, by bytes, and of one that is followed the end is kept.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional
from urllib.parse import quote

from kfops import runs
from kfops.errors import NotFound
from kfops.types import FINAL_STATES

if TYPE_CHECKING:
    from kfops.connection import Connection
    from kfops.types import Run

#: Bytes of a log that are read at a time at most, and those of its end that are shown first.
LARGEST_PART = 1024 * 1024
END = 256 * 1024

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")


class Part(NamedTuple):
    """Bytes of a log from ``start`` on; ``is_last`` where there were no more when they were read."""

    start: int
    data: bytes
    is_last: bool


def log_path(run_id: str, step_id: str) -> str:
    """Return where the backend has the log of a step."""
    return f"/apis/v1alpha1/runs/{quote(run_id, safe='')}/nodes/{quote(step_id, safe='')}/log"


def log_part(
    run_id: str,
    step_id: str,
    offset: Optional[int],
    limit: int,
    connection: Connection,
    run: Optional[Run] = None,
) -> Dict[str, Any]:
    """Return at most ``limit`` bytes of a log from byte ``offset`` on, or its end, as `wire` does.

    A step that has not started, or that never runs, has an empty log.

    Parameters
    ----------
    run
        The run, if it is known: else the backend is asked for it.

    Raises
    ------
    NotFound
        The run, or a step of it, is not known.
    """
    # The state before the log: a step that ends in between has its last lines asked for once more.
    run = run or runs.get_run(run_id, connection)
    step = next((step for step in run.graph.steps if step.id == step_id), None) if run.graph else None
    if step is None:
        raise NotFound(f"The run {run.name} has no step {step_id}.", remedy="Show the run again.", run_id=run_id)
    try:
        part = read_part(run_id, step_id, offset, limit, connection)
    except NotFound:
        part = Part(offset or 0, b"", True)
    return wire(part, is_over=step.state in FINAL_STATES or run.finished)


def read_part(run_id: str, step_id: str, offset: Optional[int], limit: int, connection: Connection) -> Part:
    """Return at most ``limit`` bytes of a log from ``offset`` on, the last ones of it for None; raises NotFound."""
    wanted = f"-{limit}" if offset is None else f"{offset}-{offset + limit - 1}"
    stream = connection.read(log_path(run_id, step_id), part=wanted, what=f"read the log of step {step_id}")
    try:
        found = _CONTENT_RANGE.match(stream.headers.get("content-range", ""))
        if stream.status == 416:
            size = int(found.group(2)) if found else 0
            return Part(size if offset is None else min(offset, size), b"", True)
        data, start, is_last = bytearray(), 0, True
        if stream.status == 206 and found and found.group(1):
            start = int(found.group(1))
        keep_end = offset is None or stream.status == 206
        for piece in iter(stream.read, b""):
            data += piece
            if keep_end:
                # all that was asked for; of a backend that sends the whole log its end alone
                start += max(len(data) - limit, 0)
                del data[: max(len(data) - limit, 0)]
            else:
                skipped = min(max((offset or 0) - start, 0), len(data))
                start += skipped
                del data[:skipped]
                if len(data) >= limit:
                    is_last = False
                    break
        if found and stream.status == 206:
            is_last = start + len(data) >= int(found.group(2))
        return Part(start, bytes(data[:limit]), is_last)
    finally:
        stream.close()


def wire(part: Part, *, is_over: bool) -> Dict[str, Any]:
    """Return ``text``, its ``offset``, the ``next_offset`` to go on from, and ``complete`` when nothing will follow.

    Offsets are bytes. A letter of which some bytes are missing is left to the next part.
    """
    lost = next((number for number, byte in enumerate(part.data[:4]) if byte & 0xC0 != 0x80), 0)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = decoder.decode(part.data[lost:], final=is_over and part.is_last)
    waiting = len(decoder.getstate()[0])
    return {
        "text": text,
        "offset": part.start + lost,
        "next_offset": part.start + len(part.data) - waiting,
        "complete": is_over and part.is_last,
    }
