"""From a source to a pipeline version: compiled, uploaded, its images built."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Dict, Optional, Tuple

from kfops import images, pipelines
from kfops.config import Config, load
from kfops.connection import choice_of
from kfops.errors import ImageError
from kfops.images.versions import prepare
from kfops.serving.calls import Call, Method
from kfops.serving.compiling import Compiler
from kfops.serving.methods.access import Access, Wire, wires
from kfops.serving.sources import config_of, folder_of
from kfops.types import Package, PipelineVersion


class VersionMethods:
    """From a source to a pipeline version with its images."""

    def __init__(self, access: Access, compiler: Compiler) -> None:
        self._access = access
        self._compiler = compiler

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {
            "packages.compile": self.compile,
            "versions.create": self.create_version,
            "versions.build": self.build_version,
        }

    def compile(self, call: Call, root: str, source: Wire, function: Optional[str], time_limit: float) -> Wire:
        """Return the summary of the compiled source."""
        package = self._compiler.compile(call, root, source, function=function, time_limit=time_limit, summary=True)
        return package.summary()

    def create_version(
        self,
        call: Call,
        root: str,
        source: Wire,
        function: Optional[str],
        pipeline_name: Optional[str],
        version_name: Optional[str],
        description: Optional[str],
        build: bool,
        time_limit: float,
    ) -> Wire:
        """Compile, upload and, with ``build``, build the images; return the pipeline version."""
        config = config_of(root, source)
        package = self._compiler.compile(call, root, source, function=function, time_limit=time_limit)
        call.log_line(f"Compiled {package.name}: {package.graph.total} steps, {package.size} bytes")
        wanted = bool(build and package.images)
        if wanted:
            # Before the upload: what cannot be built must not leave a version without images behind.
            prepare(package.images, package=package, config=config)
        call.check()

        def upload(connection: Any) -> Tuple[PipelineVersion, str]:
            version = pipelines.upload(
                package,
                pipeline_name=pipeline_name,
                version_name=version_name,
                description=description,
                connection=connection,
                config=config,
            )
            return version, choice_of(connection, config)

        version, choice = self._access.connections.change(config, upload)
        self._access.projects.made(version.id, folder_of(root, source), choice)
        call.log_line(f"Uploaded {version.pipeline_name}, {version.name}, id {version.id}")
        if wanted:
            version = self._build(call, version, package, config)
        return version.to_dict()

    def build_version(
        self, call: Call, root: str, version_id: str, source: Optional[Dict[str, Any]], time_limit: float
    ) -> Wire:
        """Build the images of a version that are missing; return them and the version.

        The Dockerfiles are those of ``source``, else those found from the folder of the version's own source.
        """
        config = config_of(root, source) if source else self._access.projects.config(version_id, root)
        found = self._access.connections.ask(config, lambda c: pipelines.get_version(version_id, c, config))
        package = None
        if source is not None:
            package = self._compiler.compile(call, root, source, function=None, time_limit=time_limit)
        elif found.source is not None:
            folder = os.path.dirname(os.path.join(config.root, found.source.path))
            config = load(start=folder).using(config.chosen) if os.path.isdir(folder) else config
        built = self._build(call, found, package, config)
        return {"images": wires(built.images), "version": built.to_dict()}

    def _build(
        self, call: Call, version: PipelineVersion, package: Optional[Package], config: Config
    ) -> PipelineVersion:
        try:
            built = images.build(
                version,
                package=package,
                connection=self._access.connections.get(config),
                config=config,
                on_log=call.log_line,
                cancelled=call.cancelled,
            )
        except ImageError as error:
            # The version stays, and building it can be gone on with: say which it is.
            error.details.setdefault("version_id", version.id)
            raise
        return dataclasses.replace(version, images=list(built))
