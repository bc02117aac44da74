"""A package as it is uploaded: YAML, or a zip or tar.gz with one YAML file in it.

Nothing is ever written to the disk on the way, so a path or a link in an archive leads nowhere; links are refused,
because what they would lead to is not in the archive. What an archive or YAML's aliases grow to is limited.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any

import yaml

from ..problems import Invalid

MAX_SIZE = 32 * 1024 * 1024
#: Values that YAML may amount to once its aliases are written out; the largest real packages have some 100,000.
MAX_VALUES = 2_000_000
_MAX_MEMBERS = 1000


@dataclass(frozen=True)
class UploadedPackage:
    """``text`` as it was written, ``workflow`` the same as data."""

    text: str
    workflow: dict[str, Any]

    @property
    def parameters(self) -> list[dict[str, str]]:
        """The workflow's parameters, ``{"name", "value"}``."""
        return [
            {"name": parameter["name"], "value": str(parameter.get("value") or "")}
            for parameter in self.workflow["spec"].get("arguments", {}).get("parameters", [])
        ]

    @property
    def workflow_json(self) -> str:
        """The workflow as JSON."""
        return json.dumps(self.workflow, separators=(",", ":"))


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: dates and 12:30:45 are text, not times and numbers in base 60."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:timestamp",)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _first, _resolvers in _Loader.yaml_implicit_resolvers.items():
    _Loader.yaml_implicit_resolvers[_first] = [
        (tag, re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"))
        if tag == "tag:yaml.org,2002:int"
        else (tag, pattern)
        for tag, pattern in _resolvers
    ]


def read_package(content: bytes) -> UploadedPackage:
    """Return the package in an uploaded file; raises Invalid for everything that is not one."""
    if len(content) > MAX_SIZE:
        raise Invalid("File size too large. Maximum supported file size is 32 MiB.")
    if content.startswith(b"PK\x03\x04"):
        content = _from_zip(content)
    elif content.startswith(b"\x1f\x8b"):
        content = _from_tar(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("The package is neither YAML in UTF-8, nor a zip or tar.gz file.") from None
    return UploadedPackage(text, read_workflow(text))


def read_workflow(text: str) -> dict[str, Any]:
    """Return the workflow that a YAML or JSON text describes; raises Invalid."""
    return _check_workflow(_parse(text))


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
        _count(found, {})
        return json.loads(json.dumps(found, allow_nan=False))  # what is not JSON is not a workflow either
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise Invalid(f"The package is not YAML: {error.problem or error.context}{where}.") from None
    except yaml.YAMLError:
        raise Invalid("The package is not YAML: it has characters that YAML does not allow.") from None
    except (ValueError, TypeError, OverflowError):
        raise Invalid("The package holds a value that JSON cannot express.") from None
    except RecursionError:
        raise Invalid("The package is nested too deeply.") from None


def _count(value: Any, sizes: dict[int, int | None]) -> int:
    """Return how many values ``value`` holds with all aliases written out, without writing them out."""
    if not isinstance(value, (dict, list)):
        return 1
    known = sizes.get(id(value), 0)
    if known is None:
        raise Invalid("The package's YAML holds itself through an alias.")
    if known:
        return known
    sizes[id(value)] = None
    children = value.values() if isinstance(value, dict) else value
    size = 1 + sum(_count(child, sizes) for child in children)
    if size > MAX_VALUES:
        raise Invalid("The package's YAML is too large once its aliases are written out.")
    sizes[id(value)] = size
    return size


def _check_workflow(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Invalid("The package is not a workflow: it is not a mapping.")
    if found.get("kind") != "Workflow" or not str(found.get("apiVersion", "")).startswith("argoproj.io/"):
        raise Invalid(
            f"The package is not an Argo Workflow (apiVersion {found.get('apiVersion')!r}, kind {found.get('kind')!r})."
        )
    spec = found.get("spec")
    if not isinstance(spec, dict) or not isinstance(found.get("metadata", {}), dict):
        raise Invalid("The workflow has no spec.")
    arguments = spec.get("arguments") or {}
    parameters = arguments.get("parameters") or [] if isinstance(arguments, dict) else None
    if not isinstance(parameters, list) or not all(
        isinstance(parameter, dict) and isinstance(parameter.get("name"), str) for parameter in parameters
    ):
        raise Invalid("The workflow's parameters must be a list of mappings with a name.")
    if not isinstance(spec.get("templates", []), list):
        raise Invalid("The workflow's templates must be a list.")
    spec["arguments"] = {**arguments, "parameters": [_with_text(parameter) for parameter in parameters]}
    return found


def _with_text(parameter: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter with its value as text, which it always is in Argo."""
    value = parameter.get("value")
    if value is None or isinstance(value, str):
        return parameter
    return {**parameter, "value": json.dumps(value)}


def _from_zip(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist()[:_MAX_MEMBERS] if not member.is_dir()]
            if not members:
                raise Invalid("The zip file is empty.")
            chosen = next((member for member in members if member.filename == "pipeline.yaml"), members[0])
            if (chosen.external_attr >> 16) & 0o170000 == 0o120000:
                raise Invalid(f"The zip file's {chosen.filename!r} is a symbolic link.")
            with archive.open(chosen) as file:
                return _read(file, "zip")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
        raise Invalid("The zip file is broken or encrypted.") from None


def _from_tar(content: bytes) -> bytes:
    try:
        # Unpacked here and not by tarfile, which would read a header of any size into memory.
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            plain = packed.read(2 * MAX_SIZE + 1)
        if len(plain) > 2 * MAX_SIZE:
            raise Invalid("The tar.gz file's content is too large. Maximum supported size is 32 MiB.")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            first: bytes | None = None
            for number, member in enumerate(archive):
                if number >= _MAX_MEMBERS:
                    break
                if member.isdir() or (first is not None and member.name != "pipeline.yaml"):
                    continue
                file = archive.extractfile(member) if member.isfile() else None
                if file is None:
                    raise Invalid(f"The tar.gz file's {member.name!r} is not an ordinary file.")
                found = _read(file, "tar.gz")
                if member.name == "pipeline.yaml":
                    return found
                first = found
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError):
        raise Invalid("The tar.gz file is broken.") from None
    if first is None:
        raise Invalid("The tar.gz file is empty.")
    return first


def _read(file: IO[bytes], kind: str) -> bytes:
    found = file.read(MAX_SIZE + 1)
    if len(found) > MAX_SIZE:
        raise Invalid(f"The {kind} file's content is too large. Maximum supported size is 32 MiB.")
    return found
