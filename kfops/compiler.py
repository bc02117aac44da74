"""compile(): a pipeline function, a Python file or a notebook -> Package."""

from __future__ import annotations

import atexit
import hashlib
import inspect
import os
import threading
from pathlib import Path
from typing import Any, Callable

from kfops.compiling import build, context, finish, problems
from kfops.compiling.request import MEMORY_LIMIT, TIME_LIMIT, ask_git, shown_path
from kfops.compiling.zygote import Zygote
from kfops.errors import InvalidInput
from kfops.types import Package, Source

__all__ = ["compile"]

_zygotes: dict[int, Zygote] = {}
_starting = threading.Lock()


def compile(  # noqa: A001 - kfops.compile is what it is called
    target: str | os.PathLike[str] | Callable[..., Any],
    *,
    function: str | None = None,
    mode: Any = None,
    config: Any = None,
    name: str | None = None,
    time_limit: float = TIME_LIMIT,
    memory_limit: int = MEMORY_LIMIT,
    content: str | None = None,
    source: Source | None = None,
    dockerfiles: dict[str, str] | None = None,
) -> Package:
    """Compile a pipeline and return its package.

    Parameters
    ----------
    target
        A pipeline function, which is compiled in this process; or the path of a ``.py`` or ``.ipynb`` file, which is
        executed in a process of its own, within the limits.
    function
        The name of the pipeline function, when a file has several.
    mode
        ``V2_COMPATIBLE`` or ``V1_LEGACY``; by default config.yaml's ``pipeline_execution_mode``, else V2_COMPATIBLE.
    config
        The configuration; by default config.yaml is looked for from the file's folder (for a function: from the
        working folder) upwards.
    name
        The name of the pipeline, in place of the one its decorator gives.
    time_limit, memory_limit
        Seconds and bytes that the code of a file may take.
    content
        The text of the file, when it has not been saved.
    source, dockerfiles
        For a function: where it came from, and the Dockerfiles that came with it, by image.

    Returns
    -------
    Package
        With the workflow, its YAML text, the typed parameters, the graph and the names of its versioned images.

    Raises
    ------
    CompileError
        The pipeline does not compile; ``why`` is the reason and ``details`` has path, cell, line and source.
    InvalidInput
        The target, or the mode, cannot be what it is.
    ConfigError
        config.yaml is wrong, or lacks an image that ``versioned_image`` names.

    Examples
    --------
    >>> package = compile("churn.ipynb", mode="V1_LEGACY")  # doctest: +SKIP
    >>> package.parameters  # doctest: +SKIP
    [Parameter(name='rate', type='float', default=0.1, required=False, description='')]
    """
    if mode:
        mode = build.mode_name(mode)
    if callable(target):
        return _compile_function(target, mode, config, name or "", source, dockerfiles or {})
    if not isinstance(target, (str, os.PathLike)):
        raise InvalidInput(
            f"A {type(target).__name__} cannot be compiled.",
            remedy="Give a pipeline function, or the path of a .py or .ipynb file.",
        )
    request = {
        "path": str(Path(target).absolute()),
        "content": content,
        "function": function,
        "mode": mode,
        "name": name,
        "config": os.fspath(config.path) if getattr(config, "path", None) else None,
        "environment": dict(os.environ),
        "time_limit": time_limit,
        "memory_limit": memory_limit,
    }
    try:
        return _zygote().compile(request)
    except KeyboardInterrupt:
        close()
        raise


def close() -> None:
    """End the process that compiles files; the next compile starts another."""
    with _starting:
        zygote = _zygotes.pop(os.getpid(), None)
    if zygote is not None:
        zygote.close()


def _zygote() -> Zygote:
    """Return this process's zygote; a fork of this process (a multiprocessing worker) gets one of its own."""
    with _starting:
        zygote = _zygotes.get(os.getpid())
        if zygote is None or not zygote.alive:
            if zygote is not None:
                zygote.close()
            _zygotes.clear()
            zygote = _zygotes[os.getpid()] = Zygote.start()
        return zygote


atexit.register(close)


def _compile_function(
    function: Callable[..., Any],
    mode: str | None,
    config: Any,
    name: str,
    source: Source | None,
    dockerfiles: dict[str, str],
) -> Package:
    if config is None:
        from kfops import config as configuration

        config = configuration.load()
    label = getattr(function, "__name__", "the function")
    with context.compiling(config, dockerfiles):
        chosen = build.configured_mode(mode, config)
        try:
            workflow = build.workflow_of(function, chosen, name)
            return finish.package_of(workflow, chosen, source or _origin(function, config), dockerfiles=dockerfiles)
        except (Exception, SystemExit) as error:
            raise problems.explain(error, label) from None


def _origin(function: Callable[..., Any], config: Any) -> Source:
    try:
        path = inspect.getsourcefile(function) or ""
        digest = hashlib.sha256(inspect.getsource(function).encode("utf-8")).hexdigest()
    except (OSError, TypeError):
        return Source("function")
    if not Path(path).is_file():
        return Source("function", "", digest)
    return Source("function", shown_path(path, config), digest, ask_git(str(Path(path).absolute().parent))())
