"""Loops: one task with ``withItems`` or ``withParam`` becomes one task for each item."""

from __future__ import annotations

from typing import Any, Dict, List

from .items import Item, items_in, items_of
from .substitution import as_text, placeholders, substitute

Task = Dict[str, Any]


class LoopError(ValueError):
    """The items of a loop are no list."""


def is_loop(task: Task) -> bool:
    """Tell whether a task stands for several."""
    return task.get("withItems") is not None or task.get("withParam") is not None


def expand(task: Task) -> List[Task]:
    """Return one task for each item, named ``<task>(<index>:<item>)`` as Argo names them.

    Raises
    ------
    LoopError
        ``withParam`` is not a JSON list, or a placeholder stands for nothing. Only in a loop is that an error.
    """
    bare = {key: value for key, value in task.items() if key not in ("withItems", "withParam")}
    items, names = _items(task), _placeholders(task)
    expanded = []
    for index, item in enumerate(items):
        unknown = next((name for name in names if item.lookup(name) is None), None)
        if unknown is not None:
            raise LoopError(f"failed to resolve {{{{{unknown}}}}}")
        one = substitute(bare, item.lookup)
        one["name"] = f"{task['name']}({index}:{item.label})"
        expanded.append(one)
    return expanded


def _items(task: Task) -> List[Item]:
    if task.get("withItems") is not None:
        if not isinstance(task["withItems"], list):
            raise LoopError(f"withItems of task '{task['name']}' is not a list")
        return items_of(task["withItems"])
    text = as_text(task["withParam"]).strip()
    try:
        return items_in(text)
    except ValueError as error:
        raise LoopError(f"withParam value could not be parsed as a JSON list: {text}: {error}") from error


def _placeholders(task: Task) -> List[str]:
    """Return the names that a loop's task still has to be told, those of artifacts from other tasks excepted."""
    arguments = dict(task.get("arguments") or {})
    arguments["artifacts"] = [
        {key: value for key, value in artifact.items() if key != "from"}
        for artifact in arguments.get("artifacts") or []
    ]
    return placeholders([task.get("when"), task.get("withItems"), arguments])
