"""The volumes of a step, as folders of this machine.

A claim's folder belongs to the claim and outlives the step. What only this step has (emptyDir, and the files made of
secrets, config maps and fields of the pod) lies in the step's own folder and is removed with it.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from ..executors.base import Mount
from .claims import Claims
from .environment import Pod, SecretValues, StepError, expand, missing
from .quantities import resource_field

_MODE = 0o644
_OPEN = 0o1777


class Volumes:
    """The volumes that a step's containers share.

    Parameters
    ----------
    template
        The step's template, with every placeholder replaced.
    folder
        Where to keep what only this step has.
    """

    def __init__(
        self, template: Mapping[str, Any], folder: Path, pod: Pod, secrets: SecretValues, claims: Claims
    ) -> None:
        self._volumes = {volume["name"]: volume for volume in template.get("volumes") or []}
        self._folder = folder
        self._pod = pod
        self._secrets = secrets
        self._claims = claims
        self._main: Mapping[str, Any] = template.get("container") or {}
        self._made: Dict[str, Tuple[Path, bool]] = {}

    def mounts(self, container: Mapping[str, Any], environment: Mapping[str, str], unused: str = "") -> List[Mount]:
        """Return where a container sees which volume, but for the one at the place that is ``unused``.

        Raises
        ------
        StepError
            A volume needs a claim, a secret or a config map that does not exist, or a part of itself that is not there.
        """
        found = []
        for mount in container.get("volumeMounts") or []:
            if mount["mountPath"] == unused:
                continue
            source, read_only = self._source(mount["name"])
            inner = mount.get("subPath") or expand(mount.get("subPathExpr") or "", environment)
            if inner:
                source = _part(source, inner, mount["name"], read_only)
            path = posixpath.normpath(posixpath.join("/", mount["mountPath"]))
            found.append(Mount(path, str(source), read_only or bool(mount.get("readOnly"))))
        return found

    def _source(self, name: str) -> Tuple[Path, bool]:
        """Return a volume's folder, and whether nobody may write there."""
        if name not in self._made:
            volume = self._volumes.get(name)
            if volume is None:
                raise StepError(f"volume '{name}' not found in workflow spec")
            if volume.get("persistentVolumeClaim"):
                self._made[name] = self._claim(volume["persistentVolumeClaim"])
            else:
                self._made[name] = self._own(volume)
        return self._made[name]

    def _claim(self, reference: Mapping[str, Any]) -> Tuple[Path, bool]:
        claim = str(reference["claimName"])
        folder = self._claims.folder_of(claim)
        if folder is None:
            raise StepError(self._claims.missing(claim))
        return folder, bool(reference.get("readOnly"))

    def _own(self, volume: Mapping[str, Any]) -> Tuple[Path, bool]:
        folder = self._folder / str(len(self._made))  # whatever its name is, it is no path
        folder.mkdir(parents=True, exist_ok=True)
        kinds = [kind for kind in ("secret", "configMap", "downwardAPI", "projected") if kind in volume]
        if not kinds:
            folder.chmod(_OPEN)
            return folder, False
        source = volume[kinds[0]] or {}
        parts = source.get("sources") or [] if kinds[0] == "projected" else [{kinds[0]: source}]
        for part in parts:
            for kind, inner in part.items():
                self._write(folder, kind, inner or {}, int(source.get("defaultMode") or _MODE))
        return folder, True

    def _write(self, folder: Path, kind: str, source: Mapping[str, Any], mode: int) -> None:
        if kind == "downwardAPI":
            for item in source.get("items") or []:
                _write(folder, item["path"], self._told(item), item.get("mode"), mode)
            return
        name = str(source.get("secretName") or source.get("name") or "")
        held = self._secrets.of(name)
        if held is None:
            if source.get("optional"):
                return
            raise StepError(missing(kind, name, "", self._secrets))
        items = source.get("items")
        if items is None:
            items = [{"key": key, "path": key} for key in held]
        for item in items:
            key = str(item.get("key") or "")
            if key in held:
                _write(folder, item["path"], held[key], item.get("mode"), mode)
            elif not source.get("optional"):
                raise StepError(missing(kind, name, key, self._secrets))

    def _told(self, item: Mapping[str, Any]) -> str:
        field = item.get("fieldRef")
        if field:
            value = self._pod.field(field.get("fieldPath") or "")
        else:
            try:
                value = resource_field(self._main, item.get("resourceFieldRef") or {})
            except ValueError as error:
                raise StepError(f"the volume's file {item['path']}: {error}") from error
        if value is None:
            asked = field or item.get("resourceFieldRef") or {}
            raise StepError(f"the volume's file {item['path']}: the field {asked} is not known")
        return value


def _part(source: Path, inner: str, name: str, read_only: bool) -> Path:
    """Return the part of a volume that a ``subPath`` names; as on a cluster, one that is not there is made."""
    place = source / inner
    if posixpath.isabs(inner) or ".." in Path(inner).parts:
        raise StepError(f"volume '{name}': subPath {inner!r} must be a path inside of the volume")
    if not os.path.realpath(place).startswith(os.path.realpath(source) + os.sep) and place != source:
        raise StepError(f"volume '{name}': subPath {inner!r} leads out of the volume")
    if not place.exists():
        if read_only:
            raise StepError(f"volume '{name}': it has no {inner!r} (subPath), and nothing can be made in it")
        place.mkdir(parents=True)
        place.chmod(_OPEN)
    return place


def _write(folder: Path, path: str, text: str, own_mode: Any, mode: int) -> None:
    if posixpath.isabs(path) or ".." in Path(path).parts:
        raise StepError(f"a volume's file {path!r} must be a path inside of the volume")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.unlink()
    target.write_bytes(text.encode("utf-8", "surrogateescape"))
    target.chmod(int(mode if own_mode is None else own_mode) & 0o777)
