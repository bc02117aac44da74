"""Jupyter Server extension of kfops-lab: the REST API that the panel talks to.

It runs in the Jupyter Server's process and environment, which cannot have kfp 1.7.0; what needs kfp is done by a
worker process in the pipeline environment (`worker_client.py`). The API is described by `openapi.yaml`.
"""

from __future__ import annotations

from typing import Any, Dict, List

__all__ = ["_jupyter_server_extension_points"]


def _jupyter_server_extension_points() -> List[Dict[str, Any]]:
    """Tell Jupyter Server which application to load."""
    from .extension import KfopsServer

    return [{"module": "kfops_server", "app": KfopsServer}]
