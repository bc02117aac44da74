"""What the launcher of V2_COMPATIBLE pipelines does around a step's own command, without its network.

The launcher of Kubeflow Pipelines 1.7 stands in front of the command of every step, fetches input artifacts, tells
the command about inputs and outputs by a JSON text and by placeholders, and stores what the command has made. Its
command line and its RuntimeInfo are described where kfp writes them, its file formats are MLMD's and KFP's protojson.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from ..errors import InvalidInput
from .artifacts import ArtifactStore, copy, local_path

DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
OUTPUT_FILE = "/tmp/kfp_outputs/output_metadata.json"  # noqa: S108  (in the step's own /tmp)
_COMMAND = "/kfp-launcher/launch"

#: Answers the host path of a path in the step's file system.
HostPath = Callable[[str], Path]


class LauncherError(Exception):
    """The launcher would have ended with an error before or after the step's command."""


@dataclass(frozen=True)
class Launch:
    """The launcher's command line, taken apart."""

    options: Dict[str, str]
    parameters: Dict[str, str]
    command: List[str]
    runtime: Dict[str, Dict[str, Any]]

    def uri(self, output: str) -> str:
        """Return the URI of an output artifact."""
        root = (self.options.get("pipeline_root") or DEFAULT_ROOT).rstrip("/")
        parts = (self.options.get(key, "") for key in ("pipeline_name", "run_id", "task_name"))
        return "/".join([root, *parts, output])


def parse(argv: List[str]) -> Launch | None:
    """Return the launcher's command line, or None when the command is not the launcher.

    Raises
    ------
    LauncherError
        It is the launcher, but its arguments cannot be read.
    """
    if not argv or argv[0] != _COMMAND:
        return None
    options: Dict[str, str] = {}
    rest = argv[1:]
    while rest and rest[0] != "--":
        name, separator, value = rest.pop(0).lstrip("-").partition("=")
        if not separator:
            if not rest:
                raise LauncherError(f"flag needs an argument: --{name}")
            value = rest.pop(0)
        options[name] = value
    rest = rest[1:]
    if "--" not in rest:
        raise LauncherError("the launcher's command line has no second --")
    given, command = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    parameters = dict(item.partition("=")[::2] for item in given)
    try:
        runtime = json.loads(options.get("runtime_info_json") or "{}")
    except ValueError as error:
        raise LauncherError(f"the runtime info is not JSON: {error}") from error
    if not command:
        raise LauncherError("the launcher was given no command")
    return Launch(options, parameters, command, {key: value or {} for key, value in runtime.items()})


def prepare(launch: Launch, host: HostPath, store: ArtifactStore) -> Tuple[List[str], Dict[str, Any]]:
    """Fetch the inputs into the step's file system; return the command to run and the executor input.

    Raises
    ------
    LauncherError
        A parameter has not its declared type, an input artifact is missing, or the pipeline root cannot be used.
    """
    try:
        executor_input = _executor_input(launch, host)
        for artifact in _runtime_artifacts(executor_input["inputs"]):
            source, target = store.path_of(artifact["uri"]), host(local_path(artifact["uri"]))
            if source.exists() and not target.exists():
                copy(source, target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
        for artifact in _runtime_artifacts(executor_input["outputs"]):
            host(local_path(artifact["uri"])).parent.mkdir(parents=True, exist_ok=True)
    except InvalidInput as error:
        raise LauncherError(f"{error.message} {error.why}") from error
    for parameter in executor_input["outputs"]["parameters"].values():
        host(parameter["outputFile"]).parent.mkdir(parents=True, exist_ok=True)
    placeholders = _placeholders(launch, executor_input)
    return [_replace(argument, placeholders) for argument in launch.command], executor_input


def finish(
    launch: Launch, executor_input: Dict[str, Any], host: HostPath, store: ArtifactStore
) -> List[Dict[str, Any]]:
    """Store what the command has made and write the files that Argo hands on; return the artifacts (MLMD's form).

    Raises
    ------
    LauncherError
        The command's own account of its outputs cannot be read.
    """
    told: Dict[str, Any] = {}
    account = host(OUTPUT_FILE)
    if account.is_file():
        try:
            told = json.loads(account.read_text(encoding="utf-8")) or {}
        except ValueError as error:
            raise LauncherError(f"the executor's output is not JSON: {error}") from error
    for name, value in (told.get("parameters") or {}).items():
        declared = launch.runtime.get("outputParameters", {}).get(name)
        if declared is None:
            raise LauncherError(f"the executor wrote the parameter {name!r}, which is not declared")
        target = host(declared["path"])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_parameter_text(value), encoding="utf-8")
    made = []
    for name, declared in launch.runtime.get("outputArtifacts", {}).items():
        artifact = dict(executor_input["outputs"]["artifacts"][name]["artifacts"][0])
        changed = ((told.get("artifacts") or {}).get(name) or {}).get("artifacts") or [{}]
        artifact.update({key: changed[0][key] for key in ("uri", "metadata") if changed[0].get(key)})
        try:
            content = host(local_path(artifact["uri"]))
            if content.exists():
                store.save_uri(artifact["uri"], content)
        except InvalidInput:
            pass  # the step has pointed its artifact at something of its own, which it keeps itself
        record = _mlmd_artifact(name, declared, artifact)
        target = host(declared["metadataPath"])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(record), encoding="utf-8")
        made.append(record)
    return made


