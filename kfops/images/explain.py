"""What the last lines of a build's log mean, for the failures that people meet most."""

from __future__ import annotations

import re
from typing import Sequence

from kfops.images.reference import parse

#: What the log says, and what to do about it; ``{host}`` is the registry's. Looked at in this order.
_KNOWN = (
    (
        r"server gave HTTP response to HTTPS client",
        "Set image_builder.insecure: true in config.yaml; docker wants {host} in its insecure-registries too.",
    ),
    (r"certificate signed by unknown authority|x509:", "Add the registry's certificate to this machine."),
    (
        r"short-name .* did not resolve|short-name resolution",
        "Write the whole name in FROM, such as docker.io/library/python:3.9 instead of python:3.9.",
    ),
    (
        r"unauthorized|authentication required|denied: |no basic auth credentials|access .*denied|403 Forbidden",
        "Log in to {host} (podman login {host}, or docker login {host}) as somebody who may push there.",
    ),
    (
        r"connection refused|no such host|i/o timeout|network is unreachable|no route to host",
        "Check image_builder.container_registry_uri in config.yaml, and that {host} runs and is reachable from here.",
    ),
    (r"no space left on device", "Make room: buildah prune, podman system prune or docker system prune."),
)


def explain(lines: Sequence[str], reference: str) -> tuple[str, str]:
    """Return why a build failed (its last telling line) and what to do about it; each "" when it is not known."""
    host = parse(reference).host
    telling = [line.strip() for line in lines if line.strip()]
    errors = [line for line in telling if re.search(r"\berror\b|failed|denied", line, re.IGNORECASE)]
    why = (errors or telling or [""])[-1]
    text = "\n".join(telling)
    for pattern, remedy in _KNOWN:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            line = next((line for line in reversed(telling) if re.search(pattern, line, re.IGNORECASE)), why)
            return line, remedy.format(host=host)
    return why, ""


def unusable_because(lines: Sequence[str]) -> str:
    """Return why a trial build does not work on this machine, in one line; "" when the log does not say."""
    telling = [line.strip() for line in lines if line.strip()]
    unmapped = re.search(r'no subuid ranges found for user \\?"([^"\\]+)', "\n".join(telling))
    if unmapped:
        user = unmapped.group(1)
        ranges = "--add-subuids 100000-165535 --add-subgids 100000-165535"
        return f"user {user} has no range of user ids of its own (sudo usermod {ranges} {user})"
    # The last line only says at which step; the cause stands before it.
    causes = [line for line in telling if not line.startswith(("Error: building at STEP", ": exit status", "time="))]
    errors = [line for line in causes if re.search(r"error|not permitted|denied|not supported", line, re.IGNORECASE)]
    return (errors or telling or [""])[-1]
