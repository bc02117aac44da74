"""What every route does alike: authentication, ids, JSON bodies, and errors as JSON with their status."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Callable, Dict, Optional, Sequence, TypeVar

import tornado.web
from jupyter_server.base.handlers import APIHandler

from kfops import errors
from kfops.errors import InvalidInput, KfopsError

from ..body import Field, read
from ..redaction import redact_all
from ..services import Services
from ..sources import folder_of

try:
    from jupyter_server.auth import authorized
except ImportError:  # jupyter_server 1, which has authentication alone

    def authorized(method: Any) -> Any:
        """Return the method: there is no authorizer to ask."""
        return method


Method = TypeVar("Method", bound=Callable[..., Any])

#: HTTP status by kind of error; a kind that is not listed has that of its base.
STATUS = {
    KfopsError: 500,
    errors.ConfigError: 400,
    errors.CompileError: 400,
    errors.InvalidInput: 400,
    errors.UnsupportedWorkflow: 400,
    errors.NotFound: 404,
    errors.ImageError: 409,
    errors.RunFailed: 409,
    errors.ConnectionFailed: 502,
    errors.BackendError: 502,
    errors.LocalBackendError: 502,
    errors.ModelError: 502,
    errors.WorkerError: 503,
}

#: Codes of the errors that Jupyter Server or tornado raise before or beside a route of ours.
_HTTP_CODES = {400: "invalid_input", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "invalid_input"}

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}\Z")


def guarded(method: Method) -> Method:
    """Let a verb be used by authenticated users only, whom the server's authorizer lets use "kfops"."""
    return tornado.web.authenticated(authorized(method))  # type: ignore[return-value]


def status_of(error: KfopsError) -> int:
    """Return the HTTP status that stands for an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


class KfopsHandler(APIHandler):
    """Base of all routes; answers and errors are JSON, and no answer is kept by the browser."""

    auth_resource = "kfops"

    @property
    def services(self) -> Services:
        """The worker, the operations and the server's files."""
        return self.settings["kfops_services"]  # type: ignore[no-any-return]

    def set_default_headers(self) -> None:
        """Add to Jupyter's headers that answers are not to be cached."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def update_api_activity(self) -> None:
        """Count what a person does, not the panel's polling: an idle server may be culled."""
        if self.request.method not in ("GET", "HEAD"):
            super().update_api_activity()

    def decode_argument(self, value: bytes, name: Optional[str] = None) -> str:
        """Return an argument of the path or query, refusing a path's ids that cannot be any."""
        text = super().decode_argument(value, name)
        if name is None:
            self.check_id(text)
        return text

    def check_id(self, text: str) -> None:
        """Raise InvalidInput unless a text can be an id."""
        if not _ID.match(text):
            raise InvalidInput(f"{text[:80]!r} is not an id.", why="Ids have letters, digits and _ . : - only.")

    def body(self, *fields: Field) -> Dict[str, Any]:
        """Return the fields of the JSON body; raises InvalidInput."""
        return read(self.request.body, fields)

    async def project(self) -> str:
        """Return the folder that config.yaml is looked for from: that of the document in the query's ``path``."""
        path = self.get_query_argument("path", "")
        if not path:
            return self.services.root
        return await folder_of(self.services.contents, path, self.services.root)

    async def ask(self, method: str, **params: Any) -> Any:
        """Return the worker's answer, by the configuration of the project that the query names."""
        params = {"root": await self.project(), **params}
        changes = self.services.changes
        if self.request.method == "GET":
            return await changes.shared(method, params, lambda: self.services.ask(method, **params))
        try:
            return await self.services.ask(method, **params)
        finally:
            changes.forget()

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return an integer of the query; raises InvalidInput."""
        text = self.get_query_argument(name, str(default))
        if not re.match(r"\d{1,15}\Z", text) or not least <= int(text) <= most:
            raise InvalidInput(
                f"{name} cannot be {text[:40]}.", why=f"It is a number from {least} to {most}.", field=name
            )
        return int(text)

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return a word of the query, the first choice unless given; raises InvalidInput."""
        text = self.get_query_argument(name, choices[0])
        if text not in choices:
            raise InvalidInput(f"{name} cannot be {text[:40]}.", why=f"It is one of {', '.join(choices)}.", field=name)
        return text

    def done(self) -> None:
        """Answer that it is done, and nothing else."""
        self.set_status(204)
        self.finish()

    def reply(self, value: Any, status: int = 200) -> None:
        """Answer with a JSON value."""
        self.set_status(status)
        self.finish(json.dumps(value))

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer a kfops error with the status that stands for it."""
        error = _error_in(kwargs)
        super().send_error(status_of(error) if isinstance(error, KfopsError) else status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write an error in the form of `KfopsError.to_dict`, never with a traceback."""
        error = _error_in(kwargs)
        if isinstance(error, KfopsError):
            wire = redact_all(error.to_dict())
        elif isinstance(error, tornado.web.HTTPError):
            message = error.log_message or error.reason or self._reason
            wire = KfopsError(str(message)).to_dict()
            wire["code"] = _HTTP_CODES.get(status_code, "error")
        else:
            wire = KfopsError(
                "The request failed unexpectedly.",
                why="This is a defect of kfops-lab.",
                remedy=f"The Jupyter Server's log has the details under {self._error_id}.",
                error_id=self._error_id,
            ).to_dict()
        self.finish(json.dumps(wire))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is unexpected with its traceback under an id, and what is not in one line."""
        if isinstance(value, KfopsError):
            self.log.debug("kfops: %s %s: %s", self.request.method, self.request.path, value.message)
        elif isinstance(value, tornado.web.HTTPError):
            super().log_exception(typ, value, tb)
        else:
            self.log.error(
                "kfops: %s %s failed, error id %s",
                self.request.method,
                self.request.path,
                self._error_id,
                exc_info=(typ, value, tb),
            )

    @property
    def _error_id(self) -> str:
        if not hasattr(self, "_kept_error_id"):
            self._kept_error_id = uuid.uuid4().hex[:12]
        return self._kept_error_id


def _error_in(kwargs: Dict[str, Any]) -> Optional[BaseException]:
    exc_info: Sequence[Any] = kwargs.get("exc_info") or (None, None, None)
    return exc_info[1]  # type: ignore[no-any-return]
