"""Quiet where kfp 1.7.0 warns about itself: nobody who reads it could do anything about it."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import Iterator

#: The modules that warn, as the ``warnings`` module sees them.
_KFP = r"kfp(_server_api)?(\.|$)"


@contextmanager
def without_kfps_warnings() -> Iterator[None]:
    """Ignore what kfp's own modules warn about meanwhile; warnings of everybody else are heard.

    One filter comes and goes, rather than all being put back at the end: those that a user's code sets stay.
    """
    warnings.filterwarnings("ignore", module=_KFP)
    ours = warnings.filters[0]
    try:
        yield
    finally:
        if ours in warnings.filters:
            warnings.filters.remove(ours)  # type: ignore[attr-defined]
