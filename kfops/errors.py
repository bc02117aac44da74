"""Every error that kfops raises on purpose.

    KfopsError
    ├── ConfigError             config.yaml cannot be used
    ├── CompileError            a pipeline does not compile
    │   ├── CompileTimeout      it took longer than the time limit
    │   ├── CompileExited       the code ended the process (sys.exit, os._exit)
    │   ├── CompileOutOfMemory  the code asked for more memory than the limit
    │   └── CompileCrashed      the process died of a signal
    ├── ConnectionFailed        no backend, or one that does not let us in
    ├── BackendError            the backend refused or failed a request
    │   └── NotFound            it does not know the pipeline, version, run, step or model
    ├── InvalidInput            an argument cannot be what it is (a parameter, a name, a path)
    ├── RunFailed               a run ended other than with success
    │   └── RunTimeout          it did not end in the time given to wait()
    ├── ImageError              an image cannot be versioned, built or found
    │   ├── NoBuilder           there is nothing here to build an image with
    │   ├── BuildFailed         the builder ran and failed
    │   └── ImagesMissing       a version's images are not all in the registry
    ├── ModelError              a model cannot be stored, found or read
    ├── UnsupportedWorkflow     the embedded backend does not emulate something the workflow uses
    ├── LocalBackendError       the embedded backend cannot start, stop or be reached
    └── WorkerError             the worker process of the pipeline environment is not usable

An error says what happened, why, and what to do about it; the same three parts stand in a notebook, in the panel
and in a terminal.
"""

from __future__ import annotations

from typing import Any, Dict, Type


class KfopsError(Exception):
    """Base of all kfops errors.

    Parameters
    ----------
    message
        What happened, one line.
    why
        The cause, one line.
    remedy
        What to do next: a sentence, or a command to type.
    **details
        JSON-able facts for programs and for the folded part of the message, such as ``line`` and ``path``.
    """

    code = "error"

    def __init__(self, message: str, *, why: str = "", remedy: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.remedy = remedy
        self.details: Dict[str, Any] = details

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.why, self.remedy) if part)

    def to_dict(self) -> Dict[str, Any]:
        """Return the wire form: ``code``, ``message``, ``why``, ``remedy`` and ``details``."""
        return {
            "code": self.code,
            "message": self.message,
            "why": self.why,
            "remedy": self.remedy,
            "details": self.details,
        }

    @staticmethod
    def from_dict(wire: Dict[str, Any]) -> KfopsError:
        """Return the error that ``to_dict`` described, as the class it was."""
        kind = _by_code().get(wire.get("code", ""), KfopsError)
        return kind(
            wire.get("message", "unknown error"),
            why=wire.get("why", ""),
            remedy=wire.get("remedy", ""),
            **wire.get("details", {}),
        )


class ConfigError(KfopsError):
    """config.yaml cannot be used; ``details`` has ``path``, ``key`` and ``line`` where they are known."""

    code = "config_error"


class CompileError(KfopsError):
    """A pipeline does not compile; ``details`` has ``path``, ``line`` and ``output`` (what the code printed)."""

    code = "compile_error"


class CompileTimeout(CompileError):
    """Compiling took longer than its time limit."""

    code = "compile_timeout"


class CompileExited(CompileError):
    """The pipeline's code ended the process that compiled it."""

    code = "compile_exited"


class CompileOutOfMemory(CompileError):
    """The pipeline's code asked for more memory than a compile may have."""

    code = "compile_out_of_memory"


class CompileCrashed(CompileError):
    """The process that compiled the pipeline died of a signal."""

    code = "compile_crashed"


class ConnectionFailed(KfopsError):
    """No backend answers, or it does not let us in.

    ``details["kind"]`` is one of ``no_token``, ``expired_token``, ``unauthenticated``, ``forbidden``, ``not_found``,
    ``login_page``, ``not_kfp``, ``refused``, ``unknown_host``, ``timeout``, ``tls``, ``server_error``.
    """

    code = "connection_failed"


class BackendError(KfopsError):
    """The backend refused or failed a request; ``details["status"]`` is its HTTP status."""

    code = "backend_error"


class NotFound(BackendError):
    """The backend does not know what was asked for."""

    code = "not_found"


class InvalidInput(KfopsError):
    """An argument cannot be what it is."""

    code = "invalid_input"


class RunFailed(KfopsError):
    """A run ended other than with success; ``details`` has ``run_id`` and ``step``."""

    code = "run_failed"


class RunTimeout(RunFailed):
    """A run did not end within the time given to wait(); it goes on."""

    code = "run_timeout"


class ImageError(KfopsError):
    """An image cannot be versioned, built or found."""

    code = "image_error"


class NoBuilder(ImageError):
    """There is nothing here to build an image with."""

    code = "no_builder"


class BuildFailed(ImageError):
    """The builder ran and failed; ``details`` has ``image`` and ``log`` (its last lines)."""

    code = "build_failed"


class ImagesMissing(ImageError):
    """A version's images are not all in the registry; ``details["images"]`` lists the missing ones."""

    code = "images_missing"


class ModelError(KfopsError):
    """A model cannot be stored, found or read."""

    code = "model_error"


class UnsupportedWorkflow(KfopsError):
    """The embedded backend does not emulate something the workflow uses; ``details["features"]`` names it."""

    code = "unsupported_workflow"


class LocalBackendError(KfopsError):
    """The embedded backend cannot start, stop or be reached."""

    code = "local_backend_error"


class WorkerError(KfopsError):
    """The worker process of the pipeline environment is not usable."""

    code = "worker_error"


def _by_code() -> Dict[str, Type[KfopsError]]:
    found: Dict[str, Type[KfopsError]] = {}
    pending = [KfopsError]
    while pending:
        kind = pending.pop()
        found[kind.code] = kind
        pending.extend(kind.__subclasses__())
    return found
