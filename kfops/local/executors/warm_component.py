"""A forked process becomes a kfp v2 component: what its command would do, without starting a Python and importing kfp.

The command (see ``warm_command.py``) writes the component's source to a file and runs ``python3 -m
kfp.components.executor_main`` on it. Here the same module is run as ``__main__`` by the same function of Python's, in
an interpreter that is made to look as if it had just started, and is ended as an interpreter ends. Where the step asks
for what only a new interpreter can give, the command is executed after all.

What remains different from the command:

- hashes have one random seed for all steps of a warm process (a step that sets PYTHONHASHSEED executes the command);
- ``/proc/self/cmdline``, ``/proc/self/environ`` and the parent's id are those of the warm process;
- objects of the modules that were imported beforehand are frozen for the garbage collector;
- of what lives until the interpreter's end, only the component's own module is taken down object by object;
- there is a descriptor more, with a high number, over which the process tells its end before the kernel has taken it
  down;
- beside the component's source there is no bytecode of it;
- of the shell there is no trace but PWD and the name of the signal in the log.
"""

from __future__ import annotations

import atexit
import builtins
import fcntl
import gc
import importlib.machinery
import json
import os
import runpy
import signal
import sys
import tempfile
import threading
import time
import types
from typing import Any, Dict, List, NoReturn, Optional, Tuple

_MODULE = "kfp.components.executor_main"
_COMPONENT = "ephemeral_component"
_HIGH = 512
#: Begins as kfp begins the source of every component.
_REHEARSED = """
from kfp.v2.dsl import *
from typing import *

def rehearsed(text: str) -> str:
    return text
"""
#: Variables that Python or its libraries look at when they start; a step that has others needs a new interpreter.
_LOOKED_AT = {"APPENGINE_RUNTIME", "HOME", "KUBECONFIG", "LANG", "LANGUAGE", "TEMP", "TMP", "TMPDIR", "TEST_TMPDIR"}
_LOOKED_AT |= {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "PYRSISTENT_NO_C_EXTENSION", "WRAPT_DISABLE_EXTENSIONS"}
_LOOKED_AT_FAMILIES = ("PYTHON", "_PYTHON", "LC_", "LD_", "MALLOC_", "GLIBC_", "OPENSSL_", "GCE_METADATA_")


def can_become(job: Dict[str, Any]) -> bool:
    """Tell whether the job's interpreter would start as this one did, in a folder that changes nothing of it."""
    return _looked_at(job["env"]) == _looked_at(os.environ) and not os.listdir(".")


class Answer:
    """Where a component tells how it ends; what it does with its descriptors and its children changes nothing of it."""

    def __init__(self, descriptor: int) -> None:
        self._process = os.getpid()
        try:
            self.descriptor = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
        except OSError:  # there may be no such numbers; then whoever waits for the process tells
            self.descriptor = descriptor
            os.set_inheritable(descriptor, False)
        self._file = self._identity()

    def tell(self, code: int) -> None:
        """Tell the exit code, if this is the component's process, and the descriptor what it was."""
        if os.getpid() == self._process and self._file is not None and self._identity() == self._file:
            os.write(self.descriptor, f"{code << 8}\n".encode())

    def _identity(self) -> Optional[Tuple[int, int]]:
        try:
            status = os.fstat(self.descriptor)
        except OSError:
            return None
        return status.st_dev, status.st_ino


def become(job: Dict[str, Any], said: bytes, answer: Answer) -> NoReturn:
    """Be the component until its end.

    Parameters
    ----------
    job
        The job, with the number of the word that is the source as ``source``.
    said
        What the imports printed when they were made.
    answer
        Where to tell the end.
    """
    code = 1
    try:
        os.write(2, said)
        _look_new(job)
        code = _run()
    finally:
        _end(code, answer)


