"""What a notebook loads: ``%load_ext kfops_lab`` gives the ``%kfops`` and ``%%kfops`` magics."""

from __future__ import annotations

from typing import Any, Dict, List

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """Register ``%kfops``, ``%%kfops`` and their completion with an IPython shell."""
    from kfops_lab.magics import register

    register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away again; runs that are under way go on."""
    from kfops_lab.magics import unregister

    unregister(shell)


def _jupyter_labextension_paths() -> List[Dict[str, str]]:
    return [{"src": "labextension", "dest": "kfops-lab"}]
