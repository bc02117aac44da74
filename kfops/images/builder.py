"""Builders: what turns a context into an image in a registry, and the choice of one.

Builder
├── BuildahBuilder, PodmanBuilder     a program on this machine, no daemon
├── DockerBuilder                     a program and its daemon
└── KanikoBuilder                     a Job in the cluster that this notebook runs in
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Callable

from kfops.errors import NoBuilder
from kfops.images.context import Context

if TYPE_CHECKING:
    from kfops.config_schema import Config

#: Receives a build's log, line by line, without line ends.
OnLog = Callable[[str], None]

#: The names that config.yaml may give in image_builder.builder, in the order in which "auto" tries them.
BUILDERS = ("buildah", "podman", "docker", "kaniko")

#: The reason of a builder whose program is not there.
NOT_INSTALLED = "not installed"


class Builder(ABC):
    """Builds an image and pushes it."""

    #: What config.yaml calls it.
    name = ""

    @abstractmethod
    def unusable(self) -> str:
        """Return why it cannot build here, in one line, or "" when it can; takes seconds at most."""

    @abstractmethod
    def build(
        self,
        context: Context,
        reference: str,
        *,
        insecure: bool = False,
        on_log: OnLog | None = None,
        cancelled: threading.Event | None = None,
    ) -> str:
        """Build ``context``, push it as ``reference`` and return its digest (``sha256:…``).

        Parameters
        ----------
        context
            What to build.
        reference
            ``<registry>/<name>:<tag>``.
        insecure
            The registry speaks plain HTTP.
        on_log
            Receives the log as it comes. When it raises, the build is stopped.
        cancelled
            Stops the build when it is set.

        Raises
        ------
        BuildFailed
            The image was not built or not pushed; or the build was cancelled.
        """


def choose(config: Config) -> Builder:
    """Return the builder to use: the one that config.yaml names, or the first that works here.

    Raises
    ------
    NoBuilder
        The one that is named does not work, or there is none.
    """
    wanted = config.image_builder.builder
    reasons: list[tuple[str, str]] = []
    for name in BUILDERS if wanted == "auto" else (wanted,):
        builder = _make(name, config)
        reason = builder.unusable()
        if not reason:
            return builder
        reasons.append((name, reason))
    raise no_builder(wanted, reasons)


def no_builder(wanted: str, reasons: list[tuple[str, str]]) -> NoBuilder:
    """Return the error that says why nothing here builds images, and what to install."""
    tried: dict[str, str] = dict(reasons)
    why = "; ".join(f"{name}: {reason}" for name, reason in tried.items())
    if wanted == "auto":
        return NoBuilder(
            "There is nothing here to build an image with.",
            why=why,
            remedy="Install one: sudo apt install buildah (or podman, or docker.io); in a Kubeflow notebook server "
            "kaniko is used by itself. Pipelines without images of their own need none.",
            tried=tried,
        )
    remedies = {
        "buildah": "Install it: sudo apt install buildah",
        "podman": "Install it: sudo apt install podman",
        "docker": "Install it, or start its daemon: sudo apt install docker.io; sudo systemctl start docker",
        "kaniko": "Build from a notebook server in the cluster",
    }
    remedy = remedies[wanted]
    if wanted in ("buildah", "podman") and tried.get(wanted) != NOT_INSTALLED:
        remedy = "Put right what it says"
    return NoBuilder(
        f"config.yaml asks for the image builder '{wanted}', which does not work here.",
        why=why,
        remedy=f"{remedy} (or set image_builder.builder to auto).",
        tried=tried,
    )


def _make(name: str, config: Config) -> Builder:
    # Imported here: kubernetes and minio, which kaniko needs, take a second that no other builder should cost.
    if name == "kaniko":
        from kfops.images.kaniko import KanikoBuilder

        return KanikoBuilder(config)
    from kfops.images import local_builders

    return local_builders.LOCAL[name]()
