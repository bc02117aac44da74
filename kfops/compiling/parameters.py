"""Workflow -> the parameters a person may set, with types and defaults."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping

from kfops.nodes import INJECTED
from kfops.types import Parameter

#: Set by kfops on every run.
VERSION_ID = "version_id"
SPEC_ANNOTATION = "pipelines.kubeflow.org/pipeline_spec"

_TYPES = {
    "string": "string",
    "str": "string",
    "text": "string",
    "integer": "integer",
    "int": "integer",
    "float": "float",
    "double": "float",
    "bool": "boolean",
    "boolean": "boolean",
    "list": "list",
    "jsonarray": "list",
    "dict": "dict",
    "jsonobject": "dict",
}


def parameters_of(workflow: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters of a compiled pipeline, in the order of its signature.

    Those that kfp or kfops sets itself (``pipeline-name``, ``pipeline-output-directory``, ``pipeline-root``,
    ``version_id``) are left out.
    """
    declared = ((workflow.get("spec") or {}).get("arguments") or {}).get("parameters") or []
    described = {entry.get("name", ""): entry for entry in pipeline_spec(workflow).get("inputs") or []}
    found = []
    for entry in declared:
        name = entry["name"]
        if name in INJECTED or name == VERSION_ID:
            continue
        about = described.get(name) or {}
        kind = type_word(about.get("type"))
        value = entry.get("value")
        found.append(
            Parameter(
                name=name,
                type=kind,
                default=None if value is None else _value(value, kind),
                required=value is None,
                description=about.get("description") or "",
            )
        )
    return found


def pipeline_spec(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """Return what kfp noted about the pipeline (name, description, inputs); empty when it is not a kfp workflow."""
    text = ((workflow.get("metadata") or {}).get("annotations") or {}).get(SPEC_ANNOTATION)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def type_word(kind: Any) -> str:
    """Return kfops' word for a kfp type such as ``Integer``, ``typing.List[int]`` or ``{"JsonArray": …}``."""
    if isinstance(kind, dict):
        kind = next(iter(kind), "")
    word = str(kind or "string").split("[")[0].split(".")[-1].lower()
    return _TYPES.get(word, "string")


def type_of_default(value: Any) -> str | None:
    """Return the kfp type that an unannotated parameter's default suggests, None for text and for no default."""
    for kind, name in (
        (bool, "Boolean"),
        (int, "Integer"),
        (float, "Float"),
        (list, "JsonArray"),
        (dict, "JsonObject"),
    ):
        if isinstance(value, kind):
            return name
    return None


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "false", "1", "0", "yes", "no"):
        raise ValueError(text)
    return word in ("true", "1", "yes")


_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "float": float,
    "boolean": _boolean,
    "list": json.loads,
    "dict": json.loads,
}


def _value(value: Any, kind: str) -> Any:
    """Return a default as a value of its type; what does not read as one stays text."""
    if not isinstance(value, str):
        return value if kind != "string" else json.dumps(value)
    try:
        return _READERS[kind](value) if kind in _READERS else value
    except ValueError:
        return value
