# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""What every route has in common: who may ask, how bodies are read, and how answers and refusals are written."""

from __future__ import annotations

import hmac
import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from tornado.web import HTTPError, RequestHandler

from kfops.errors import KfopsError

from ..problems import Forbidden, Invalid, Locked, Missing, NoRoom, Problem, Unauthorized, Unsupported
from ..room import is_full, is_locked
from ..store import Store

if TYPE_CHECKING:
    from ..engine import Engine
    from ..scheduling.scheduler import Scheduler

log = logging.getLogger("kfops.local")

#: Names by which a browser on this machine may call the backend; any other name means DNS rebinding.
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

#: Problems of requests that no route handles, by HTTP status.
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3}


@dataclass(frozen=True)
class Backend:
    """What the routes work with."""

    store: Store
    engine: Engine
    scheduler: Scheduler
    data_dir: Path
    token: str
    version: str
    started_at: float


class Handler(RequestHandler):
    """Base of all routes."""

    backend: Backend

    def initialize(self, backend: Backend) -> None:
        self.backend = backend

    def prepare(self) -> None:
        """Refuse every request that does not come from this machine's user."""
        self.check_host()
        sent = self.request.headers.get("Authorization", "")
        # Compared as bytes: compare_digest takes no other characters than ASCII in text.
        if not hmac.compare_digest(sent.encode(), f"Bearer {self.backend.token}".encode()):
            raise Unauthorized(
                "The request has no valid bearer token." if sent else "The request has no bearer token.",
                "For kfp's own command: kfops local login. For other clients the token is in the file that "
                "connection.json in the data folder names.",
            )

    def check_host(self) -> None:
        """Refuse a request that somebody's page has sent here under a name of its own."""
        name = re.sub(r":\d*$", "", self.request.headers.get("Host", ""))
        if name not in LOOPBACK_NAMES:
            raise Forbidden("The embedded backend answers only to its loopback address.")

    def set_default_headers(self) -> None:
        self.set_header("Server", "kfops-local")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def reply(self, body: dict[str, Any]) -> None:
        """Answer with JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body, separators=(",", ":")))

    def body(self) -> dict[str, Any]:
        """Return the JSON object of the request, with its names in snake_case; raises Invalid."""
        raw = self.request.body
        if not raw:
            return {}
        try:
            wire = json.loads(raw.decode("utf-8"))
            if b"\\ud" in raw.lower():
                json.dumps(wire, ensure_ascii=False).encode("utf-8")  # half a surrogate pair cannot be stored
            if isinstance(wire, dict):
                return _snake_case(wire)  # type: ignore[no-any-return]
        except (ValueError, RecursionError):
            raise Invalid("The request's body is not JSON.") from None
        raise Invalid("The request's body is not a JSON object.")

    @property
    def query(self) -> dict[str, str]:
        """The query's arguments, their names in snake_case; the last one wins."""
        return {_snake(name): self.get_query_argument(name) for name in self.request.query_arguments}

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write a refusal in the real API server's form, without a traceback."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        self.refuse(self._problem(status_code, error))

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem."""
        self.set_status(problem.status)
        self.reply(problem.to_wire())

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log only what the backend did wrong itself."""
        if not isinstance(value, (Problem, HTTPError, KfopsError)) and not is_full(value) and not is_locked(value):
            log.error("%s %s failed", self.request.method, self.request.path, exc_info=(typ, value, tb))

    def _problem(self, status: int, error: BaseException | None) -> Problem:
        if isinstance(error, Problem):
            return error
        if isinstance(error, KfopsError):
            return Invalid(error.message, " ".join(filter(None, (error.why, error.remedy))))
        if error is not None and is_full(error):
            return NoRoom(f"There is no space left on the disk of {self.backend.data_dir}.", "Nothing was stored.")
        if error is not None and is_locked(error):
            return Locked(f"Another program keeps {self.backend.data_dir / 'kfops.db'} locked.", "Nothing was stored.")
        if status == 405:
            problem: Problem = Unsupported(f"{self.request.path} cannot be asked with {self.request.method}.")
        elif status == 404:
            problem = Missing("Path", self.request.path)
        elif status < 500:
            problem = Invalid(getattr(error, "log_message", None) or "The request cannot be read.")
        else:
            problem = Problem("The embedded backend failed; its log, backend.log in the data folder, says why.")
        problem.status, problem.grpc_code = status, _GRPC_CODES.get(status, 13)
        return problem


