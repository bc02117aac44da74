"""A pipeline version becomes a run: its arguments are checked, its images must be there."""

from __future__ import annotations

import datetime
from typing import Any, Dict, Mapping, Optional, Union

from kfops.arguments import arguments_for
from kfops.compiling.finish import references_of
from kfops.compiling.parameters import VERSION_ID, parameters_of
from kfops.config import Config, load
from kfops.connection import Connection, connect
from kfops.experiments import DEFAULT, get_or_create
from kfops.models.opening import unnamed_place
from kfops.names import check_name
from kfops.pipelines import read_version
from kfops.run_state import run_with_graph
from kfops.types import PipelineVersion, Run
from kfops.version_state import workflow_in

#: Where the runs are, below the host.
RUNS = "/apis/v1beta1/runs"


def run(
    version: Union[PipelineVersion, str],
    *,
    parameters: Optional[Mapping[str, Any]] = None,
    name: Optional[str] = None,
    experiment: Optional[str] = None,
    connection: Optional[Connection] = None,
    config: Optional[Config] = None,
) -> Run:
    """Start a run of a pipeline version.

    Parameters
    ----------
    version
        The version, or its id. Its id is also the argument ``version_id`` where the pipeline declares that.
    parameters
        Values by name, of the parameter's type or as text; before those of ``pipeline.pipeline_args`` in config.yaml
        where the pipeline is the one of config.yaml.
    name
        By default the pipeline's name, its version and the time.
    experiment
        Made if there is none; by default ``pipeline.experiment_name`` of config.yaml, else ``Default``.

    Raises
    ------
    InvalidInput
        A parameter is unknown, missing or of the wrong type, or a name cannot be kept.
    ImagesMissing
        The version's images have not all been built.
    NotFound
        There is no such version.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.

    Examples
    --------
    >>> kfops.wait(kfops.run(version, parameters={"rate": 0.1})).model  # doctest: +SKIP
    's3://trained-models/0b3c…'
    """
    config = config or load()
    connection = connection.follow(config) if connection else connect(config)
    version, text = read_version(version if isinstance(version, str) else version.id, connection)
    workflow = workflow_in(text)
    arguments = arguments_of(version, workflow, dict(parameters or {}), config)
    require_images(version, arguments, workflow, config)
    group = get_or_create(experiment or config.pipeline.experiment_name or DEFAULT, connection)
    title = check_name(name, "run") if name else _title(version)
    body = {
        "name": title,
        "pipeline_spec": {
            "pipeline_id": version.pipeline_id,
            "parameters": [{"name": key, "value": value} for key, value in arguments.items()],
        },
        "resource_references": [
            {"key": {"type": "EXPERIMENT", "id": group.id}, "relationship": "OWNER"},
            {"key": {"type": "PIPELINE_VERSION", "id": version.id}, "relationship": "CREATOR"},
        ],
    }
    answer = connection.post_json(RUNS, body, what=f"start the run {title!r}")
    return run_with_graph(answer, store=lambda: unnamed_place(connection))


def arguments_of(
    version: PipelineVersion, workflow: Mapping[str, Any], given: Dict[str, Any], config: Config
) -> Dict[str, str]:
    """Return the arguments that a version is run with: those given, those of config.yaml, and the version's id."""
    values = dict(given)
    if config.pipeline.name and config.pipeline.name == version.pipeline_name:
        values = {**config.pipeline.pipeline_args, **given}
    declared = ((workflow.get("spec") or {}).get("arguments") or {}).get("parameters") or []
    if not any(parameter.get("name") == VERSION_ID for parameter in declared):
        return arguments_for(parameters_of(workflow), values)
    # One that is given wins: that is how a run is pointed at the images of another version.
    version_id = str(values.pop(VERSION_ID, "") or version.id)
    return {**arguments_for(parameters_of(workflow), values), VERSION_ID: version_id}


def require_images(
    version: PipelineVersion, arguments: Mapping[str, str], workflow: Mapping[str, Any], config: Config
) -> None:
    """Raise ImagesMissing unless all images that a version is run with are there."""
    version_id = str(arguments.get(VERSION_ID) or version.id)
    references = references_of(workflow, version_id)
    if references:
        from kfops.images import require_ready, states

        require_ready(states(references, version_id, config))


def _title(version: PipelineVersion) -> str:
    number = f"v{version.number}" if version.number else version.name
    moment = datetime.datetime.now().strftime("%m-%d %H:%M:%S")
    return f"{version.pipeline_name[:60]} {number[:20]} {moment}"
