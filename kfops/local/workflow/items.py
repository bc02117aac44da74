"""The items of a loop, and how they are written into the texts of its task.

Argo keeps an item as the JSON that it came as, and what it writes for ``{{item}}`` is that JSON. A string only loses
its quotes: a line break in it stays a backslash and an ``n``, and ``1.50`` is not ``1.5``. It is the same here, because
a pipeline whose items have quotes or line breaks would otherwise work here and not in a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, List, Optional

from .json_text import compact, elements, escaped, members, unescaped, written


@dataclass(frozen=True)
class Item:
    """One item, as JSON.

    Examples
    --------
    >>> item = Item('{"b": "x", "a": 1.0}')
    >>> item.lookup("item"), item.lookup("item.a"), item.label
    ('{"a":1.0,"b":"x"}', '1.0', 'a:1.0,b:x')
    """

    json: str

    def lookup(self, name: str) -> Optional[str]:
        """Return what ``item`` and, for a map, ``item.<key>`` stand for; None for every other name."""
        if name == "item":
            return self._whole
        if name.startswith("item."):
            held = self._members.get(name[len("item.") :])
            return None if held is None else held.bare
        return None

    @property
    def label(self) -> str:
        """What the name of the item's node has of it."""
        if self.json.startswith("{"):
            text = ",".join(sorted(f"{key}:{held.bare}" for key, held in self._members.items()))
        elif self.json.startswith("["):
            text = "[" + " ".join(Item(element).bare for element in elements(self.json)) + "]"
        else:
            text = "[]" if self.json == "null" else self.bare
        return text.replace("(", "").replace(")", "")

    @property
    def bare(self) -> str:
        """The JSON, of a string without its quotes."""
        text = unescaped(compact(self.json))
        return text[1:-1] if text.startswith('"') else text

    @cached_property
    def _members(self) -> Dict[str, Item]:
        return {key: Item(held) for key, held in members(self.json).items()} if self.json.startswith("{") else {}

    @cached_property
    def _whole(self) -> str:
        if self.json.startswith("{"):
            parts = (f"{written(key)}:{escaped(compact(held.json))}" for key, held in sorted(self._members.items()))
            return "{" + ",".join(parts) + "}"
        return escaped(compact(self.json)) if self.json.startswith("[") else self.bare


def items_of(given: List[Any]) -> List[Item]:
    """Return the items of ``withItems``."""
    return [Item(written(item)) for item in given]


def items_in(text: str) -> List[Item]:
    """Return the items of ``withParam``.

    Raises
    ------
    ValueError
        It is not a list in JSON.
    """
    return [] if text.strip() == "null" else [Item(element) for element in elements(text)]
