"""The token: where it is, and what it says about itself. Its text never leaves this module but in a request."""

from __future__ import annotations

import base64
import datetime
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from kfops.errors import ConnectionFailed

#: The variable by which a PodDefault, and the embedded backend, say where the token is.
TOKEN_PATH_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 - a name, no secret

#: Where PodDefault.yaml mounts the token.
POD_TOKEN_PATH = Path("/var/run/secrets/kubeflow/pipelines/token")


@dataclass(frozen=True)
class Claims:
    """What a token says about its holder; "" and 0 where it does not say."""

    subject: str = ""
    namespace: str = ""
    expires: float = 0.0

    @property
    def expires_at(self) -> str:
        """The time of expiry as an RFC 3339 string, or ""."""
        if not self.expires:
            return ""
        moment = datetime.datetime.fromtimestamp(self.expires, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def expired(self) -> bool:
        """Whether the time of expiry has passed."""
        return bool(self.expires) and self.expires < time.time()


class TokenFile:
    """A file with a bearer token, read anew for each request, for the kubelet replaces it while we run.

    It is also the ``credentials`` object that ``kfp.Client`` takes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"TokenFile({str(self.path)!r})"

    def read(self) -> str:
        """Return the token.

        Raises
        ------
        ConnectionFailed
            Kind ``no_token``: the file is missing, unreadable or empty.
        """
        try:
            token = self.path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            why = "The file does not exist."
        except (OSError, ValueError) as error:
            why = f"The file cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}."
        else:
            if token and token.isprintable() and " " not in token:
                return token
            why = "The file is empty." if not token else "The file holds something else than one token."
        raise ConnectionFailed(
            f"There is no token at {self.path}.",
            why=why,
            remedy="Start the notebook server with the PodDefault of PodDefault.yaml chosen under Configurations, "
            f"or set {TOKEN_PATH_VARIABLE} to a file that holds a token.",
            kind="no_token",
            path=str(self.path),
        ) from None

    def claims(self) -> Claims:
        """Return what the token now in the file says about itself."""
        return claims_of(self.read())

    def refresh_api_key_hook(self, configuration: Any) -> None:
        """Give the generated client the token for its next request."""
        configuration.api_key["authorization"] = self.read()


def claims_of(token: str) -> Claims:
    """Return the claims of a JSON Web Token, none where it is another kind of token; nothing is verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return Claims()
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        payload = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")).decode("utf-8"))
        kubernetes = payload.get("kubernetes.io") or {}
        return Claims(
            subject=str(payload.get("sub") or ""),
            namespace=str(kubernetes.get("namespace") or _namespace_of(str(payload.get("sub") or ""))),
            expires=float(payload.get("exp") or 0),
        )
    except (ValueError, AttributeError, TypeError):
        return Claims()


def find_token(explicit: Optional[str] = None) -> Optional[TokenFile]:
    """Return the token file to use: the one named, the variable's, the PodDefault's where it exists, or None."""
    named = explicit or os.environ.get(TOKEN_PATH_VARIABLE)
    if named:
        return TokenFile(Path(named).expanduser())
    return TokenFile(POD_TOKEN_PATH) if POD_TOKEN_PATH.exists() else None


def _namespace_of(subject: str) -> str:
    parts = subject.split(":")
    return parts[2] if len(parts) == 4 and parts[:2] == ["system", "serviceaccount"] else ""
