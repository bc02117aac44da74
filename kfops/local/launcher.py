"""What the launcher of V2_COMPATIBLE pipelines does around a step's own command, without its network.

The launcher of Kubeflow Pipelines 1.7 stands in front of the command of every step, fetches input artifacts, tells
the command about inputs and outputs by a JSON text and by placeholders, and stores what the command has made. There
is no metadata server here: an artifact's record is handed from step to step by Argo's artifacts, as in a cluster, and
is not looked up anywhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from ..errors import InvalidInput
from .artifacts import ArtifactStore, copy, local_path
from .launcher_command import FOLDER, Launch, LauncherError, is_launched, parse
from .mlmd import artifact_record, parameter_text, parameter_value, runtime_artifact

__all__ = [
    "CONFIG",
    "EXIT_CODE",
    "FOLDER",
    "ROOT_KEY",
    "Launch",
    "Launched",
    "LauncherError",
    "failure",
    "finish",
    "is_launched",
    "metrics",
    "parse",
    "prepare",
]

DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
#: The config map, and its key, that name another root for pipelines that were given none.
CONFIG, ROOT_KEY = "kfp-launcher", "defaultPipelineRoot"
OUTPUT_FILE = "/tmp/kfp_outputs/output_metadata.json"  # noqa: S108  (in the step's own /tmp)

#: How the launcher ends when something went wrong, whatever its command's own exit code was.
EXIT_CODE = 1

#: Answers the host path of a path in the step's file system.
HostPath = Callable[[str], Path]


@dataclass(frozen=True)
class Launched:
    """What has been prepared for a command, and is needed again when it has succeeded."""

    launch: Launch
    root: str
    argv: List[str]
    executor_input: Dict[str, Any]


def prepare(
    launch: Launch, host: HostPath, store: ArtifactStore, *, default_root: str = "", region: str = ""
) -> Launched:
    """Fetch the inputs into the step's file system, and say what to run.

    Parameters
    ----------
    default_root
        The root of a pipeline that was given none; ``DEFAULT_ROOT`` when empty.
    region
        What the step has as AWS_REGION; artifacts in an s3:// root carry it along.

    Raises
    ------
    LauncherError
        A parameter has not its declared type, an input artifact is missing, or the pipeline root cannot be used.
    """
    # A step that makes no artifacts has no use for the root, and can do with one that holds none.
    root = launch.root(default_root or DEFAULT_ROOT) if launch.runtime["outputArtifacts"] else ""
    inputs = {"parameters": _input_parameters(launch), "artifacts": _input_artifacts(launch, host)}
    metadata = {"s3_region": region} if root.startswith("s3://") else {}
    outputs = {
        "parameters": {
            name: {"outputFile": declared["path"]} for name, declared in launch.runtime["outputParameters"].items()
        },
        "artifacts": {
            name: _listed({"name": name, "uri": launch.uri(root, name), "metadata": dict(metadata)}, declared)
            for name, declared in launch.runtime["outputArtifacts"].items()
        },
        "outputFile": OUTPUT_FILE,
    }
    executor_input = {"inputs": inputs, "outputs": outputs}
    for artifact in _artifacts(inputs):
        place = _local_path(artifact["uri"])
        if place is not None and store.path_of(artifact["uri"]).exists() and not host(place).exists():
            copy(store.path_of(artifact["uri"]), host(place))
    files = [parameter["outputFile"] for parameter in outputs["parameters"].values()]  # type: ignore[attr-defined]
    files += [local_path(artifact["uri"]) for artifact in _artifacts(outputs)]
    for file in files:
        host(file).parent.mkdir(parents=True, exist_ok=True)
    placeholders = _placeholders(executor_input)
    return Launched(launch, root, [_replace(word, placeholders) for word in launch.command], executor_input)


def finish(launched: Launched, host: HostPath, store: ArtifactStore) -> List[Dict[str, Any]]:
    """Store what the command has made and write the files that Argo hands on; return the artifacts' records.

    Raises
    ------
    LauncherError
        The command's own account of its outputs cannot be read, or an output parameter is missing or has not its type.
    """
    told = _account(host(OUTPUT_FILE))
    declared = launched.launch.runtime["outputParameters"]
    for name, value in told["parameters"].items():
        if name not in declared:
            raise LauncherError(f"the executor wrote the parameter {name!r}, which is not declared")
        try:
            host(declared[name]["path"]).write_text(parameter_text(value), encoding="utf-8")
        except ValueError as error:
            raise LauncherError(f"the executor wrote the parameter {name!r}: {error}") from error
    records = [
        _keep(launched, name, told["artifacts"].get(name, {}), host, store)
        for name in launched.launch.runtime["outputArtifacts"]
    ]
    for name, parameter in declared.items():
        _check_output(name, parameter, host)
    return records


def failure(message: str) -> str:
    """Return the message of a node whose command ended with ``message`` and another code than the launcher's."""
    return f"Error (exit code {EXIT_CODE}): the component's command: {message}"


