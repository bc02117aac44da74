"""Where a step's files are: in its own view, and on the host."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Sequence

from ..artifacts import MOUNTS
from ..executors.base import Mount

WORK = "/.kfops/work"
TEMPORARY = "/tmp"  # noqa: S108  (the step's own, which nobody else can reach)
#: Folders that every step has for itself.
OWN = [TEMPORARY, WORK, *MOUNTS.values()]
#: Folders that images keep for mounts: where a step sees the host's, what it adds there is its own all the same.
FOR_MOUNTS = ("/media", "/mnt", "/srv")
_LINKS = 20
NO_MOUNTS: Mapping[str, str] = MappingProxyType({})


def declared_paths(template: Mapping[str, Any]) -> List[str]:
    """Return the paths at which a template takes inputs and leaves outputs."""
    found = [a["path"] for a in (template.get("inputs") or {}).get("artifacts") or [] if a.get("path")]
    outputs = template.get("outputs") or {}
    found += [a["path"] for a in outputs.get("artifacts") or [] if a.get("path")]
    found += [p["valueFrom"]["path"] for p in outputs.get("parameters") or [] if (p.get("valueFrom") or {}).get("path")]
    return found


def own_folders(cwd: str, mounts: Sequence[Mount]) -> List[str]:
    """Return the folders that are empty and private for this step: the usual ones and the places of its volumes."""
    places = [mount.path for mount in mounts if os.path.isdir(mount.source)]
    return [*OWN, *([cwd] if cwd != WORK and not os.path.isdir(cwd) else []), *places]


def opened_folders(template: Mapping[str, Any], own: List[str], mounts: Sequence[Mount] = ()) -> List[str]:
    """Return the folders around declared paths and mounted files that are not below a private one anyway."""
    files = [mount.path for mount in mounts if not os.path.isdir(mount.source)]
    parents = {posixpath.dirname(posixpath.normpath(path)) for path in [*declared_paths(template), *files]}
    return sorted(parent for parent in parents if not any(_below(parent, folder) for folder in own))


def on_host(root: Path, path: str, cwd: str = WORK, mounts: Mapping[str, str] = NO_MOUNTS) -> Path:
    """Return the host path of a path in the view of a step that has ended, with links followed inside of that view.

    ``mounts`` are the sources of the step's volumes by their places.
    """
    if "\0" in path:
        raise OSError(f"{path!r} is not a path")
    for _ in range(_LINKS):
        parts = [part for part in posixpath.normpath(posixpath.join(cwd, path)).split("/") if part]
        place, seen = str(root), ""
        for number, part in enumerate(parts):
            place, seen = f"{place}/{part}", f"{seen}/{part}"
            source = mounts.get(seen)
            if source is not None:
                place = source
            elif os.path.islink(place):
                path = posixpath.join(posixpath.dirname(seen), os.readlink(place), *parts[number + 1 :])
                break
        else:
            return Path(place)
    raise OSError(f"too many symbolic links: {path}")


class Rewriting:
    """The second way, where there are no mount namespaces: a step's own folders are named by their host paths.

    Every text of the command and the environment that names a private folder is changed to name the step's.
    """

    def __init__(self, root: Path, folders: List[str]) -> None:
        self._root = str(root)
        inside = sorted({folder for folder in folders if folder != "/"}, key=len, reverse=True)
        names = "|".join(re.escape(folder) for folder in inside)
        self._pattern = re.compile(rf"(?<![\w./-])({names})(?=/|$|[^\w.-])")

    def text(self, text: str) -> str:
        """Return a text with the private folders replaced."""
        return self._pattern.sub(lambda match: self._root + match.group(1), text)

    def words(self, words: List[str]) -> List[str]:
        """Return a command line with the private folders replaced."""
        return [self.text(word) for word in words]

    def values(self, values: Mapping[str, str]) -> Dict[str, str]:
        """Return variables with the private folders replaced."""
        return {name: self.text(value) for name, value in values.items()}


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
