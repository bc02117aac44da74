"""Layers of packages: what steps want installed beside the pipeline environment, installed once and kept.

A layer is a folder that pip has filled, named by all that decides what pip puts there. It comes first where the
step's Python looks for modules. The step that wants it first makes it, with pip's output in its log; other steps that
want the same wait for it. A layer gets its name when it is complete, so none is ever seen half made.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Awaitable, Callable, Dict, List, Mapping, Optional, Sequence

from ..executors.base import Ended

#: kfp 1.7.0 cannot be imported beside later versions of these.
KFP_NEEDS = "urllib3<2\nsetuptools<81\nPyYAML<6\njsonschema<4\nclick<8\nprotobuf<4\nkubernetes<13\ngoogle-auth<2\n"
#: Names a step's layer to the ``sitecustomize`` of ``executors/layer_files``.
VARIABLE = "KFOPS_PACKAGES"
_SITE, _ACCOUNT, _CONSTRAINTS = "site", "layer.json", "constraints.txt"
_HALF_MADE = ".making-"
_KEPT_DAYS = 60


@dataclass(frozen=True)
class Layer:
    """A layer, which need not be there yet."""

    folder: Path
    requirements: List[str]

    @property
    def site(self) -> Path:
        """The folder with the modules."""
        return self.folder / _SITE

    @property
    def made(self) -> bool:
        """Whether it is there."""
        return (self.folder / _ACCOUNT).is_file()

    def show(self, variables: Dict[str, str], customization: Path) -> None:
        """Let a step's variables name the layer before anything else; ``customization`` has our ``sitecustomize``."""
        folders = [str(self.site), str(customization), variables.get("PYTHONPATH", "")]
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
        variables["PATH"] = os.pathsep.join([str(self.site / "bin"), variables.get("PATH") or os.defpath])
        variables[VARIABLE] = str(self.site)


@dataclass(frozen=True)
class HalfMade:
    """Where pip is to install a layer, and the constraints it is to keep."""

    folder: Path

    def command(self, python: str, requirements: Sequence[str]) -> List[str]:
        """Return pip's command line."""
        options = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location", "--no-input"]
        place = ["--target", str(self.folder / _SITE), "--constraint", str(self.folder / _CONSTRAINTS)]
        return [python, "-m", "pip", "install", *options, *place, "--", *requirements]


class Layers:
    """The layers in a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "packages"
        self._making: Dict[Path, asyncio.Lock] = {}

    def layer(self, requirements: Sequence[str], python: str, environment: Mapping[str, str]) -> Layer:
        """Return the layer of some requirements for an interpreter, and pip as it is configured for a step."""
        wanted = sorted(set(requirements))
        deciding = [wanted, _interpreter(python), KFP_NEEDS, _configuration(python, environment)]
        key = hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:32]
        return Layer(self._folder / key, wanted)

    async def ready(self, layer: Layer, install: Callable[[HalfMade], Awaitable[Ended]]) -> Optional[Ended]:
        """Have a layer made unless it is there; return how pip ended where it did not succeed, else None."""
        if self._used(layer):
            return None
        # A lock for each layer that this process has made: there are few.
        async with self._making.setdefault(layer.folder, asyncio.Lock()):
            if self._used(layer):
                return None
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            half_made = HalfMade(Path(tempfile.mkdtemp(prefix=_HALF_MADE, dir=str(self._folder))))
            try:
                (half_made.folder / _CONSTRAINTS).write_text(KFP_NEEDS, encoding="utf-8")
                ended = await install(half_made)
                if ended.succeeded:
                    await asyncio.get_event_loop().run_in_executor(None, _complete, half_made.folder, layer)
                return None if ended.succeeded else ended
            finally:
                _remove_soon([half_made.folder])

    def tidy(self) -> None:
        """Remove what a backend that was killed has left half made, and layers that nobody has used for long."""
        oldest = time.time() - _KEPT_DAYS * 86400
        _remove_soon([folder for folder in self._inside() if _last_used(folder) < oldest])

    def _inside(self) -> List[Path]:
        try:
            return list(self._folder.iterdir())
        except OSError:
            return []

    @staticmethod
    def _used(layer: Layer) -> bool:
        """Note that a layer is used, and return whether it is there."""
        try:
            os.utime(str(layer.folder / _ACCOUNT))
        except OSError:
            return False
        return True


def cacheable(requirement: str) -> bool:
    """Tell whether a requirement names a release, and not a file or address whose content may change.

    Examples
    --------
    >>> cacheable("pandas>=1,<2"), cacheable("git+https://example.org/x"), cacheable("./x-1.0.whl")
    (True, False, False)
    """
    text = requirement.partition(";")[0].strip()
    return not any(mark in text for mark in ("/", "\\", "@")) and not text.startswith((".", "-")) and _names(text)


def _names(text: str) -> bool:
    return bool(text) and not text.lower().endswith((".whl", ".zip", ".gz", ".bz2", ".txt"))


def _complete(half_made: Path, layer: Layer) -> None:
    size = sum(path.lstat().st_size for path in half_made.rglob("*"))
    account = {"requirements": layer.requirements, "size": size, "made_at": round(time.time())}
    (half_made / _ACCOUNT).write_text(json.dumps(account), encoding="utf-8")
    try:
        os.rename(str(half_made), str(layer.folder))
    except OSError:
        if not layer.made:  # else another process was quicker, and its layer is as good
            raise


def _last_used(folder: Path) -> float:
    try:
        return (folder / _ACCOUNT).stat().st_mtime
    except OSError:
        return 0.0  # half made


def _remove_soon(folders: List[Path]) -> None:
    """Remove folders in a thread: a layer may have many thousand files."""
    present = [str(folder) for folder in folders if folder.exists()]
    if present:
        threading.Thread(target=_remove, args=(present,)).start()


def _remove(folders: List[str]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _interpreter(python: str) -> List[str]:
    """Return what names an interpreter, and changes when another one takes its place."""
    real = os.path.realpath(python)
    found = os.stat(real)
    return [python, real, str(found.st_mtime_ns), str(found.st_size)]


def _configuration(python: str, environment: Mapping[str, str]) -> List[str]:
    """Return pip's variables, and the content of its configuration files as a hash: they may hold passwords."""
    variables = [f"{name}={value}" for name, value in sorted(environment.items()) if name.startswith("PIP_")]
    home = environment.get("HOME") or os.path.expanduser("~")
    configured = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    folders = ["/etc", "/etc/xdg/pip", os.path.join(home, ".pip"), os.path.join(configured, "pip")]
    folders.append(os.path.dirname(os.path.dirname(python)))  # a virtual environment
    files = [*(os.path.join(folder, "pip.conf") for folder in folders), environment.get("PIP_CONFIG_FILE", "")]
    content = hashlib.sha256()
    for name in files:
        try:
            content.update(Path(name).read_bytes() if name else b"")
        except OSError:
            content.update(b"-")
    return [*variables, content.hexdigest()]
