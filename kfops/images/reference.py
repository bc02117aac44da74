"""Image references: what stands for one image version in one registry, taken apart and put together.

``trainer`` of version ``5f0c…`` in the registry ``ghcr.io/acme`` is ``ghcr.io/acme/trainer:5f0c…``. Docker Hub's short
forms (``acme/trainer:1``, ``python:3.9``) mean ``docker.io/acme/trainer:1`` and ``docker.io/library/python:3.9``.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from kfops.errors import ImageError, InvalidInput

DOCKER_HUB = "docker.io"

#: Names by which Docker Hub is known; all are one registry.
_DOCKER_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})

#: One component of a repository's path, as the OCI distribution specification has it.
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Reference:
    """``<host>/<repository>:<tag>``; ``host`` is ``docker.io`` where none was given."""

    host: str
    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}:{self.tag}"

    @property
    def api_host(self) -> str:
        """The host that answers the registry's HTTP API."""
        return "registry-1.docker.io" if self.host == DOCKER_HUB else self.host

    @property
    def loopback(self) -> bool:
        """Whether the registry stands on this machine, where every builder takes plain HTTP for granted."""
        name = self.host[1:].split("]")[0] if self.host.startswith("[") else self.host.split(":")[0]
        if name == "localhost":
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


def check_name(name: str) -> str:
    """Return ``name`` if an image can be called that.

    Raises
    ------
    InvalidInput
        It holds characters that a registry refuses, or that would lead out of a folder.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"'{name}' cannot be the name of an image.",
            why="A name has lower-case letters and digits, with single '.', '_' or '-' between them.",
            remedy="Call it something like 'trainer' or 'data-prep'.",
        )
    return name


def reference_of(registry: str, name: str, version_id: str) -> str:
    """Return ``<registry>/<name>:<version id>``, the reference that a pipeline version's pods pull.

    >>> reference_of("ghcr.io/acme/", "trainer", "5f0c")
    'ghcr.io/acme/trainer:5f0c'

    Raises
    ------
    ImageError
        No registry is configured.
    """
    place = re.sub(r"^https?://", "", registry.strip()).rstrip("/")
    if not place:
        raise ImageError(
            f"Image '{name}' has no registry.",
            why="config.yaml has no image_builder.container_registry_uri.",
            remedy="Add it: image_builder: {container_registry_uri: localhost:5000, images: [...]}",
        )
    return f"{place}/{check_name(name)}:{version_id}"


def parse(text: str) -> Reference:
    """Return the parts of an image reference.

    >>> parse("acme/trainer:1")
    Reference(host='docker.io', repository='acme/trainer', tag='1')

    Raises
    ------
    InvalidInput
        The text is not an image reference.
    """
    first, slash, rest = text.partition("/")
    # The first part is a host only if it looks like one: that is Docker's rule, and the reason short names work.
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = first, rest
    else:
        host, path = DOCKER_HUB, text
    if host in _DOCKER_HUB_HOSTS:
        host = DOCKER_HUB
    repository, _, tag = path.partition(":")
    tag = tag or "latest"
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    if not _NAME.fullmatch(repository) or not _TAG.fullmatch(tag):
        raise InvalidInput(
            f"'{text}' is not an image reference.",
            why="It should read <registry>/<name>:<tag>, the name in lower case, without https://.",
            remedy="Correct image_builder.container_registry_uri in config.yaml.",
        )
    return Reference(host, repository, tag)
