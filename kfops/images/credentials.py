"""Where the log-in to a registry is kept: the files of docker, podman and buildah, and docker's helpers.

What is read here goes into one Authorization header and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

#: Seconds that a credential helper may take.
_HELPER_TIMEOUT = 3.0


@dataclass(frozen=True)
class Login:
    """A user's log-in: a password, or a token to be exchanged (``identity_token``)."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def auth_file() -> Path | None:
    """Return the file that the environment points to (REGISTRY_AUTH_FILE, DOCKER_CONFIG), None when there is none."""
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        return Path(named)
    folder = os.environ.get("DOCKER_CONFIG")
    if folder and Path(folder, "config.json").is_file():
        return Path(folder, "config.json")
    return None


def login_for(host: str) -> Login | None:
    """Return the log-in kept for a registry's host (``docker.io`` for Docker Hub), None when there is none."""
    keys = ["https://index.docker.io/v1/", "index.docker.io", "docker.io"] if host == "docker.io" else [host]
    for path in _files():
        try:
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            login = _login_in(content, keys)
            if login is not None:
                return login
    return None


def _files() -> Iterator[Path]:
    chosen = auth_file()
    if chosen is not None:
        yield chosen
        return
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        yield Path(runtime, "containers", "auth.json")
    yield Path(f"/run/containers/{os.getuid()}/auth.json")
    yield Path.home() / ".config" / "containers" / "auth.json"
    yield Path.home() / ".docker" / "config.json"


def _login_in(content: dict[str, Any], keys: Any) -> Login | None:
    auths = _mapping(content.get("auths"))
    helpers = _mapping(content.get("credHelpers"))
    for key in keys:
        # People and programs write the host with and without its scheme.
        for spelling in (key, f"https://{key}", f"http://{key}"):
            login = _decoded(_mapping(auths.get(spelling)))
            if login is not None:
                return login
        helper = helpers.get(key) or content.get("credsStore")
        if helper:
            login = _from_helper(str(helper), key)
            if login is not None:
                return login
    return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _decoded(entry: dict[str, Any]) -> Login | None:
    username, password = str(entry.get("username", "")), str(entry.get("password", ""))
    if entry.get("auth"):
        try:
            username, _, password = base64.b64decode(entry["auth"]).decode("utf-8").partition(":")
        except (binascii.Error, ValueError, TypeError):
            return None
    if entry.get("identitytoken"):
        return Login(username, identity_token=str(entry["identitytoken"]))
    return Login(username, password.rstrip("\0")) if username else None


def _from_helper(helper: str, key: str) -> Login | None:
    try:
        answer = subprocess.run(
            [f"docker-credential-{Path(helper).name}", "get"],
            input=key.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_HELPER_TIMEOUT,
            check=True,
        )
        found = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if not isinstance(found, dict) or not found.get("Secret"):
        return None
    if found.get("Username") == "<token>":
        return Login(identity_token=str(found["Secret"]))
    return Login(str(found.get("Username", "")), str(found["Secret"]))
