"""What a workflow does to PersistentVolumeClaims: resource templates, and the kubectl that ``.delete()`` compiles to.

Only claims are emulated. Any other Kubernetes object is refused by name before a run starts, and so is any other use
of kubectl: the machine's own might reach a real cluster.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional

from . import jsonpath, shape

ACTIONS = ("create", "apply", "get", "delete")
_CLAIM = "PersistentVolumeClaim"
_CLAIM_NAMES = ("pvc", "persistentvolumeclaim", "persistentvolumeclaims")
_MANIFEST: shape.Shape = {
    "kind!": str,
    "metadata!": {"name": str, "generateName": str, "annotations": {}, "labels": {}},
    "spec": {
        "accessModes": [str],
        "resources": {"requests": {"*": (str, int, float)}},
        "dataSource": {"kind": str},
        "dataSourceRef": {"kind": str},
    },
}
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")
#: A created claim is bound at once, so that these are met, and never met.
_MET = re.compile(r"\s*status\.phase\s*==?\s*Bound\s*")
_NEVER_MET = re.compile(r"\s*status\.phase\s*==?\s*(Lost|Failed|Pending)\s*")
_FLAGS = ("--ignore-not-found", "--ignore-not-found=true", "--wait=false", "--wait=true", "--wait", "--now")


def manifest_of(text: str) -> Dict[str, Any]:
    """Return the object that a manifest describes.

    Raises
    ------
    ValueError
        It is no YAML of one object with a kind and metadata.
    """
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"the manifest is not YAML: {' '.join(str(error).split())}") from error
    wrong = list(shape.problems(found or [], _MANIFEST, ""))
    if wrong:
        raise ValueError(f"of its manifest, {wrong[0]}")
    return {**found, "spec": found.get("spec") or {}}


def of_resource(template: Mapping[str, Any]) -> Iterator[str]:
    """Name everything of a resource template that is not emulated."""
    resource = template["resource"] or {}
    action = resource.get("action")
    try:
        manifest = manifest_of(_PLACEHOLDER.sub("x", resource.get("manifest") or ""))
    except ValueError as error:
        yield f"a resource template that cannot be read ({error})"
        return
    kind = manifest["kind"]
    if kind != _CLAIM:
        yield f"a resource template to {action} a {kind} (resource)"
        return
    if action not in ACTIONS:
        yield f"a resource template to {action} a {kind} (resource)"
    spec = manifest["spec"]
    for field in ("dataSource", "dataSourceRef"):
        if spec.get(field):
            yield f"a {kind} made from a {spec[field].get('kind', 'source')} ({field})"
    if spec.get("volumeMode") not in (None, "Filesystem"):
        yield f"a {kind} of volume mode {spec['volumeMode']}"
    if resource.get("successCondition") and not _MET.fullmatch(resource["successCondition"]):
        yield f"the success condition {resource['successCondition']!r} of a resource"
    if resource.get("failureCondition") and not _NEVER_MET.fullmatch(resource["failureCondition"]):
        yield f"the failure condition {resource['failureCondition']!r} of a resource"
    for flag in resource.get("flags") or []:
        if flag not in _FLAGS:
            yield f"the flag {flag!r} of a resource"
    yield from _of_outputs(template)


def _of_outputs(template: Mapping[str, Any]) -> Iterator[str]:
    for parameter in (template.get("outputs") or {}).get("parameters") or []:
        source = parameter.get("valueFrom") or {}
        if "jsonPath" not in source:
            continue
        try:
            jsonpath.parse(source["jsonPath"] or "")
        except ValueError:
            yield f"output parameter {parameter['name']!r} taken by the jsonPath {source['jsonPath']!r}"


def is_kubectl(argv: List[str]) -> bool:
    """Tell whether a command line runs kubectl."""
    return bool(argv) and posixpath.basename(argv[0]) == "kubectl"


def deleted_claim(argv: List[str]) -> Optional[str]:
    """Return the name of the claim that a kubectl command line deletes, or None when it does something else.

    Examples
    --------
    >>> deleted_claim("kubectl delete PersistentVolumeClaim data --ignore-not-found --output name".split())
    'data'
    """
    words = _without_options(argv[1:])
    if words is None or len(words) < 2 or words[0] != "delete":
        return None
    kind, slash, name = words[1].partition("/")
    names = [name] if slash else words[2:]
    return names[0] if kind.lower() in _CLAIM_NAMES and len(names) == 1 and names[0] else None


def _without_options(words: List[str]) -> Optional[List[str]]:
    """Return the words that are no options; None where there is an option that could change what is meant."""
    plain: List[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("--output", "-o", "--namespace", "-n"):
            next(rest, None)
        elif word.startswith("-") and word not in _FLAGS and not word.startswith(("--output=", "--namespace=", "-o=")):
            return None
        elif not word.startswith("-"):
            plain.append(word)
    return plain


def of_kubectl(argv: List[str]) -> Iterator[str]:
    """Name what a kubectl command line does that is not emulated."""
    if deleted_claim(argv) is None:
        what = " ".join(word for word in argv[:3] if not word.startswith("-"))
        yield f"{what!r}, which would act on a real cluster"
