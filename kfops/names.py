"""Names that Kubeflow Pipelines can keep."""

from __future__ import annotations

from kfops.errors import InvalidInput

_LONGEST = 100


def check_name(name: str, what: str) -> str:
    """Return a name that may be given to a pipeline, a version, an experiment or a run.

    Raises
    ------
    InvalidInput
        When it is empty, longer than 100 characters, or has characters that do not survive the way to the server.
    """
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput(f"The {what} has no name.", remedy=f"Give the {what} a name.")
    if len(name) > _LONGEST:
        raise InvalidInput(
            f"The {what}'s name is too long.",
            why=f"It has {len(name)} characters, and Kubeflow Pipelines keeps {_LONGEST}.",
            remedy=f"Shorten it: {name[:_LONGEST].rstrip()}",
        )
    # Kubeflow Pipelines unescapes names of uploads twice, which turns "+" into a space and breaks on "%".
    odd = sorted({c for c in name if not c.isprintable() or c in "%+"})
    if odd or name != name.strip():
        shown = ", ".join(repr(c) for c in odd) or "spaces at its ends"
        raise InvalidInput(
            f"The {what} cannot be called {name!r}.",
            why=f"Kubeflow Pipelines does not keep {shown}.",
            remedy="Use letters, digits, spaces, - and _.",
        )
    return name
