"""Which versions are installed, without importing anything."""

from __future__ import annotations

from importlib import metadata


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, "" where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
