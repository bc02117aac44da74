"""What the methods share: one connection per configuration, and which configuration something belongs to."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, TypeVar

from kfops.serving.connections import Connections
from kfops.serving.projects import Projects

Result = TypeVar("Result")
Wire = Dict[str, Any]


class Access:
    """The backend, as a request's folder or an id leads to it.

    A version or run that was made with the configuration of another folder, or in another backend, keeps to that one.
    """

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.projects = Projects()

    def ask(self, root: str, question: Callable[[Any], Result], *, about: str = "") -> Result:
        """Return ``question(connection)``, for questions that change nothing.

        Parameters
        ----------
        about
            The id of a version or run; its folder counts rather than ``root``.
        """
        return self.connections.ask(self.projects.config(about, root), question)

    def change(self, root: str, action: Callable[[Any], Result], *, about: str = "") -> Result:
        """Return ``action(connection)``, for what changes something: it is never repeated."""
        return self.connections.change(self.projects.config(about, root), action)


def wire(value: Any) -> Wire:
    """Return the JSON form of one of `kfops.types`."""
    found: Wire = value.to_dict()
    return found


def wires(values: Any) -> List[Wire]:
    """Return the JSON forms of a list."""
    return [wire(value) for value in values]