def rehearse() -> None:
    """Run a component in this process, so that what Python finds out once is found out before it is forked."""
    kept = sys.argv, getattr(sys, "orig_argv", None), list(sys.path), sys.modules["__main__"], dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        parameter = {"outputFile": os.path.join(folder, "parameter")}
        told = {
            "inputs": {"parameters": {"text": {"stringValue": "x"}}},
            "outputs": {"parameters": {"Output": parameter}, "outputFile": os.path.join(folder, "output")},
        }
        argv = [_REHEARSED, "--executor_input", json.dumps(told), "--function_to_execute", "rehearsed"]
        _look_new({"argv": argv, "source": 0, "env": {**os.environ, "TMPDIR": folder}})
        _run()
    sys.argv, orig_argv, sys.path[:], sys.modules["__main__"], variables = kept
    if orig_argv is not None:
        sys.orig_argv = orig_argv
    del sys.modules[_COMPONENT]
    _set_variables(variables)


def rehearse_all() -> None:
    """Run a component in a process that is nothing else, with all that a component's process does at its end."""
    rehearse()
    _wind_up()


def looked_at(name: str) -> bool:
    """Tell whether a variable is one that Python or its libraries look at when they start."""
    return name in _LOOKED_AT or name.startswith(_LOOKED_AT_FAMILIES)


def _looked_at(env: Any) -> Dict[str, str]:
    return {name: env[name] for name in env if looked_at(name)}


def _look_new(job: Dict[str, Any]) -> None:
    """Make the interpreter what it would be at the start of ``python3 -m``, and write the component's module."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _set_variables({**job["env"], "PWD": os.getcwd()})
    words: List[str] = job["argv"]
    path = _write_module(words[job["source"]])
    _keep_no_bytecode(path)
    arguments = ["--component_module_path", path, *words[job["source"] + 1 :]]
    sys.argv = ["-m", *arguments]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = ["python3", "-m", _MODULE, *arguments]
    sys.path.insert(0, os.getcwd())
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    vars(main).update(__annotations__={}, __builtins__=builtins)
    if "multiprocessing" in sys.modules:
        sys.modules["__mp_main__"] = main
        sys.modules["multiprocessing"].current_process().authkey = os.urandom(32)


def _set_variables(values: Dict[str, str]) -> None:
    """Have these variables and no others, with as few changes as can be: each of them copies memory."""
    for name in set(os.environ) - set(values):
        del os.environ[name]
    for name, value in values.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    time.tzset()


def _write_module(source: str) -> str:
    """Write the component's module where ``mktemp -d`` would have made a folder for it."""
    folder = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"tmp.{os.urandom(5).hex()}")  # noqa: S108
    os.mkdir(folder, 0o700)
    path = os.path.join(folder, f"{_COMPONENT}.py")
    with open(path, "wb") as file:
        file.write(os.fsencode(source))
    return path


def _keep_no_bytecode(path: str) -> None:
    """Have Python not write down what it compiles of a module that no other process will import."""
    loader = importlib.machinery.SourceFileLoader
    original = getattr(loader, "_cache_bytecode", None)
    if original is None:
        return

    def cache(self: Any, source: str, bytecode: str, data: Any) -> None:
        if source != path:
            original(self, source, bytecode, data)

    loader._cache_bytecode = cache  # type: ignore[attr-defined]


def _run() -> int:
    """Run the module as ``__main__``; return the exit code, and show an exception as the interpreter does."""
    try:
        runpy._run_module_as_main(_MODULE)  # type: ignore[attr-defined]
    except SystemExit as error:
        return _exit_code(error.code)
    except BaseException as error:
        _show(error)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _exit_code(code: Any) -> int:
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """Print a traceback without the frames that a new interpreter would not have."""
    below: Optional[types.TracebackType] = error.__traceback__
    while below is not None and below.tb_frame.f_code.co_filename == __file__:
        below = below.tb_next
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, below
    sys.excepthook(type(error), error.with_traceback(below), below)


def _end(code: int, answer: Answer) -> NoReturn:
    """End as the interpreter does: threads, exit handlers, what the component's module holds, output."""
    try:
        _wind_up()
    except BaseException:
        code = code or 120  # what Python says when it cannot write its output
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    answer.tell(code)
    os._exit(code)


def _wind_up() -> None:
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for name in (_COMPONENT, "__main__"):
        module = sys.modules.pop(name, None)
        vars(module).clear() if module is not None else None
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
