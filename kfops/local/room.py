"""A full disk, or a store that another program has locked: told from other failures, and waited for.

What has been accepted is not given up for that: a run whose steps end meanwhile waits, and goes on when it can be
recorded that they have ended.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
from typing import Callable, TypeVar

_PAUSE = 1.0
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


def is_full(error: BaseException) -> bool:
    """Tell whether something failed because the disk, or what the user may have of it, is full."""
    cause = getattr(error, "orig", error)  # SQLAlchemy's errors carry SQLite's
    if isinstance(cause, sqlite3.Error):
        return "is full" in str(cause)
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def is_locked(error: BaseException) -> bool:
    """Tell whether something failed because another program has kept the store locked for seconds."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, sqlite3.Error) and "is locked" in str(cause)


async def with_room(action: Callable[[], _T], what: str) -> _T:
    """Return ``action()``; while it cannot be stored it is tried again, and the log says once what waits."""
    waiting = False
    while True:
        try:
            return action()
        except Exception as error:
            if not is_full(error) and not is_locked(error):
                raise
            if not waiting:
                _log.warning("%s waits until it can be stored: %s", what, error)
            waiting = True
        await asyncio.sleep(_PAUSE)
