"""``%kfops`` and ``%%kfops``: one file a verb, one way to report a mistake."""

from __future__ import annotations

from typing import Any

from kfops_lab.magics.dispatch import KfopsMagics

__all__ = ["KfopsMagics", "register", "unregister"]


def register(shell: Any) -> None:
    """Add the magics and their completion to a shell."""
    from kfops_lab.magics import completion

    shell.register_magics(KfopsMagics(shell))
    completion.register(shell)


def unregister(shell: Any) -> None:
    """Remove the magics from a shell."""
    shell.magics_manager.magics["line"].pop("kfops", None)
    shell.magics_manager.magics["cell"].pop("kfops", None)
