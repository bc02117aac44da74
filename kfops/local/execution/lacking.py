"""What steps would not find when they start, told before their run does: Secrets, ConfigMaps and claims.

On a cluster their pods would stay Pending until somebody makes it.
"""

from __future__ import annotations

from typing import Iterable, Iterator

from ..workflow.needs import CLAIM, Need
from .claims import Claims
from .environment import SecretValues, missing


def lacking(wanted: Iterable[Need], secrets: SecretValues, claims: Claims) -> Iterator[str]:
    """Tell what of the wanted is not there, each with what to do about it; raises StepError."""
    for need in wanted:
        found = _lacks(need, secrets, claims)
        if found:
            yield f"template {need.template!r}: {found}"


def _lacks(need: Need, secrets: SecretValues, claims: Claims) -> str:
    if need.kind == CLAIM:
        return "" if claims.folder_of(need.name) is not None else claims.missing(need.name)
    held = secrets.of(need.name)
    if held is not None and need.key in ("", *held):
        return ""
    return missing(need.kind, need.name, need.key, secrets)
