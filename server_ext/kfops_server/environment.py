"""Find the pipeline environment: the interpreter that has kfp 1.7.0 beside kfops.

In this order: the setting ``KfopsServer.python``, the variable ``KFOPS_PYTHON``, the server's own interpreter, the
interpreters of the registered Jupyter kernels. What is set but not usable is an error, never passed over.
"""

from __future__ import annotations

import asyncio
import glob
import importlib.util
import logging
import os
import re
import shutil
import sys
import time
from typing import Any, Dict, List, Mapping, Tuple

from jupyter_server.utils import ensure_async

from kfops.errors import WorkerError

from .interpreter import KFP_VERSION, Interpreter, ask

#: The kernel that kfops-lab registers.
KERNEL_NAME = "kfops"
KERNEL_TITLE = "Python (kfp 1.7)"

INSTALL_COMMAND = (
    "python3.11 -m venv kfp && kfp/bin/pip install 'kfops-lab[kernel]' && "
    f'kfp/bin/python -m ipykernel install --user --name {KERNEL_NAME} --display-name "{KERNEL_TITLE}"'
)

#: Seconds after which an interpreter that was not usable is asked again even if nothing seems to have changed.
RECHECK = 30.0

Fingerprint = Tuple[float, ...]


class EnvironmentFinder:
    """Looks for the pipeline environment; what an interpreter answered is kept until it changes."""

    def __init__(self, python: str, kernel_specs: Any, log: logging.Logger) -> None:
        self._python = python
        self._kernel_specs = kernel_specs
        self._log = log
        self._answers: Dict[str, Tuple[Fingerprint, float, Interpreter]] = {}

    async def find(self) -> Interpreter:
        """Return the interpreter to use, or raise WorkerError whose ``details`` have ``install_command``."""
        for origin, path in (("KfopsServer.python", self._python), ("KFOPS_PYTHON", os.environ.get("KFOPS_PYTHON"))):
            if path:
                return self._demand(await self._ask(_absolute(path)), origin)
        own = Interpreter(sys.executable)
        if importlib.util.find_spec("kfp") is not None:
            own = await self._ask(sys.executable)
        if own.usable:
            return own
        lacks = [own.lack]
        for path in kernel_interpreters(await self._specs()):
            if path == sys.executable:
                continue
            found = await self._ask(path)
            if found.usable:
                return found
            lacks.append(found.lack)
        raise _missing(
            f"There is no pipeline environment: no interpreter with kfp {KFP_VERSION} is known.",
            why="Looked at this server's interpreter and at the registered kernels. " + " ".join(lacks),
            command=INSTALL_COMMAND,
        )

    @staticmethod
    def _demand(found: Interpreter, origin: str) -> Interpreter:
        if found.usable:
            return found
        raise _missing(
            f"The pipeline environment that {origin} names cannot be used.",
            why=found.lack,
            command=f"{found.path} -m pip install 'kfops-lab[kernel]'" if not found.problem else INSTALL_COMMAND,
        )

    async def _ask(self, path: str) -> Interpreter:
        now = time.monotonic()
        mark = _fingerprint(path)
        kept = self._answers.get(path)
        if kept is not None and kept[0] == mark and (kept[2].usable or now - kept[1] < RECHECK):
            return kept[2]
        answer = await asyncio.get_event_loop().run_in_executor(None, ask, path)
        self._answers[path] = (mark, now, answer)
        return answer

    async def _specs(self) -> Mapping[str, Any]:
        try:
            return await ensure_async(self._kernel_specs.get_all_specs())
        except Exception as error:
            # A kernel gateway that is away, or a broken kernel.json, must not hide the other ways to be found.
            self._log.warning("kfops: the kernels cannot be listed: %s", error)
            return {}


def kernel_interpreters(specs: Mapping[str, Any]) -> List[str]:
    """Return the interpreters of the Python kernels, our own kernel's first, each once.

    ``specs`` is what ``KernelSpecManager.get_all_specs`` returns. The paths are not resolved: the symbolic link
    ``bin/python`` is what makes a virtual environment one.
    """
    found: List[Tuple[bool, str, str]] = []
    for name, entry in specs.items():
        spec = entry.get("spec", {})
        argv = spec.get("argv") or []
        if argv and re.match(r"python[\d.]*(\.exe)?$", os.path.basename(argv[0])):
            ours = name == KERNEL_NAME or spec.get("display_name") == KERNEL_TITLE
            found.append((not ours, name, _absolute(argv[0])))
    return list(dict.fromkeys(path for _, _, path in sorted(found)))


def _absolute(path: str) -> str:
    path = os.path.expanduser(path)
    if os.path.dirname(path):
        return os.path.abspath(path)
    # Jupyter itself takes a bare "python" in a kernel to be its own interpreter.
    own = {"python", f"python{sys.version_info[0]}", "python{}.{}".format(*sys.version_info[:2])}
    return sys.executable if path in own else shutil.which(path) or path


def _fingerprint(path: str) -> Fingerprint:
    """Return what changes when an interpreter, or what is installed beside it, changes."""
    folders = sorted(glob.glob(os.path.join(os.path.dirname(os.path.dirname(path)), "lib", "python*", "site-packages")))
    marks = []
    for item in [path, *folders]:
        try:
            marks.append(os.stat(item).st_mtime)
        except OSError:
            marks.append(0.0)
    return tuple(marks)


def _missing(message: str, *, why: str, command: str) -> WorkerError:
    return WorkerError(message, why=why, remedy=f"Type: {command}", state="missing", install_command=command)
