"""What the embedded backend answers when it refuses a request.

    Problem
    ├── Invalid         the request cannot be what it is            (HTTP 400)
    ├── Missing         there is no such thing                      (HTTP 404)
    ├── Exists          the name is taken                           (HTTP 409)
    ├── Conflict        not in the state that the thing is in       (HTTP 409)
    ├── Unauthorized    no token, or a wrong one                    (HTTP 401)
    ├── Forbidden       not from there                              (HTTP 403)
    ├── Unsupported     the embedded backend does not do it         (HTTP 501)
    ├── NoRoom          the disk is full                            (HTTP 507)
    └── Locked          another program holds the store             (HTTP 503)

Each knows its gRPC code, because clients of Kubeflow Pipelines read it from the answer.
"""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """Base: ``message`` is for the user, ``cause`` tells more and may be empty."""

    status = 500
    grpc_code = 13
    kind = "InternalServerError"

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause

    def to_wire(self) -> dict[str, Any]:
        """Return the body that the real API server answers with."""
        internal = " ".join(filter(None, (f"{self.kind}: {self.message}", self.cause)))
        return {
            "error": internal,
            "code": self.grpc_code,
            "message": internal,
            "details": [
                {
                    "@type": "type.googleapis.com/api.Error",
                    "error_message": self.message,
                    "error_details": internal,
                }
            ],
        }


class Invalid(Problem):
    """The request cannot be what it is."""

    status = 400
    grpc_code = 3
    kind = "Invalid input error"


class Missing(Problem):
    """There is no such thing."""

    status = 404
    grpc_code = 5
    kind = "ResourceNotFoundError"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} not found.")


class Exists(Problem):
    """The name is taken."""

    status = 409
    grpc_code = 6
    kind = "Already exist error"


class Conflict(Problem):
    """Not in the state that the thing is in."""

    status = 409
    grpc_code = 10
    kind = "BadRequest"


class Unauthorized(Problem):
    """No token, or a wrong one."""

    status = 401
    grpc_code = 16
    kind = "Unauthenticated"


class Forbidden(Problem):
    """The request comes from somewhere it must not come from."""

    status = 403
    grpc_code = 7
    kind = "PermissionDenied"


class Unsupported(Problem):
    """The embedded backend does not do it, and says so rather than doing something else."""

    status = 501
    grpc_code = 12
    kind = "Unimplemented"


class NoRoom(Problem):
    """Nothing can be stored, because the disk is full."""

    status = 507
    grpc_code = 8
    kind = "ResourceExhausted"


class Locked(Problem):
    """Nothing can be stored, because another program has locked the store."""

    status = 503
    grpc_code = 14
    kind = "Unavailable"
