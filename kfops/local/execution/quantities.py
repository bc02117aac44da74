"""Quantities of Kubernetes (``500m``, ``1Gi``), and what ``resourceFieldRef`` tells a container of its own."""

from __future__ import annotations

import math
import os
import re
import shutil
from fractions import Fraction
from typing import Any, Mapping, Optional

_QUANTITY = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+))([eE][-+]?\d+|[KMGTPE]i|[numkMGTPE])?")
_SUFFIXES = {
    **{f"{letter}i": Fraction(1024 ** (power + 1)) for power, letter in enumerate("KMGTPE")},
    **{letter: Fraction(1000 ** (power + 1)) for power, letter in enumerate("kMGTPE")},
    "m": Fraction(1, 1000),
    "u": Fraction(1, 1000**2),
    "n": Fraction(1, 1000**3),
}


def quantity(text: Any) -> Fraction:
    """Return the number that a quantity stands for.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> quantity("500m"), quantity("1Ki"), quantity(2)
    (Fraction(1, 2), Fraction(1024, 1), Fraction(2, 1))
    """
    match = _QUANTITY.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, suffix = match.groups()
    if not suffix:
        return Fraction(number)
    return Fraction(number) * _SUFFIXES[suffix] if suffix in _SUFFIXES else Fraction(number + suffix)


def resource_field(container: Mapping[str, Any], reference: Mapping[str, Any]) -> Optional[str]:
    """Return what a ``resourceFieldRef`` gives, rounded up to whole divisors, or None for a field that is not known.

    A limit that is not set is all that the machine has; a request that is not set is the limit, or nothing.

    Raises
    ------
    ValueError
        The container's limit or the divisor is no quantity, or the divisor is nothing.
    """
    side, _, name = str(reference.get("resource") or "").partition(".")
    machine = _of_machine(name)
    if side not in ("limits", "requests") or machine is None:
        return None
    resources = container.get("resources") or {}
    limit = (resources.get("limits") or {}).get(name)
    if side == "limits":
        value = machine if limit is None else quantity(limit)
    else:
        asked = (resources.get("requests") or {}).get(name, limit)
        value = Fraction(0) if asked is None else quantity(asked)
    divisor = quantity(reference.get("divisor") or 1)
    if divisor == 0:
        divisor = Fraction(1)
    return str(math.ceil(value / divisor))


def _of_machine(name: str) -> Optional[Fraction]:
    if name == "cpu":
        return Fraction(os.cpu_count() or 1)
    if name == "memory":
        return Fraction(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if name == "ephemeral-storage":
        return Fraction(shutil.disk_usage("/").total)
    return None
