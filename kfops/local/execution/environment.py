"""The environment of a container step: what the template asks for, on top of a little of the backend's own."""

from __future__ import annotations

import json
import os
import re
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from ..workflow.substitution import as_text
from .quantities import resource_field

_KEPT = {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "SHELL", "LD_LIBRARY_PATH", "XDG_CACHE_HOME"}
_KEPT |= {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "CONDA_PREFIX"}
_KEPT_FAMILIES = ("LC_", "PIP_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_REFERENCE = re.compile(r"\$(\$|\(([^()]+)\))")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_MAP_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class StepError(Exception):
    """A step cannot be started, or its outputs cannot be taken; the node becomes an Error with this message."""


@dataclass(frozen=True)
class Pod:
    """What the downward API tells a container about its pod."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    service_account: str = ""

    def field(self, path: str) -> Optional[str]:
        """Return the value of a ``fieldPath``, or None for one that is not known."""
        of_map = _MAP_FIELD.fullmatch(path)
        if of_map:
            return (self.labels if of_map.group(1) == "labels" else self.annotations).get(of_map.group(2), "")
        told = _FIELDS.get(path)
        return None if told is None else told(self)


_FIELDS: Dict[str, Callable[[Pod], str]] = {
    "metadata.name": lambda pod: pod.name,
    "metadata.namespace": lambda pod: pod.namespace,
    "metadata.uid": lambda pod: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{pod.namespace}/{pod.name}")),
    "spec.nodeName": lambda pod: socket.gethostname(),
    "spec.serviceAccountName": lambda pod: pod.service_account,
    "status.podIP": lambda pod: "127.0.0.1",
    "status.podIPs": lambda pod: "127.0.0.1",
    "status.hostIP": lambda pod: "127.0.0.1",
    "metadata.labels": lambda pod: _lines(pod.labels),
    "metadata.annotations": lambda pod: _lines(pod.annotations),
}


class SecretValues:
    """Secrets and config maps, kept in one YAML file: ``{name: {key: value}}``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, name: str) -> Optional[Dict[str, str]]:
        """Return the keys and values of a Secret or ConfigMap, or None when there is none of that name.

        Raises
        ------
        StepError
            The file is no such YAML.
        """
        if not self._path.is_file():
            return None
        import yaml

        try:
            content = yaml.safe_load(self._path.read_text(encoding="utf-8")) or {}
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise StepError(f"{self._path} cannot be read: {error}") from error
        found = content.get(name) if isinstance(content, dict) else None
        if found is None:
            return None
        if not isinstance(found, dict):
            raise StepError(f"{self._path}: {name} is not a map of keys to values")
        return {str(key): _held(value) for key, value in found.items()}

    @property
    def path(self) -> Path:
        """The file."""
        return self._path


def _held(value: Any) -> str:
    """Return a value of the file as text; what is written as binary is kept byte for byte."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else as_text(value)


def inherited(environ: Mapping[str, str]) -> Dict[str, str]:
    """Return what steps get of the backend's environment: no tokens, nothing of Jupyter's or the backend's own."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _KEPT or name.startswith(_KEPT_FAMILIES) or name.lower() in _PROXIES
    }
    # A step that calls kubectl, or Kubernetes' client, must not reach the cluster that the user happens to work with.
    return {**kept, "KUBECONFIG": os.devnull}


def container_environment(container: Mapping[str, Any], pod: Pod, secrets: SecretValues) -> Dict[str, str]:
    """Return the variables that a container's template sets, with ``$(VAR)`` expanded as Kubernetes does.

    Raises
    ------
    StepError
        It refers to a Secret, ConfigMap, key or field that does not exist and is not optional.
    """
    values: Dict[str, str] = {}
    for source in container.get("envFrom") or []:
        for kind in ("configMapRef", "secretRef"):
            if kind in source:
                prefix = source.get("prefix") or ""
                for key, value in _source(source[kind], kind, secrets).items():
                    if _VARIABLE.fullmatch(prefix + key) is not None:  # as in Kubernetes, others are left out
                        values[prefix + key] = value
    for variable in container.get("env") or []:
        if _VARIABLE.fullmatch(variable["name"]) is None:
            raise StepError(f"env {variable['name']!r} is not the name of a variable")
        given = _value(variable, container, pod, secrets)
        if given is not None:  # only what stands in the template is expanded, not what is referred to
            values[variable["name"]] = given if variable.get("valueFrom") else expand(given, values)
    return values


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace ``$(VAR)`` by its value; ``$$`` is a dollar sign; an unknown name stays as it is.

    Examples
    --------
    >>> expand("$(A) $$(A) $(B)", {"A": "1"})
    '1 $(A) $(B)'
    """

    def one(match: re.Match[str]) -> str:
        if match.group(1) == "$":
            return "$"
        return values.get(match.group(2), match.group(0))

    return _REFERENCE.sub(one, text)


def command_line(container: Mapping[str, Any], values: Mapping[str, str]) -> List[str]:
    """Return command and arguments with ``$(VAR)`` expanded."""
    words = list(container.get("command") or []) + list(container.get("args") or [])
    return [expand(as_text(word), values) for word in words]


def with_interpreter_first(values: Dict[str, str], folder: str) -> None:
    """Put the folder of the pipeline environment's interpreter first on PATH."""
    rest = [part for part in values.get("PATH", os.defpath).split(os.pathsep) if part and part != folder]
    values["PATH"] = os.pathsep.join([folder, *rest])


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items()))


def _source(reference: Mapping[str, Any], kind: str, secrets: SecretValues) -> Dict[str, str]:
    found = secrets.of(reference.get("name", ""))
    if found is None:
        if reference.get("optional"):
            return {}
        raise StepError(missing(kind[: -len("Ref")], reference.get("name", ""), "", secrets))
    return found


def _value(variable: Mapping[str, Any], container: Mapping[str, Any], pod: Pod, secrets: SecretValues) -> Optional[str]:
    source = variable.get("valueFrom")
    if not source:
        return as_text(variable.get("value") if variable.get("value") is not None else "")
    for kind in ("fieldRef", "resourceFieldRef"):
        if kind in source:
            try:
                told = pod.field(source[kind].get("fieldPath", "")) if kind == "fieldRef" else None
                told = resource_field(container, source[kind]) if kind == "resourceFieldRef" else told
            except ValueError as error:
                raise StepError(f"env {variable['name']}: {error}") from error
            if told is None:
                asked = source[kind].get("fieldPath") or source[kind].get("resource")
                raise StepError(f"env {variable['name']}: the field {asked!r} is not known")
            return told
    for kind in ("secretKeyRef", "configMapKeyRef"):
        if kind in source:
            name, key = source[kind].get("name", ""), source[kind].get("key", "")
            held = (secrets.of(name) or {}).get(key)
            if held is None and not source[kind].get("optional"):
                raise StepError(missing(kind[: -len("KeyRef")], name, key, secrets))
            return held
    raise StepError(f"env {variable['name']}: valueFrom {', '.join(sorted(source))} is not emulated")


def missing(kind: str, name: str, key: str, secrets: SecretValues) -> str:
    """Return the message for a ``secret`` or ``configMap``, or a key of it, that is not there."""
    what = {"secret": "secret", "configMap": "configmap"}[kind]
    entry = f'key "{key}" of {what} "{name}"' if key else f'{what} "{name}"'
    return f"{entry} not found: write it to {secrets.path} as {{{name}: {{{key or 'KEY'}: value}}}}"