class UnknownRoute(Handler):
    """Answers for every path that is not served."""

    def prepare(self) -> None:
        super().prepare()
        raise Missing("Path", self.request.path)


def text(body: Mapping[str, Any], name: str) -> str:
    """Return the text called ``name``, "" when it is absent; raises Invalid when it is something else."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"The field {name} must be a string.")
    return value


def section(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the object called ``name``, {} when it is absent; raises Invalid when it is something else."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"The field {name} must be an object.")
    return value


def items(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the list of objects called ``name``, [] when it is absent; raises Invalid when it is something else."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Invalid(f"The field {name} must be a list of objects.")
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """Return the truth value called ``name``, False when it is absent; raises Invalid when it is something else."""
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Invalid(f"The field {name} must be true or false.")
    return value


def whole_number(body: Mapping[str, Any], name: str) -> int:
    """Return the 64-bit number called ``name``, which may be sent as text; 0 when it is absent; raises Invalid."""
    value = body.get(name)
    if value is None:
        return 0
    digits = value if isinstance(value, str) else str(value)
    if isinstance(value, (bool, dict, list)) or not re.fullmatch("-?[0-9]{1,19}", digits) or abs(int(digits)) >= 2**63:
        raise Invalid(f"The field {name} must be a whole number.")
    return int(digits)


#: An id that nothing has: to list what belongs to "" is to list nothing.
NOBODY = "-"
_RESOURCE_TYPES = ("UNKNOWN_RESOURCE_TYPE", "EXPERIMENT", "JOB", "PIPELINE", "PIPELINE_VERSION", "NAMESPACE")


def resource_type(value: Any) -> str:
    """Return the name of a resource type that is given by name or by number; raises Invalid."""
    if value is None or value == "":
        return _RESOURCE_TYPES[0]
    if isinstance(value, str) and value in ("0", "1", "2", "3", "4", "5"):
        value = int(value)  # as a query has it
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(_RESOURCE_TYPES):
        return _RESOURCE_TYPES[value]
    if value in _RESOURCE_TYPES:
        return str(value)
    raise Invalid(f"Unknown resource type {value!r}.")


def references(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the type and id of each of ``resource_references``."""
    found = []
    for reference in items(body, "resource_references"):
        key = section(reference, "key")
        found.append((resource_type(key.get("type")), text(key, "id")))
    return found


def listed_by(query: Mapping[str, str], prefix: str = "resource_reference_key") -> tuple[str, str] | None:
    """Return the type and id of the resource whose things are to be listed; None for all there are.

    Raises
    ------
    Invalid
        When a type is not known, or there is an id without a type.
    """
    kind, owner = resource_type(query.get(f"{prefix}.type")), query.get(f"{prefix}.id", "")
    if kind == _RESOURCE_TYPES[0] and owner:
        raise Invalid(f"Unrecognized resource reference type {kind}: {prefix}.id needs {prefix}.type beside it.")
    if kind == _RESOURCE_TYPES[0] or (kind == "NAMESPACE" and not owner):
        return None
    if kind == "NAMESPACE":
        raise Invalid("In single-user mode, nothing can be listed by namespace.")
    return kind, owner or NOBODY


def _snake_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {_snake(key): _snake_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_snake_case(item) for item in value]
    return value


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda match: "_" + match.group(1).lower(), name)
