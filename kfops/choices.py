"""Which backend a person has chosen for a project: in the user's own folder, where notebook, panel and command see it.

What config.yaml says belongs to everyone who works on the project; what is chosen here, to one person on one machine.
All folders without a config.yaml share one choice, as they share one connection.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Optional

from kfops.errors import ConfigError
from kfops.local.folder import read_json, write_private

#: What can be chosen; ``auto`` leaves it to config.yaml and the environment.
KINDS = ("auto", "cluster", "embedded")


def chosen(path: Optional[Path]) -> str:
    """Return what is chosen for the project of a config.yaml, None standing for all folders that have none."""
    kind = read_json(_place(path)).get("use")
    return str(kind) if kind in KINDS else "auto"


def choose(path: Optional[Path], kind: str) -> None:
    """Keep a choice for the project of a config.yaml.

    Raises
    ------
    ConfigError
        It cannot be kept.
    """
    place = _place(path)
    try:
        if kind == "auto":
            if place.exists():
                place.unlink()
            return
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(place, json.dumps({"config": str(path or ""), "use": kind}) + "\n")
    except OSError as error:
        raise ConfigError(
            "The choice of a backend cannot be kept.",
            why=f"{place} cannot be written: {error.strerror}.",
            remedy=f"Make its folder writable, or write `kind: {kind}` below `connection:` in config.yaml.",
            path=str(place),
        ) from None


def _place(path: Optional[Path]) -> Path:
    from platformdirs import user_config_dir

    name = hashlib.sha256(str(path).encode()).hexdigest()[:32] if path is not None else "without-config"
    return Path(user_config_dir("kfops", appauthor=False)) / "backends" / f"{name}.json"
