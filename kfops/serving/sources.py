"""What the server has read of a notebook, a Python file or a package -> Package, with the configuration in force."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import tarfile
import zipfile
from typing import Any, Dict, Optional

import yaml

from kfops.compiling.finish import package_of
from kfops.config import Config, load
from kfops.errors import InvalidInput
from kfops.types import Package, Source

#: Bytes of a package that is unpacked; more is no pipeline.
LARGEST = 64 * 1024 * 1024

#: The annotation by which kfp 1.7.0 marks a package compiled in V2_COMPATIBLE mode.
_V2 = "pipelines.kubeflow.org/v2_pipeline"


def config_of(root: str, source: Optional[Dict[str, Any]] = None) -> Config:
    """Return the configuration found from a source's folder up, or from the server's root folder."""
    return load(start=folder_of(root, source))


def folder_of(root: str, source: Optional[Dict[str, Any]] = None) -> str:
    """Return the folder that a source's configuration is looked for from."""
    return os.path.dirname(path_of(root, source)) if source else root


def path_of(root: str, source: Dict[str, Any]) -> str:
    """Return where a source is, or would be for a contents manager that keeps no files."""
    return source.get("os_path") or os.path.join(root, source["path"])


def read_package(path: str, content: str, encoding: str) -> Package:
    """Return the package that a ``.yaml``, ``.zip`` or ``.tar.gz`` file holds; no code of it is executed.

    Raises
    ------
    InvalidInput
        It does not hold an Argo workflow.
    """
    try:
        data = base64.b64decode(content) if encoding == "base64" else content.encode("utf-8")
        workflow = yaml.load(_unpacked(path, data), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, tarfile.TarError, yaml.YAMLError) as error:
        raise _no_package(path, f"{type(error).__name__}: {error}".splitlines()[0]) from None
    if not isinstance(workflow, dict) or workflow.get("kind") != "Workflow" or not workflow.get("spec"):
        raise _no_package(path, "It does not hold an Argo workflow.")
    metadata = workflow.setdefault("metadata", {})
    v2 = str((metadata.get("annotations") or {}).get(_V2, "")).lower() == "true"
    source = Source(kind="package", path=path, sha256=hashlib.sha256(data).hexdigest())
    return package_of(workflow, "V2_COMPATIBLE" if v2 else "V1_LEGACY", source)


def _unpacked(path: str, data: bytes) -> bytes:
    name = path.lower()
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as zipped, zipped.open(_yaml_in(zipped.namelist())) as member:
            return _whole(member)
    if name.endswith(".tar.gz"):
        with gzip.open(io.BytesIO(data)) as unzipped, tarfile.open(fileobj=io.BytesIO(_whole(unzipped))) as archive:
            found = archive.extractfile(_yaml_in(archive.getnames()))
            if found is None:
                raise ValueError("it holds no file")
            return _whole(found)
    return data


def _yaml_in(names: Any) -> str:
    found = [name for name in names if name.endswith((".yaml", ".yml"))]
    if "pipeline.yaml" in found:
        return "pipeline.yaml"
    if len(found) != 1:
        raise ValueError(f"it holds {len(found)} YAML files, and none is called pipeline.yaml")
    return str(found[0])


def _whole(stream: Any) -> bytes:
    data: bytes = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes")
    return data


def _no_package(path: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"{os.path.basename(path)} is not a compiled pipeline.",
        why=why,
        remedy="Compile a notebook or a Python file instead, or take a package that kfp 1.7 has made.",
        path=path,
    )
