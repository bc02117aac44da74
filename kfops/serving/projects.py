"""Which folder and backend a version or a run belongs to: those it was made, or first seen, with."""

from __future__ import annotations

from typing import Dict, Iterable, Tuple

from kfops.config import Config, load

#: Ids that are kept in mind.
_KEPT = 5000


class Projects:
    """Folders and backends by the ids of what came from there; safe to use from several threads.

    A backend is kept as the choice that leads to it, ``embedded`` or ``cluster``: what ``auto`` means may change.
    """

    def __init__(self) -> None:
        self._places: Dict[str, Tuple[str, str]] = {}

    def of(self, identity: str, otherwise: str) -> str:
        """Return the folder of a version or run, else the one that the request named."""
        return self._places.get(identity, (otherwise, ""))[0]

    def config(self, identity: str, otherwise: str) -> Config:
        """Return the configuration of a version or run, else that of the folder that the request named.

        It leads to the backend that has it, also when another one has been chosen since.
        """
        folder, chosen = self._places.get(identity, (otherwise, ""))
        config = load(start=folder)
        return config.using(chosen) if chosen else config

    def made(self, identity: str, folder: str, choice: str) -> None:
        """Keep in mind where a version was uploaded, or a run started, from, and to which backend."""
        self._places[identity] = (folder, choice)
        if len(self._places) > _KEPT:
            self._places.pop(next(iter(self._places)), None)

    def seen(self, identities: Iterable[str], folder: str, choice: str) -> None:
        """Keep in mind where versions or runs were listed, those of which no more is known."""
        for identity in identities:
            if identity not in self._places:
                self.made(identity, folder, choice)
