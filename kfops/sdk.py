"""Making the ``kfp.Client`` that behaves: quiet, with our token, and without a file that all projects share.

Left alone, kfp 1.7.0 sends no token where a host is given, blocks 25 s when it is refused, and takes its namespace
from ``~/.config/kfp/context.json``, into which it also writes.
"""

from __future__ import annotations

import warnings
from typing import Any, Mapping, Optional


def make_client(host: str, credentials: Optional[Any], *, namespace: str, ui_host: str = "") -> Any:
    """Return a ``kfp.Client`` for ``host``; no request is made.

    Parameters
    ----------
    credentials
        An object with ``refresh_api_key_hook``, called before each request; None sends no token.
    namespace
        What API calls name where they are given none; "" in single-user mode, which answers 400 to any other.
    """
    with warnings.catch_warnings():
        # kfp 1.7.0 and what it imports are of 2021.
        warnings.simplefilter("ignore")
        import kfp

    class Client(kfp.Client):  # type: ignore[misc]
        """A kfp.Client whose namespace is its own."""

        def _load_context_setting_or_default(self) -> None:
            # Any namespace keeps the constructor from its health check; the right one follows below.
            self._context_setting = {"namespace": "-"}

        def _load_config(self, host: str, client_id: Any, *rest: Any) -> Any:
            # Not the identity-aware proxy of the environment: who connects is decided in kfops.connection.
            return super()._load_config(host, None, *rest)

        def set_user_namespace(self, namespace: str) -> None:
            self._context_setting["namespace"] = namespace

    client = Client(host=host, credentials=credentials, ui_host=ui_host or None)
    client.set_user_namespace(namespace)
    return client


def set_headers(client: Optional[Any], headers: Mapping[str, str]) -> None:
    """Let a client, if there is one yet, send these headers with each request."""
    if client is None:
        return
    for name, value in headers.items():
        client.runs.api_client.set_default_header(name, value)
