"""The embedded backend as the project sees it: when it is meant, starting it, and what of config.yaml it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional, Tuple

from kfops.config import Config
from kfops.credentials import TokenFile
from kfops.local.settings import HEADER, Settings, connected


def is_meant(token: Optional[TokenFile]) -> bool:
    """Return whether no cluster is named: there is no token, or it is the embedded backend's own."""
    return token is None or (token.path.parent / "connection.json").is_file()


def start(token: Optional[TokenFile], config: Config) -> Tuple[str, TokenFile]:
    """Return the address and the token of the embedded backend, started if need be.

    ``token`` is its own where that is known; it says which data folder is meant.
    """
    from kfops.local import daemon

    endpoint = daemon.ensure_running(token.path.parent if token is not None else None)
    tell(endpoint.data_dir, config)
    return endpoint.url, TokenFile(Path(endpoint.token_path))


def tell(data_dir: Path, config: Config) -> None:
    """Let clients that tell no settings of their own have those of this project."""
    connected(settings(config), data_dir)


def settings(config: Config) -> Settings:
    """Return the section ``local`` of config.yaml as the embedded backend takes it."""
    local = config.local
    secrets = str(config.root / Path(local.secrets).expanduser()) if local.secrets else ""
    return Settings(local.executor, local.engine, secrets, local.parallelism or 0)


def headers(config: Config) -> Dict[str, str]:
    """Return what is sent with each request to the embedded backend."""
    return {HEADER: settings(config).to_text()}
