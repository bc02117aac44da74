"""Loops: one task with ``withItems`` or ``withParam`` becomes one task for each item."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from .substitution import as_text, item_values, placeholders, substitute

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
        lookup = item_values(item)
        unknown = next((name for name in names if lookup(name) is None), None)
        if unknown is not None:
            raise LoopError(f"failed to resolve {{{{{unknown}}}}}")
        one = substitute(bare, lookup)
        one["name"] = f"{task['name']}({index}:{_label(item)})"
        expanded.append(one)
    return expanded


def _items(task: Task) -> List[Any]:
    if task.get("withItems") is not None:
        items = task["withItems"]
        if not isinstance(items, list):
            raise LoopError(f"withItems of task '{task['name']}' is not a list")
        return items
    text = as_text(task["withParam"])
    try:
        items = json.loads(text)
    except ValueError as error:
        raise LoopError(f"withParam value could not be parsed as a JSON list: {text}: {error}") from error
    if not isinstance(items, list):
        raise LoopError(f"withParam value could not be parsed as a JSON list: {text}")
    return items


def _placeholders(task: Task) -> List[str]:
    """Return the names that a loop's task still has to be told, those of artifacts from other tasks excepted."""
    arguments = dict(task.get("arguments") or {})
    arguments["artifacts"] = [
        {key: value for key, value in artifact.items() if key != "from"}
        for artifact in arguments.get("artifacts") or []
    ]
    return placeholders([task.get("when"), task.get("withItems"), arguments])


def _label(item: Any) -> str:
    if isinstance(item, dict):
        text = ",".join(sorted(f"{key}:{as_text(value)}" for key, value in item.items()))
    elif isinstance(item, list):
        text = "[" + " ".join(map(as_text, item)) + "]"
    else:
        text = as_text(item)
    return text.replace("(", "").replace(")", "")
