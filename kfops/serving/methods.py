"""The methods that the server can ask for: thin functions over the kfops API.

Each is called with its `Call` and with ``root``, the folder that config.yaml is looked for from, and returns what goes
over the wire. A version or run that was made with the configuration of another folder keeps to that one.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, TypeVar

from kfops import experiments, images, models, pipelines, runs
from kfops.config import Config, load
from kfops.errors import ConfigError, ImageError, KfopsError, LocalBackendError
from kfops.images.versions import prepare
from kfops.serving.calls import Call, Method
from kfops.serving.compiling import Compiler
from kfops.serving.connections import Connections
from kfops.serving.logs import log_part
from kfops.serving.projects import Projects
from kfops.serving.sources import config_of, folder_of
from kfops.types import ConnectionStatus, Package, PipelineVersion, Run

if TYPE_CHECKING:
    from kfops.connection import Connection

Result = TypeVar("Result")
Wire = Dict[str, Any]
Sent = Optional[Dict[str, Any]]


class Methods:
    """The methods, over one compiler and the connections that they share."""

    def __init__(self, compiler: Compiler, connections: Optional[Connections] = None) -> None:
        self._compiler = compiler
        self._connections = connections or Connections()
        self._projects = Projects()

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {
            "status": self.status,
            "packages.compile": self.compile,
            "versions.create": self.create_version,
            "versions.list": self.list_versions,
            "versions.get": self.get_version,
            "versions.build": self.build_version,
            "pipelines.list": self.list_pipelines,
            "runs.list": self.list_runs,
            "runs.create": self.create_run,
            "runs.get": self.get_run,
            "runs.stop": self.stop_run,
            "runs.retry": self.retry_run,
            "steps.log": self.step_log,
            "models.list": self.list_models,
            "models.get": self.get_model,
            "experiments.list": self.list_experiments,
        }

    # -- the connection

    def status(self, call: Call, root: str) -> Wire:
        """Return the ConnectionStatus; why there is no connection stands in it."""
        try:
            config = load(start=root)
        except ConfigError as error:
            return _unconnected(error, "")
        try:
            return _wire(self._connections.ask(config, _working))
        except KfopsError as error:
            return _unconnected(error, config.connection.kind)

    # -- packages and versions

    def compile(self, call: Call, root: str, source: Wire, function: Optional[str], time_limit: float) -> Wire:
        """Return the summary of the compiled source."""
        return self._compiler.compile(call, root, source, function=function, time_limit=time_limit).summary()

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
        version = self._connections.change(
            config,
            lambda c: pipelines.upload(
                package,
                pipeline_name=pipeline_name,
                version_name=version_name,
                description=description,
                connection=c,
                config=config,
            ),
        )
        self._projects.made(version.id, folder_of(root, source))
        call.log_line(f"Uploaded {version.pipeline_name}, {version.name}, id {version.id}")
        if wanted:
            version = self._build(call, version, package, config)
        return version.to_dict()

    def build_version(self, call: Call, root: str, version_id: str, source: Sent, time_limit: float) -> Wire:
        """Build the images of a version that are missing; return them and the version.

        The Dockerfiles are those of ``source``, else those found from the folder of the version's own source.
        """
        config = config_of(root, source) if source else load(start=self._projects.of(version_id, root))
        found = self._connections.ask(config, lambda c: pipelines.get_version(version_id, c, config))
        package = None
        if source is not None:
            package = self._compiler.compile(call, root, source, function=None, time_limit=time_limit)
        elif found.source is not None:
            folder = os.path.dirname(os.path.join(config.root, found.source.path))
            config = load(start=folder) if os.path.isdir(folder) else config
        built = self._build(call, found, package, config)
        return {"images": [image.to_dict() for image in built.images], "version": built.to_dict()}

    def list_versions(self, call: Call, root: str, pipeline_id: str) -> List[Wire]:
        """Return the versions of a pipeline."""
        found = self._ask(root, lambda c: pipelines.list_versions(pipeline_id, c))
        self._projects.seen((version.id for version in found), root)
        return _wires(found)

    def get_version(self, call: Call, root: str, version_id: str) -> Wire:
        """Return one version with its graph and its images."""
        config = load(start=self._projects.of(version_id, root))
        return self._connections.ask(config, lambda c: _wire(pipelines.get_version(version_id, c, config)))

    def list_pipelines(self, call: Call, root: str) -> List[Wire]:
        """Return the pipelines."""
        return self._ask(root, lambda c: _wires(pipelines.list_pipelines(c)))

    # -- runs

    def list_runs(self, call: Call, root: str, page_token: str, page_size: int) -> Wire:
        """Return a page of runs."""
        found, token = self._ask(root, lambda c: runs.list_runs(c, page_size=page_size, page_token=page_token))
        self._projects.seen((run.id for run in found), root)
        return {"runs": _wires(found), "next_page_token": token}

    def create_run(
        self,
        call: Call,
        root: str,
        version_id: str,
        parameters: Sent = None,
        name: Optional[str] = None,
        experiment: Optional[str] = None,
    ) -> Wire:
        """Run a version, by the configuration that it was uploaded with."""
        folder = self._projects.of(version_id, root)
        config = load(start=folder)
        started = self._connections.change(
            config,
            lambda c: runs.run(
                version_id, parameters=parameters, name=name, experiment=experiment, connection=c, config=config
            ),
        )
        self._projects.made(started.id, folder)
        return _wire(started)

    def get_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Return one run with its graph."""
        return self._ask(self._projects.of(run_id, root), lambda c: _wire(runs.get_run(run_id, c)))

    def stop_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Stop a run and return it."""
        return self._change(root, runs.stop_run, run_id)

    def retry_run(self, call: Call, root: str, run_id: str) -> Wire:
        """Retry what failed of a run and return it."""
        return self._change(root, runs.retry_run, run_id)

    def step_log(self, call: Call, root: str, run_id: str, step_id: str, offset: int) -> Wire:
        """Return a step's log from ``offset`` on."""
        return self._ask(self._projects.of(run_id, root), lambda c: log_part(run_id, step_id, offset, c))

    def list_experiments(self, call: Call, root: str) -> List[Wire]:
        """Return the experiments."""
        return self._ask(root, lambda c: _wires(experiments.list_experiments(c)))

    # -- models

    def list_models(self, call: Call, root: str) -> List[Wire]:
        """Return the model versions."""
        config = load(start=root)
        return self._connections.ask(config, lambda c: _wires(models.list_models(config=config, connection=c)))

    def get_model(self, call: Call, root: str, key: str) -> Wire:
        """Return one model version."""
        config = load(start=root)
        return self._connections.ask(config, lambda c: _wire(models.get_model(key, config=config, connection=c)))

    # -- what they share

    def _ask(self, root: str, question: Callable[[Connection], Result]) -> Result:
        return self._connections.ask(load(start=root), question)

    def _change(self, root: str, change: Callable[[str, Connection], Run], run_id: str) -> Wire:
        config = load(start=self._projects.of(run_id, root))
        return self._connections.change(config, lambda c: _wire(change(run_id, c)))

    def _build(
        self, call: Call, version: PipelineVersion, package: Optional[Package], config: Config
    ) -> PipelineVersion:
        try:
            built = images.build(
                version,
                package=package,
                connection=self._connections.get(config),
                config=config,
                on_log=call.log_line,
                cancelled=call.cancelled,
            )
        except ImageError as error:
            # The version stays, and building it can be gone on with: say which it is.
            error.details.setdefault("version_id", version.id)
            raise
        return dataclasses.replace(version, images=list(built))


def _working(connection: Any) -> ConnectionStatus:
    """Return the status of a connection that works, and raise the error of one that does not."""
    found: ConnectionStatus = connection.status()
    if found.error is not None:
        raise KfopsError.from_dict(found.error)
    return found


def _wire(value: Any) -> Wire:
    found: Wire = value.to_dict()
    return found


def _wires(values: Any) -> List[Wire]:
    return [_wire(value) for value in values]


def _unconnected(error: KfopsError, kind: str) -> Wire:
    host = str(error.details.get("host", ""))
    if kind not in ("embedded", "cluster"):
        kind = "cluster" if host and not isinstance(error, LocalBackendError) else "embedded"
    return ConnectionStatus(kind=kind, host=host, error=error.to_dict()).to_dict()
