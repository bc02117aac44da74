"""Which project a version or a run belongs to: the folder whose config.yaml it was made, or last seen, with."""

from __future__ import annotations

from typing import Dict, Iterable

#: Ids that are kept in mind.
_KEPT = 5000


class Projects:
    """Folders by the ids of what came from there; safe to use from several threads."""

    def __init__(self) -> None:
        self._folders: Dict[str, str] = {}

    def of(self, identity: str, otherwise: str) -> str:
        """Return the folder of a version or run, else the one that the request named."""
        return self._folders.get(identity, otherwise)

    def made(self, identity: str, folder: str) -> None:
        """Keep in mind where a version was uploaded, or a run started, from."""
        self._folders[identity] = folder
        if len(self._folders) > _KEPT:
            self._folders.pop(next(iter(self._folders)), None)

    def seen(self, identities: Iterable[str], folder: str) -> None:
        """Keep in mind where versions or runs were listed, those of which no more is known."""
        for identity in identities:
            if identity not in self._folders:
                self.made(identity, folder)
