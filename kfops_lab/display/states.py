"""States and durations, looking as they do in every drawing of kfops."""

from __future__ import annotations

from typing import Union

from kfops import drawing
from kfops.drawing import Look
from kfops.types import Run, Step


def look(state: str) -> Look:
    """Return how a state looks; one that is not known is shown as it is called."""
    return drawing.LOOKS.get(state, Look("?", "inherit", state))


def badge(state: str) -> str:
    """Return a state as HTML: icon and word in its colour."""
    icon, colour, word = look(state)
    return f'<span style="color:{colour};white-space:nowrap"><span aria-hidden="true">{icon}</span> {word}</span>'


def duration(timed: Union[Run, Step]) -> str:
    """Return how long a run or a step took, or has taken so far, as ``0:41``; "" before it starts."""
    return drawing.duration(timed)
