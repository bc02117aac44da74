"""How something of a library is replaced for the length of a compile."""

from __future__ import annotations

from typing import Any, Tuple

#: An object, the name of one of its attributes, and what stands there meanwhile.
Replacement = Tuple[Any, str, Any]
#: The types of values that have nothing in them.
PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


class Overlay:
    """A module as another one sees it, with some of its functions replaced."""

    def __init__(self, module: Any, **replaced: Any) -> None:
        self._module = module
        vars(self).update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
