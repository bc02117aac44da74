"""Step caching: the same template with the same inputs gives the outputs of an earlier step.

The steps of V2_COMPATIBLE pipelines are known again by other signs (``launcher_caching.py``).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Dict, List, Mapping, Optional

from ..artifacts import ArtifactStore
from ..workflow.inputs import Inputs
from .claim_steps import acts_on_claims
from .launcher_caching import fingerprint, is_of_launcher, replayed

ENABLED = "pipelines.kubeflow.org/enable_caching"
STALENESS = "pipelines.kubeflow.org/max_cache_staleness"
_DURATION = re.compile(
    r"P(?:(?P<Y>\d+(?:\.\d+)?)Y)?(?:(?P<M>\d+(?:\.\d+)?)M)?(?:(?P<W>\d+(?:\.\d+)?)W)?(?:(?P<D>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {"Y": 8765.81 * 3600, "M": 730.4841667 * 3600, "W": 7 * 86400, "D": 86400, "h": 3600, "m": 60, "s": 1}
_CONTAINER = ("image", "command", "args", "env", "envFrom", "volumeMounts", "workingDir")
_TEMPLATE = ("outputs", "volumes", "initContainers")


def cache_key(template: Mapping[str, Any], inputs: Inputs, python: str) -> Optional[str]:
    """Return the key under which a step's outputs are remembered, or None when it must not use the cache.

    ``template`` has its placeholders replaced, so that a step that uses ``{{workflow.uid}}`` has a key of its own in
    every run. Input artifacts count by where they are stored, as in Kubeflow Pipelines. The interpreter stands for
    the image, which is not used.
    """
    metadata = template.get("metadata") or {}
    if str((metadata.get("labels") or {}).get(ENABLED, "")).lower() != "true" or acts_on_claims(template):
        return None
    if is_of_launcher(template):
        relevant = fingerprint(template, inputs)
    else:
        container = template.get("container") or {}
        relevant = {
            "container": {key: container.get(key) for key in _CONTAINER},
            "template": {key: template.get(key) for key in _TEMPLATE},
            "inputs": inputs.as_status(),
        }
    if relevant is None:
        return None
    return hashlib.sha256(json.dumps({**relevant, "python": python}, sort_keys=True).encode()).hexdigest()


def max_age(template: Mapping[str, Any]) -> Optional[float]:
    """Return how old, in seconds, a remembered output may be; None for any age.

    What a step gives that takes nothing from the cache (an age of 0) is remembered all the same: those that come
    after it, and may, take the newest.
    """
    text = ((template.get("metadata") or {}).get("annotations") or {}).get(STALENESS)
    return None if text is None or is_of_launcher(template) else iso_seconds(str(text))


def iso_seconds(text: str) -> Optional[float]:
    """Return the seconds of an ISO 8601 duration; None for a text that is none, which limits nothing.

    Months and years have their mean length.

    Examples
    --------
    >>> iso_seconds("P0D"), iso_seconds("P1DT2H"), iso_seconds("1 day")
    (0.0, 93600.0, None)
    """
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    return float(sum(float(number) * _SECONDS[unit] for unit, number in match.groupdict().items() if number))


def reusable(template: Mapping[str, Any], outputs: Mapping[str, Any], store: ArtifactStore) -> Optional[Dict[str, Any]]:
    """Return remembered outputs as those of a step with this template; None when they are not there any more."""
    if not all(map(store.exists, artifact_keys(outputs))):
        return None
    return replayed(template, outputs, store.text) if is_of_launcher(template) else dict(outputs)


def artifact_keys(outputs: Mapping[str, Any]) -> List[str]:
    """Return the storage keys of the artifacts among remembered outputs."""
    return [artifact["s3"]["key"] for artifact in outputs.get("artifacts") or [] if "s3" in artifact]