def metrics(records: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the numbers that a step logged to its ``Output[Metrics]``, as run metrics."""
    return [
        {"name": name, "numberValue": value["doubleValue"], "format": "RAW"}
        for record in records
        if record.get("type") == "system.Metrics"
        for name, value in record["customProperties"].items()
        if "doubleValue" in value
    ]


def _input_parameters(launch: Launch) -> Dict[str, Any]:
    values = {}
    for name, declared in launch.runtime["inputParameters"].items():
        if name not in launch.parameters:
            raise LauncherError(f"input parameter {name!r} was not given")
        try:
            values[name] = parameter_value(declared.get("type"), launch.parameters[name])
        except ValueError as error:
            raise LauncherError(f"input parameter {name!r}: {error}") from error
    return values


def _input_artifacts(launch: Launch, host: HostPath) -> Dict[str, Any]:
    listed = {}
    for name, declared in launch.runtime["inputArtifacts"].items():
        try:
            record = json.loads(host(declared["metadataPath"]).read_text(encoding="utf-8"))
            listed[name] = _listed(runtime_artifact(record), declared)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LauncherError(f"input artifact {name!r} is no artifact of a V2_COMPATIBLE step: {error}") from error
    return listed


def _listed(artifact: Dict[str, Any], declared: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a list of one artifact, with the type that the component declares."""
    if declared.get("instanceSchema"):
        kind = {"instanceSchema": declared["instanceSchema"]}
    else:
        kind = {"schemaTitle": _title(declared)}
    return {"artifacts": [{**artifact, "type": kind}]}


def _title(declared: Mapping[str, Any]) -> str:
    return str(declared.get("schemaTitle") or "system.Artifact")


def _artifacts(side: Mapping[str, Any]) -> List[Dict[str, Any]]:
    return [artifact for listed in side["artifacts"].values() for artifact in listed["artifacts"]]


def _local_path(uri: str) -> Optional[str]:
    """Return where an artifact is in the step's file system; None for one that a step keeps somewhere else itself."""
    try:
        return local_path(uri)
    except InvalidInput:
        return None


def _account(path: Path) -> Dict[str, Dict[str, Any]]:
    """Return what the command has written about its outputs; nothing when it has not."""

    def refused(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        told = json.loads(path.read_text(encoding="utf-8"), parse_constant=refused) if path.is_file() else {}
        changed = {}
        for name, listed in dict(told.get("artifacts") or {}).items():
            first = dict((listed.get("artifacts") or [{}])[0])
            changed[name] = {"uri": first.get("uri"), "metadata": dict(first.get("metadata") or {})}
        return {"parameters": dict(told.get("parameters") or {}), "artifacts": changed}
    except (ValueError, TypeError, AttributeError) as error:
        raise LauncherError(f"the executor's output cannot be read: {error}") from error


def _keep(
    launched: Launched, name: str, told: Mapping[str, Any], host: HostPath, store: ArtifactStore
) -> Dict[str, Any]:
    """Store one output artifact and write its record where Argo takes it; one that was not written has a record too."""
    declared = launched.launch.runtime["outputArtifacts"][name]
    artifact = dict(launched.executor_input["outputs"]["artifacts"][name]["artifacts"][0])
    artifact["uri"] = str(told.get("uri") or artifact["uri"])
    artifact["metadata"] = {**artifact["metadata"], **told.get("metadata", {})}
    place = _local_path(artifact["uri"])
    if place is not None:
        if not f"{artifact['uri']}/".startswith(f"{launched.root}/"):
            raise LauncherError(f"output artifact {name!r}: {artifact['uri']} is not below {launched.root}")
        if host(place).exists():
            store.save_uri(artifact["uri"], host(place))
    try:
        record = artifact_record(name, _title(declared), artifact["uri"], artifact["metadata"])
    except ValueError as error:
        raise LauncherError(f"output artifact {name!r}: {error}") from error
    target = host(declared["metadataPath"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(record), encoding="utf-8")
    return record


def _check_output(name: str, declared: Mapping[str, Any], host: HostPath) -> None:
    """Hold an output parameter's file against its type, as the launcher does to record it."""
    kind, path = declared.get("type"), declared["path"]
    try:
        text = host(path).read_bytes().decode("utf-8", errors="replace")
        parameter_value(kind, text if kind == "STRING" else text.strip())
    except OSError as error:
        raise LauncherError(f"output parameter {name!r} was not written: {error.strerror}: {path}") from error
    except ValueError as error:
        raise LauncherError(f"output parameter {name!r}: {error}") from error


def _placeholders(executor_input: Dict[str, Any]) -> Dict[str, str]:
    found = {"{{$}}": _text(executor_input)}
    for name, value in executor_input["inputs"]["parameters"].items():
        found[f"{{{{$.inputs.parameters['{name}']}}}}"] = parameter_text(value)
    for name, parameter in executor_input["outputs"]["parameters"].items():
        found[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = parameter["outputFile"]
    for side in ("inputs", "outputs"):
        for name, listed in executor_input[side]["artifacts"].items():
            uri = listed["artifacts"][0]["uri"]
            found[f"{{{{$.{side}.artifacts['{name}'].uri}}}}"] = uri
            place = _local_path(uri)
            if place is not None:
                found[f"{{{{$.{side}.artifacts['{name}'].path}}}}"] = place
    return found


def _text(executor_input: Dict[str, Any]) -> str:
    """Return the JSON text, which has no maps that are empty but for an artifact's metadata."""
    sides = {side: {key: value for key, value in told.items() if value} for side, told in executor_input.items()}
    return json.dumps(sides, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def _replace(argument: str, placeholders: Dict[str, str]) -> str:
    if "{{$" not in argument:
        return argument
    for placeholder, value in placeholders.items():
        argument = argument.replace(placeholder, value)
    return argument
