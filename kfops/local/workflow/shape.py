"""The form of a Workflow: which of its fields are texts, numbers, lists and objects.

Argo reads a Workflow into Go structures and refuses one whose fields have other types. The same is done here before
anything else looks at it, so that all the rest of the engine may rely on the form. Fields that are not listed are of
no concern to the engine; null counts as absent everywhere.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple, Union

#: A scalar type or several, ``object`` for anything, ``[shape]`` for a list, a dictionary for an object whose keys
#: have shapes; a key that ends in ``!`` is required, the key ``*`` stands for all that are not listed.
Shape = Union[type, Tuple[type, ...], List[Any], Dict[str, Any]]

_NUMBER_OR_TEXT = (int, float, str)
_TEXTS: Shape = {"*": (str, int, float, bool)}
_KEY: Shape = {"name": str, "key": str, "optional": bool}
_FIELD: Shape = {"fieldPath": str}
_RESOURCE_FIELD: Shape = {"resource": str, "containerName": str, "divisor": _NUMBER_OR_TEXT}
_FILES: Shape = [
    {"key": str, "path!": str, "mode": int, "fieldRef": _FIELD, "resourceFieldRef": _RESOURCE_FIELD},
]
_FILES_OF: Shape = {
    "name": str,
    "secretName": str,
    "items": _FILES,
    "defaultMode": int,
    "optional": bool,
}

CONTAINER: Dict[str, Any] = {
    "name": str,
    "image": str,
    "command": [(str, int, float, bool)],
    "args": [(str, int, float, bool)],
    "workingDir": str,
    "mirrorVolumeMounts": bool,
    "env": [
        {
            "name!": str,
            "value": (str, int, float, bool),
            "valueFrom": {
                "fieldRef": _FIELD,
                "resourceFieldRef": _RESOURCE_FIELD,
                "secretKeyRef": _KEY,
                "configMapKeyRef": _KEY,
            },
        }
    ],
    "envFrom": [{"prefix": str, "secretRef": _KEY, "configMapRef": _KEY}],
    "resources": {"limits": {"*": _NUMBER_OR_TEXT}, "requests": {"*": _NUMBER_OR_TEXT}},
    "volumeMounts": [{"name!": str, "mountPath!": str, "subPath": str, "subPathExpr": str, "readOnly": bool}],
    "lifecycle": {},
}
VOLUME: Shape = {
    "name!": str,
    "persistentVolumeClaim": {"claimName!": str, "readOnly": bool},
    "emptyDir": {},
    "secret": _FILES_OF,
    "configMap": _FILES_OF,
    "downwardAPI": _FILES_OF,
    "projected": {
        "sources": [{"secret": _FILES_OF, "configMap": _FILES_OF, "downwardAPI": _FILES_OF}],
        "defaultMode": int,
    },
}
_VALUE_FROM: Shape = {"path": str, "parameter": str, "jsonPath": str, "default": object}
_PARAMETER: Shape = {"name!": str, "value": object, "default": object, "valueFrom": _VALUE_FROM, "globalName": str}
_ARTIFACT: Shape = {
    "name!": str,
    "path": str,
    "from": str,
    "raw": {"data": (str, int, float, bool)},
    "s3": {"key": str},
    "optional": bool,
    "mode": int,
    "globalName": str,
    "subPath": str,
}
_ARGUMENTS: Shape = {"parameters": [_PARAMETER], "artifacts": [_ARTIFACT]}
_TASK: Shape = {
    "name!": str,
    "template": str,
    "dependencies": [str],
    "when": str,
    "arguments": _ARGUMENTS,
    "withItems": [object],
    "withParam": str,
    "depends": str,
    "onExit": str,
}
_METADATA: Dict[str, Any] = {"labels": _TEXTS, "annotations": _TEXTS}
_TEMPLATE: Shape = {
    "name!": str,
    "inputs": _ARGUMENTS,
    "outputs": _ARGUMENTS,
    "metadata": _METADATA,
    "container": CONTAINER,
    "dag": {"tasks": [_TASK], "target": str, "failFast": bool},
    "resource": {
        "action": str,
        "manifest": str,
        "mergeStrategy": str,
        "successCondition": str,
        "failureCondition": str,
        "flags": [str],
        "setOwnerReference": bool,
    },
    "initContainers": [{**CONTAINER, "name!": str}],
    "sidecars": [{}],
    "volumes": [VOLUME],
    "parallelism": int,
    "activeDeadlineSeconds": _NUMBER_OR_TEXT,
    "podSpecPatch": str,
    "failFast": bool,
    "retryStrategy": {
        "limit": _NUMBER_OR_TEXT,
        "retryPolicy": str,
        "expression": str,
        "backoff": {"duration": _NUMBER_OR_TEXT, "factor": _NUMBER_OR_TEXT, "maxDuration": _NUMBER_OR_TEXT},
    },
}
WORKFLOW: Shape = {
    "metadata": {"name": str, "generateName": str, "namespace": str, "uid": str, "creationTimestamp": str, **_METADATA},
    "spec!": {
        "entrypoint": str,
        "onExit": str,
        "serviceAccountName": str,
        "arguments": _ARGUMENTS,
        "parallelism": int,
        "activeDeadlineSeconds": int,
        "volumes": [VOLUME],
        "podMetadata": _METADATA,
        "templates": [_TEMPLATE],
    },
}


def misshapen(workflow: Any) -> List[str]:
    """Return what is wrong with the form of a Workflow, each with the place where it is; empty when all is right.

    Examples
    --------
    >>> misshapen({"spec": {"templates": {}}})
    ['spec.templates must be a list']
    """
    return [] if _is_workflow(workflow) else list(problems(workflow, WORKFLOW, ""))


def _checker(shape: Shape) -> Callable[[Any], bool]:
    """Return what tells whether ``problems`` would find none in a value of a shape, and that much sooner."""
    if isinstance(shape, list):
        of_item = _checker(shape[0])
        return lambda value: isinstance(value, list) and all(item is not None and of_item(item) for item in value)
    if isinstance(shape, dict):
        required = [name[:-1] for name in shape if name.endswith("!")]
        of_fields = {name.rstrip("!"): _checker(inner) for name, inner in shape.items() if name != "*"}
        of_others = _checker(shape["*"]) if "*" in shape else None

        def fits(value: Any) -> bool:
            if not isinstance(value, dict):
                return False
            for name, held in value.items():
                of_field = of_fields.get(name)
                if of_others is not None and held is not None and not of_others(held):
                    return False
                if of_field is not None and held is not None and held != "" and not of_field(held):
                    return False
            return all(value.get(name) not in (None, "") for name in required)

        return fits
    if shape is object:
        return lambda value: True
    types = shape if isinstance(shape, tuple) else (shape,)
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


def problems(value: Any, shape: Shape, place: str) -> Iterator[str]:
    """Tell in which way a value at a place has not the shape that it must have."""
    if value is None or shape is object:
        return
    where = place or "the workflow"
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} must be a list"
            return
        for number, item in enumerate(value):
            if item is None:
                yield f"{place}[{number}] is empty"
            yield from problems(item, shape[0], f"{place}[{number}]")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{where} must be an object"
            return
        yield from _of_object(value, shape, place)
    else:
        types = shape if isinstance(shape, tuple) else (shape,)
        fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        if not fits:
            yield f"{where} must be {' or '.join(_NAMES[kind] for kind in types if kind is not float)}"


_is_workflow = _checker(WORKFLOW)
_NAMES: Mapping[type, str] = {str: "a text", int: "a number", bool: "true or false"}


def _of_object(value: Dict[str, Any], shape: Dict[str, Any], place: str) -> Iterator[str]:
    prefix = f"{place}." if place else ""
    for name, inner in shape.items():
        if name == "*":
            for other in value:
                yield from problems(value[other], inner, f"{prefix}{other}")
            continue
        key = name.rstrip("!")
        found = value.get(key)
        if found is not None and found != "":
            yield from problems(found, inner, f"{prefix}{key}")
        elif name != key:
            yield f"{prefix}{key} is required"
