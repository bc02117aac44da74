"""``kfops.build``: from a pipeline's source to a version whose images are all in the registry."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from kfops.images import versions
from kfops.types import PipelineVersion

if TYPE_CHECKING:
    from kfops.config_schema import Config
    from kfops.connection import Connection


def build_pipeline(
    target: Any,
    *,
    function: str | None = None,
    name: str | None = None,
    connection: Connection | None = None,
    config: Config | None = None,
    on_log: Callable[[str], None] | None = None,
    cancelled: threading.Event | None = None,
) -> PipelineVersion:
    """Compile a pipeline, upload it as a new version and build that version's images.

    Parameters
    ----------
    target
        A pipeline function, or the path of a ``.py`` or ``.ipynb`` file.
    function
        Which pipeline function of the file, where it has several.
    name
        The pipeline's name in the backend; the one it gives itself when None.
    connection, config
        As ``connect()`` and ``config.load()`` give them when None.
    on_log
        Receives the builds' log, line by line, without line ends.
    cancelled
        Stops the build when it is set.

    Returns
    -------
    PipelineVersion
        The new version, its ``images`` all ``ready``.

    Raises
    ------
    CompileError, ConnectionFailed, BackendError
        The pipeline does not compile, or the backend does not take it.
    NoBuilder, ConfigError, ImageError
        The images cannot be built here; found out before the upload, so that no version without images stays behind.
    BuildFailed
        A build failed. The version stays; ``kfops.images.build(version)`` goes on with what is missing.

    Examples
    --------
    >>> version = kfops.build("churn.ipynb", on_log=print)  # doctest: +SKIP
    """
    from kfops.compiler import compile as compile_pipeline
    from kfops.config import load
    from kfops.pipelines import upload

    config = config or load()
    package = compile_pipeline(target, function=function, config=config)
    if package.images:
        versions.prepare(package.images, package=package, config=config)
    version = upload(package, pipeline_name=name, connection=connection, config=config)
    if not package.images:
        return version
    built = versions.build(
        version, package=package, connection=connection, config=config, on_log=on_log, cancelled=cancelled
    )
    return replace(version, images=built)
