"""Step caching: the same template with the same inputs gives the outputs of an earlier step."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, List, Mapping, Optional

from ..workflow.inputs import Inputs
from .claim_steps import acts_on_claims

ENABLED = "pipelines.kubeflow.org/enable_caching"
STALENESS = "pipelines.kubeflow.org/max_cache_staleness"
_DURATION = re.compile(
    r"P(?:(?P<Y>\d+(?:\.\d+)?)Y)?(?:(?P<M>\d+(?:\.\d+)?)M)?(?:(?P<W>\d+(?:\.\d+)?)W)?(?:(?P<D>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {"Y": 365 * 86400, "M": 30 * 86400, "W": 7 * 86400, "D": 86400, "h": 3600, "m": 60, "s": 1}
_CONTAINER = ("image", "command", "args", "env", "envFrom", "volumeMounts", "workingDir")
_TEMPLATE = ("outputs", "volumes", "initContainers")


def cache_key(template: Mapping[str, Any], inputs: Inputs, python: str) -> Optional[str]:
    """Return the key under which a step's outputs are remembered, or None when it must not use the cache.

    ``template`` has its placeholders replaced, so that a step that uses ``{{workflow.uid}}`` has a key of its own in
    every run. Input artifacts count by where they are stored, as in Kubeflow Pipelines. The interpreter stands for
    the image, which is not used.
    """
    metadata = template.get("metadata") or {}
    if str((metadata.get("labels") or {}).get(ENABLED, "")).lower() != "true":
        return None
    if max_age(template) == 0.0 or acts_on_claims(template):
        return None
    container = template.get("container") or {}
    relevant = {
        "container": {key: container.get(key) for key in _CONTAINER},
        "template": {key: template.get(key) for key in _TEMPLATE},
        "inputs": inputs.as_status(),
        "python": python,
    }
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()


def max_age(template: Mapping[str, Any]) -> Optional[float]:
    """Return how old, in seconds, a remembered output may be; None for any age."""
    text = ((template.get("metadata") or {}).get("annotations") or {}).get(STALENESS)
    return None if not text else iso_seconds(str(text))


def iso_seconds(text: str) -> float:
    """Return the seconds of an ISO 8601 duration; one that cannot be read is 0, which asks for no caching.

    Examples
    --------
    >>> iso_seconds("P0D"), iso_seconds("P1DT2H")
    (0.0, 93600.0)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return 0.0
    return float(sum(float(number) * _SECONDS[unit] for unit, number in match.groupdict().items() if number))


def artifact_keys(outputs: Mapping[str, Any]) -> List[str]:
    """Return the storage keys of the artifacts among remembered outputs."""
    return [artifact["s3"]["key"] for artifact in outputs.get("artifacts") or [] if "s3" in artifact]
