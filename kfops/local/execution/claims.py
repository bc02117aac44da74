"""PersistentVolumeClaims as folders below ``<data dir>/volumes``, each named like its claim.

A pipeline creates a claim by a resource template (``dsl.VolumeOp``); a claim that exists outside of a pipeline on a
cluster is here a folder that somebody has made. What Kubernetes would know about a created claim stands in a file
beside the folders.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_CREATED_BY = "kfops/created-by"


class ClaimError(Exception):
    """What kubectl would have said instead of doing what it was asked for."""


def is_claim_name(name: str) -> bool:
    """Tell whether a claim may have this name; only then it is one of a folder."""
    return _NAME.fullmatch(name) is not None


class Claims:
    """The claims of one backend."""

    def __init__(self, folder: Path) -> None:
        #: Where the folders of all claims are.
        self.folder = folder
        self._records = folder / ".claims"

    def folder_of(self, name: str) -> Optional[Path]:
        """Return the folder of a claim, or None when there is no such claim."""
        if not is_claim_name(name) or not self._exists(name):
            return None
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def missing(self, name: str) -> str:
        """Return the message for a claim that is not there."""
        if not is_claim_name(name):
            return f'persistentvolumeclaim "{name}" not found: no claim can have this name'
        return (
            f'persistentvolumeclaim "{name}" not found: on a cluster this step would stay Pending. '
            f"Create it in the pipeline (dsl.VolumeOp), or make the folder {self.folder / name}"
        )

    def get(self, name: str) -> Dict[str, Any]:
        """Return a claim as Kubernetes describes it; raises ClaimError when there is none of that name."""
        if self.folder_of(name) is None:
            raise ClaimError(f'Error from server (NotFound): persistentvolumeclaims "{name}" not found')
        try:
            return json.loads(self._record(name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]
        except OSError:
            return _described({"metadata": {"name": name}, "spec": {}}, str(uuid.uuid5(uuid.NAMESPACE_OID, name)))

    def create(self, manifest: Mapping[str, Any], creator: str) -> Dict[str, Any]:
        """Make a claim and return its description.

        A second time by the same ``creator`` it is there already: the backend may have been killed in between.

        Raises
        ------
        ClaimError
            There is a claim of that name, or it is no name for one.
        """
        name = str(manifest["metadata"].get("name") or "")
        if manifest["metadata"].get("generateName") and not name:
            name = f"{manifest['metadata']['generateName']}{uuid.uuid5(uuid.NAMESPACE_OID, creator).hex[:5]}"
        if not is_claim_name(name):
            raise ClaimError(f'The PersistentVolumeClaim "{name}" is invalid: metadata.name: Invalid value: "{name}"')
        if self._exists(name):
            found = self.get(name)
            if found["metadata"].get("annotations", {}).get(_CREATED_BY) != creator:
                raise ClaimError(f'Error from server (AlreadyExists): persistentvolumeclaims "{name}" already exists')
            return found
        made = _described(_with(manifest, name, creator), str(uuid.uuid4()))
        self._records.mkdir(parents=True, exist_ok=True)
        self._write(name, made)
        (self.folder / name).mkdir(exist_ok=True)
        return made

    def apply(self, manifest: Mapping[str, Any], creator: str) -> Dict[str, Any]:
        """Make a claim unless it exists, and return its description."""
        name = str(manifest["metadata"].get("name") or "")
        return self.get(name) if self.folder_of(name) is not None else self.create(manifest, creator)

    def delete(self, name: str, *, missing_is_fine: bool = False) -> bool:
        """Remove a claim with all that is in it; tell whether it was there.

        Raises
        ------
        ClaimError
            There is none of that name, and that is not fine.
        """
        folder = self.folder_of(name)
        if folder is None:
            if missing_is_fine:
                return False
            self.get(name)
            return False
        if folder.is_symlink():  # somebody has put a link here: what it leads to is not ours
            folder.unlink()
        else:
            shutil.rmtree(str(folder))
        if self._record(name).exists():
            self._record(name).unlink()
        return True

    def _exists(self, name: str) -> bool:
        return (self.folder / name).is_dir() or self._record(name).is_file()

    def _record(self, name: str) -> Path:
        return self._records / f"{name}.json"

    def _write(self, name: str, claim: Mapping[str, Any]) -> None:
        partial = self._records / f".{name}.{uuid.uuid4().hex}"
        with open(partial, "w", encoding="utf-8") as file:
            json.dump(claim, file)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(str(partial), str(self._record(name)))  # unlike a rename, it fails where another was quicker
        except FileExistsError:
            raise ClaimError(
                f'Error from server (AlreadyExists): persistentvolumeclaims "{name}" already exists'
            ) from None
        finally:
            partial.unlink()


def _with(manifest: Mapping[str, Any], name: str, creator: str) -> Dict[str, Any]:
    metadata = dict(manifest["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), _CREATED_BY: creator}
    return {**manifest, "metadata": {**metadata, "name": name}}


def _described(claim: Mapping[str, Any], uid: str) -> Dict[str, Any]:
    """Return a claim with what Kubernetes adds to it: here it is bound at once, and as large as was asked for."""
    spec = claim.get("spec") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    modes = spec.get("accessModes") or ["ReadWriteMany"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "kubeflow", "creationTimestamp": now, "uid": uid, **claim["metadata"]},
        "spec": {"volumeMode": "Filesystem", "volumeName": f"pvc-{uid}", **spec},
        "status": {
            "phase": "Bound",
            "accessModes": modes,
            "capacity": {} if asked is None else {"storage": str(asked)},
        },
    }
