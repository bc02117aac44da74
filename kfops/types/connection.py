"""The connection to a backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional

from kfops.types.wire import Wire


@dataclass(frozen=True)
class ConnectionStatus(Wire):
    """Which backend, as whom, in which namespace; ``kind`` is ``embedded`` or ``cluster``.

    ``token_expires_at`` is "" where the token does not say; ``versions`` has ``kfops``, ``kfp``, ``python`` and
    ``backend``. ``use`` is what was chosen for this project, ``auto`` where nothing was; ``cluster`` is the address of
    the cluster that can be chosen, "" where none is named. ``error`` is a ``KfopsError`` in wire form where the backend
    is not usable, else None.
    """

    kind: str
    host: str
    identity: str = ""
    namespace: str = ""
    multi_user: bool = False
    token_expires_at: str = ""
    versions: Dict[str, str] = field(default_factory=dict)
    use: str = "auto"
    cluster: str = ""
    error: Optional[Dict[str, Any]] = None
