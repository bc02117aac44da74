"""The version of kfops-lab, as installed."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=None)
def version() -> str:
    """Return the version that the panel compares its own with."""
    from kfops import __version__

    return __version__
