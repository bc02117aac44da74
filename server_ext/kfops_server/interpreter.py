"""What an interpreter has: whether kfp 1.7.0 and kfops are there, asked without importing either."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from dataclasses import dataclass
from typing import Dict

#: The one version of kfp that kfops-lab is made for.
KFP_VERSION = "1.7.0"

#: Seconds that an interpreter may take to answer; a cold disk in a container needs several.
ASK_TIME_LIMIT = 20.0

_QUESTION = """
import importlib.util, json, sys
try:
    from importlib.metadata import version
except ImportError:
    from importlib_metadata import version
def kfp():
    if importlib.util.find_spec("kfp") is None:
        return ""
    try:
        return version("kfp")
    except Exception:
        return "unknown"
print(json.dumps({"kfp": kfp(), "kfops": importlib.util.find_spec("kfops") is not None,
                  "python": "%d.%d.%d" % sys.version_info[:3]}))
"""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter; ``kfp`` is the version it has ("" for none), ``problem`` why it could not be asked."""

    path: str
    kfp: str = ""
    kfops: bool = False
    python: str = ""
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Whether the worker can run in it."""
        return self.kfp == KFP_VERSION and self.kfops

    @property
    def lack(self) -> str:
        """What keeps the worker from running in it, as a sentence; "" for nothing."""
        if self.problem:
            return self.problem
        if not self.kfp:
            return f"{self.path} has no kfp."
        if self.kfp != KFP_VERSION:
            return f"{self.path} has kfp {self.kfp}, not {KFP_VERSION}."
        return "" if self.kfops else f"{self.path} has kfp {self.kfp} but not kfops-lab."


def ask(path: str) -> Interpreter:
    """Return what the interpreter at ``path`` has; takes some tens of milliseconds, and never raises."""
    try:
        answer = subprocess.run(
            [path, "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env=environment_variables(),
            timeout=ASK_TIME_LIMIT,
            check=True,
        )
        has = json.loads(answer.stdout)
        return Interpreter(path, kfp=has["kfp"], kfops=has["kfops"], python=has["python"])
    except OSError as error:
        return Interpreter(path, problem=f"{path} cannot be run: {error.strerror or error}.")
    except subprocess.TimeoutExpired:
        return Interpreter(path, problem=f"{path} does not answer within {ASK_TIME_LIMIT:g} s.")
    except (subprocess.CalledProcessError, ValueError, KeyError):
        return Interpreter(path, problem=f"{path} is not a Python interpreter that works.")


def environment_variables() -> Dict[str, str]:
    """Return this process's environment for another interpreter that is started in another working folder."""
    variables = dict(os.environ)
    if variables.get("PYTHONPATH"):
        entries = [os.path.abspath(entry) for entry in variables["PYTHONPATH"].split(os.pathsep)]
        # The server's own libraries, which some launchers put there, would go before those of the other interpreter.
        variables["PYTHONPATH"] = os.pathsep.join(entry for entry in entries if not _is_own_library(entry))
    return variables


def _is_own_library(folder: str) -> bool:
    own = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return any(folder == path or folder.startswith(path + os.sep) for path in own if path)