def metrics(artifacts: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the numbers that a step logged to its ``Output[Metrics]``, as run metrics."""
    return [
        {"name": name, "numberValue": value["doubleValue"], "format": "RAW"}
        for artifact in artifacts
        if artifact.get("type") == "system.Metrics"
        for name, value in artifact["customProperties"].items()
        if "doubleValue" in value
    ]


def _executor_input(launch: Launch, host: HostPath) -> Dict[str, Any]:
    runtime = launch.runtime
    inputs: Dict[str, Any] = {"parameters": {}, "artifacts": {}}
    for name, declared in runtime.get("inputParameters", {}).items():
        if name not in launch.parameters:
            raise LauncherError(f"input parameter {name!r} was not given")
        inputs["parameters"][name] = _parameter_value(name, declared.get("type"), launch.parameters[name])
    for name, declared in runtime.get("inputArtifacts", {}).items():
        record = host(declared["metadataPath"])
        try:
            artifact = json.loads(record.read_text(encoding="utf-8"))
            uri = artifact["uri"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LauncherError(f"input artifact {name!r} is no artifact of a V2_COMPATIBLE step: {error}") from error
        metadata = {key: _plain(value) for key, value in (artifact.get("customProperties") or {}).items()}
        named = {"name": artifact.get("name", ""), "uri": uri, "metadata": metadata}
        inputs["artifacts"][name] = {"artifacts": [{**named, "type": _type(declared)}]}
    outputs: Dict[str, Any] = {"parameters": {}, "artifacts": {}, "outputFile": OUTPUT_FILE}
    for name, declared in runtime.get("outputParameters", {}).items():
        outputs["parameters"][name] = {"outputFile": declared["path"]}
    for name, declared in runtime.get("outputArtifacts", {}).items():
        named = {"name": name, "uri": launch.uri(name), "metadata": {}}
        outputs["artifacts"][name] = {"artifacts": [{**named, "type": _type(declared)}]}
    return {"inputs": inputs, "outputs": outputs}


def _runtime_artifacts(side: Dict[str, Any]) -> List[Dict[str, Any]]:
    return [artifact for listed in side["artifacts"].values() for artifact in listed["artifacts"]]


def _type(declared: Dict[str, Any]) -> Dict[str, str]:
    if declared.get("instanceSchema"):
        return {"instanceSchema": declared["instanceSchema"]}
    return {"schemaTitle": declared.get("schemaTitle") or "system.Artifact"}


def _parameter_value(name: str, kind: Any, text: str) -> Dict[str, Any]:
    try:
        if kind == "INT":
            return {"intValue": str(int(text))}
        if kind == "DOUBLE":
            return {"doubleValue": float(text)}
    except ValueError as error:
        raise LauncherError(f"input parameter {name!r}: {text!r} is not of type {kind}") from error
    return {"stringValue": text}


def _parameter_text(value: Dict[str, Any]) -> str:
    if "intValue" in value:
        return str(int(value["intValue"]))
    if "doubleValue" in value:
        number = float(value["doubleValue"])
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value.get("stringValue", ""))


def _placeholders(launch: Launch, executor_input: Dict[str, Any]) -> Dict[str, str]:
    found = {"{{$}}": json.dumps(executor_input)}
    for name in launch.runtime.get("inputParameters", {}):
        found[f"{{{{$.inputs.parameters['{name}']}}}}"] = launch.parameters[name]
    for name, parameter in executor_input["outputs"]["parameters"].items():
        found[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = parameter["outputFile"]
    for side in ("inputs", "outputs"):
        for name, listed in executor_input[side]["artifacts"].items():
            uri = listed["artifacts"][0]["uri"]
            found[f"{{{{$.{side}.artifacts['{name}'].uri}}}}"] = uri
            found[f"{{{{$.{side}.artifacts['{name}'].path}}}}"] = local_path(uri)
    return found


def _replace(argument: str, placeholders: Dict[str, str]) -> str:
    if "{{$" not in argument:
        return argument
    for placeholder, value in placeholders.items():
        argument = argument.replace(placeholder, value)
    return argument


def _mlmd_artifact(name: str, declared: Dict[str, Any], artifact: Dict[str, Any]) -> Dict[str, Any]:
    properties = {"display_name": {"stringValue": name}}
    properties.update({key: _property(value) for key, value in (artifact.get("metadata") or {}).items()})
    return {
        "uri": artifact["uri"],
        "type": declared.get("schemaTitle") or "system.Artifact",
        "customProperties": properties,
        "state": "LIVE",
    }


def _property(value: Any) -> Dict[str, Any]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"doubleValue": float(value)}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value)}


def _plain(value: Dict[str, Any]) -> Any:
    return next((value[key] for key in ("stringValue", "doubleValue", "intValue") if key in value), None)
