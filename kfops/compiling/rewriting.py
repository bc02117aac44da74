"""What stands in for functions of kfp's data passing rewriter, which goes over the whole workflow several times.

It finds out where an output is used as a parameter and where as an artifact, in a copy of the workflow, and searches
the text of each template for that.
"""

from __future__ import annotations

import copy
import re
from typing import Any, Dict, List, Set

from kfops.compiling.overlay import PLAIN, Overlay, Replacement

#: What the rewriter takes for a placeholder.
_PLACEHOLDER = re.compile(r"{{([-._a-zA-Z0-9]+)}}")


def copies() -> List[Replacement]:
    """Copy a workflow as the plain data that it is; what stands in it twice is one thing in the copy, too."""
    from kfp.compiler import _data_passing_rewriter

    def deepcopy(value: Any) -> Any:
        made: Dict[int, Any] = {}

        def copied(item: Any) -> Any:
            kind = type(item)
            if kind in PLAIN:
                return item
            known = made.get(id(item))
            if known is not None:
                return known
            if kind is dict:
                entries: Dict[Any, Any] = {}
                made[id(item)] = entries
                for key, entry in item.items():
                    entries[key] = copied(entry)
                return entries
            if kind is list:
                items: List[Any] = []
                made[id(item)] = items
                items.extend([copied(entry) for entry in item])
                return items
            return copy.deepcopy(item, made)

        return copied(value)

    overlay = Overlay(_data_passing_rewriter.copy, deepcopy=deepcopy)
    return [(_data_passing_rewriter, "copy", overlay)]


def searches() -> List[Replacement]:
    """Search a template for placeholders text by text, not in the JSON of it all."""
    from kfp.compiler import _data_passing_rewriter

    def extract_all_placeholders(template: Any) -> Set[str]:
        found: Set[str] = set()
        waiting = [template]
        while waiting:
            value = waiting.pop()
            if isinstance(value, str):
                if "{{" in value:
                    found.update(_PLACEHOLDER.findall(value))
            elif isinstance(value, dict):
                waiting += value
                waiting += value.values()
            elif isinstance(value, (list, tuple)):
                waiting += value
        return found

    return [(_data_passing_rewriter, "extract_all_placeholders", extract_all_placeholders)]
