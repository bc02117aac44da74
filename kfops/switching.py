"""Choose between the cluster and the embedded backend, for the project one works in."""

from __future__ import annotations

from typing import Optional

from kfops import choices
from kfops.config import Config, load
from kfops.connection import connect, named_cluster
from kfops.errors import InvalidInput, KfopsError, LocalBackendError
from kfops.types import ConnectionStatus

__all__ = ["choose", "unconnected", "use"]


def use(kind: str, config: Optional[Config] = None) -> ConnectionStatus:
    """Use another backend from now on: in this project, and in notebook, panel, API and command alike.

    Runs that go on where one came from go on there.

    Parameters
    ----------
    kind
        ``embedded``, ``cluster``, or ``auto`` for what config.yaml and the environment say.
    config
        The project, ``kfops.config.load()`` by default; where it has no config.yaml, all folders that have none.

    Returns
    -------
    ConnectionStatus
        Where that leads; ``error`` says why the backend that was chosen cannot be used now.

    Raises
    ------
    InvalidInput
        There is no such kind, or no cluster is named.
    ConfigError
        The choice cannot be kept.

    Examples
    --------
    >>> kfops.use("embedded").kind  # doctest: +SKIP
    'embedded'
    """
    changed = choose(kind, config or load())
    try:
        return connect(changed).status()
    except KfopsError as error:
        return unconnected(error, changed)


def choose(kind: str, config: Config) -> Config:
    """Keep a choice without trying it out, and return the configuration as it is with it; raises as ``use`` does."""
    if kind not in choices.KINDS:
        raise InvalidInput(f"{kind!r} is no backend to use.", remedy=f"Use {', '.join(choices.KINDS)}.", field="use")
    if kind == "cluster" and not named_cluster(config):
        raise InvalidInput(
            "No cluster is named here.",
            why="config.yaml has no connection.host, KF_PIPELINES_ENDPOINT is not set, and this is no notebook server "
            "in a cluster.",
            remedy="Write the address of Kubeflow Pipelines to config.yaml, below connection: as host.",
            field="use",
        )
    choices.choose(config.path, kind)
    return config.using(kind)


def unconnected(error: KfopsError, config: Config) -> ConnectionStatus:
    """Return the status that stands for the error which ``connect`` has raised."""
    host = str(error.details.get("host", ""))
    kind = config.backend
    if kind == "auto":
        kind = "cluster" if host and not isinstance(error, LocalBackendError) else "embedded"
    return ConnectionStatus(
        kind=kind, host=host, use=config.chosen, cluster=named_cluster(config), error=error.to_dict()
    )
