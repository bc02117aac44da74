"""kfp v2 components that show whatever a step can see of how it was started, and end in every way a step can end."""

from typing import NamedTuple

from kfp import compiler, dsl
from kfp.v2.dsl import Artifact, Dataset, Input, Metrics, Model, Output, component


@component
def surroundings():
    """Everything that one interpreter may have and another not."""
    import gc
    import json
    import locale
    import multiprocessing
    import os
    import resource
    import signal
    import sys
    import tempfile
    import threading
    import time
    import warnings

    def read(path):
        with open(path) as file:
            return file.read()

    def stream(file):
        return [file.name, file.encoding, file.errors, file.line_buffering, file.isatty(), file.mode]

    main = sys.modules["__main__"]
    status = dict(line.split(":\t", 1) for line in read("/proc/self/status").splitlines())
    facts = {
        "argv": sys.argv,
        "orig_argv": getattr(sys, "orig_argv", None),
        "python": [sys.executable, sys.prefix, sys.base_prefix, sys.flags, sys.warnoptions, sys.dont_write_bytecode],
        "path": sys.path,
        "modules": sorted(sys.modules),
        "environment": dict(os.environ),
        "folder": [os.getcwd(), os.listdir(), len(os.listdir("/tmp")), tempfile.gettempdir()],
        "descriptors": [os.readlink(f"/proc/self/fd/{number}") for number in range(3)],
        "more descriptors": sum(os.path.exists(f"/proc/self/fd/{number}") for number in range(3, 300)),
        "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "ignored": int(status.pop("SigIgn"), 16) & 0x7FFFFFFF,
        "status": {
            key: status[key] for key in status if key.startswith(("SigBlk", "SigCgt", "Cap", "NoNew", "Uid", "Gid"))
        },
        "mask": os.umask(0),
        "group": os.getpgrp() == os.getsid(0),
        "priority": [os.nice(0), read("/proc/self/oom_score_adj")],
        "limits": [resource.getrlimit(limit) for limit in range(10)],
        "streams": [stream(sys.stdin), stream(sys.stdout), stream(sys.stderr)],
        "main": [main.__name__, main.__file__, main.__package__, main.__spec__.name, sorted(vars(main))],
        "threads": [str(thread.name) for thread in threading.enumerate()],
        "collector": [gc.isenabled(), gc.get_threshold(), gc.garbage],
        "locale": [locale.getpreferredencoding(), locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding()],
        "multiprocessing": [multiprocessing.get_start_method(), multiprocessing.current_process().name],
        "warnings": [str(entry) for entry in warnings.filters],
        "time": time.tzname,
        "recursion": sys.getrecursionlimit(),
    }
    facts["descriptors"][1:] = [os.path.basename(path) for path in facts["descriptors"][1:]]
    print(json.dumps(facts, indent=1, sort_keys=True))


@component
def values(number: int, rate: float, text: str, flag: bool, several: list, named: dict) -> NamedTuple(
    "Values", [("number", int), ("rate", float), ("text", str), ("flag", bool), ("several", list), ("named", dict)]
):
    """Every type of parameter, there and back."""
    print(number, rate, repr(text), flag, several, named)
    return (number + 1, rate * 2, text + "!", not flag, [*several, None], {**named, "more": [1, 2]})


@component
def produce(data: Output[Dataset], model: Output[Model], metrics: Output[Metrics], folder: Output[Artifact]):
    """Files, a folder, metadata."""
    import os

    with open(data.path, "w") as file:
        file.write("1,2,3\n")
    data.metadata.update(rows=3, tags=["a", "b"], source="made up", ready=True)
    model.framework = "sklearn"
    with open(model.path, "wb") as file:
        file.write(bytes(range(256)))
    metrics.log_metric("accuracy", 0.5)
    os.makedirs(os.path.join(folder.path, "below"))
    with open(os.path.join(folder.path, "below", "file"), "w") as file:
        file.write("x")


@component
def consume(data: Input[Dataset], model: Input[Model], folder: Input[Artifact]) -> str:
    """What another component has left."""
    import os

    print(type(data).__name__, data.path, data.uri, data.name, sorted(data.metadata.items()))
    print(type(model).__name__, model.framework, os.path.getsize(model.path))
    print(sorted(os.listdir(folder.path)), oct(os.stat(data.path).st_mode))
    with open(data.path) as file:
        return file.read()


@component
def raises():
    """An exception with a cause."""
    import sys

    print("before", end="")
    print("on standard error", file=sys.stderr)
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError("no good: äöü €") from error


@component
def returns_another_type() -> int:
    """What kfp itself refuses."""
    return "text"


@component
def exits():
    """sys.exit with a number."""
    import sys

    sys.exit(3)


@component
def exits_with_a_text():
    """sys.exit with a text."""
    import sys

    sys.exit("the reason")


@component
def exits_well():
    """sys.exit without a number leaves before kfp writes the outputs."""
    import sys

    sys.exit()


@component
def exits_at_once():
    """os._exit runs nothing any more."""
    import atexit
    import os

    atexit.register(print, "never printed")
    os._exit(7)


@component
def is_killed():
    """A signal that cannot be caught."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@component
def crashes():
    """A segmentation fault."""
    import ctypes

    ctypes.string_at(0)


@component
def is_interrupted():
    """The signal that is an exception in Python."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGINT)


@component
def recurses():
    """As deep as it goes."""

    def deeper():
        deeper()

    try:
        deeper()
    except RecursionError as error:
        print(error)


@component
def leaves_work_behind():
    """Threads, exit handlers and objects that act when the interpreter ends."""
    import atexit
    import sys
    import threading
    import time

    class Last:
        def __del__(self):
            print("the object is gone")

    def late():
        time.sleep(0.2)
        print("the thread has ended")

    sys.modules["ephemeral_component"].kept = Last()
    atexit.register(print, "the exit handler")
    threading.Thread(target=late).start()
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    sys.stdout.write("no line end")


@component
def shows_exceptions_itself():
    """A hook for exceptions, and a thread that has one."""
    import sys
    import threading

    divider = threading.Thread(target=lambda: 1 / 0, name="divider")
    divider.start()
    divider.join()
    sys.excepthook = lambda kind, error, traceback: print("seen:", kind.__name__, error)
    raise LookupError("nothing")


@component
def starts_processes():
    """Children of every kind."""
    import multiprocessing
    import os
    import subprocess
    import sys

    subprocess.run(["sh", "-c", "echo from a shell; echo $PWD"], check=True)
    subprocess.run([sys.executable, "-c", "import os, sys; print(len(os.listdir('/proc/self/fd')))"], check=True)
    process = multiprocessing.get_context("fork").Process(target=print, args=("from a fork",))
    process.start()
    process.join()
    pid = os.fork()
    if pid == 0:
        os._exit(5)
    print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]), sorted(int(name) for name in os.listdir("/proc") if name.isdigit())[0])


@component
def forks_and_closes():
    """A child that ends as a Python ends, and a parent that closes and reuses every descriptor that it may have."""
    import os
    import sys

    if os.fork() == 0:
        print("the child")
        sys.exit(9)
    os.wait()
    os.closerange(3, 4096)
    for number in range(600):
        os.open(f"/tmp/file-{number}", os.O_WRONLY | os.O_CREAT)
    print([number for number in range(600) if os.path.getsize(f"/tmp/file-{number}")])
    import atexit

    atexit.register(lambda: print("at exit", sum(os.path.getsize(f"/tmp/file-{number}") for number in range(600))))


#: The components that have the same result however they are executed.
NAMES = [name for name, value in list(globals().items()) if callable(value) and getattr(value, "component_spec", None)]


@component
def tells_its_parent():
    """What differs between a fork and a new interpreter."""
    import json
    import os
    import random

    numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    facts = {"parent": os.getppid(), "hash": hash("text"), "random": random.random()}
    facts["descriptors"] = sum(os.path.exists(f"/proc/self/fd/{number}") for number in numbers)
    print(json.dumps({**facts, "hash_seed": os.environ.get("PYTHONHASHSEED")}))


@component
def waits_for_the_end():
    """A step that is stopped, and a process of its own that does not want to be."""
    import os
    import signal
    import sys
    import time

    def name(text):
        with open("/proc/self/comm", "w") as file:
            file.write(text)

    def leave(number, frame):
        print("goodbye")
        sys.exit(1)

    signal.signal(signal.SIGTERM, leave)
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.setsid()
        name("waiting for the end")
        time.sleep(120)
    name("waiting for the end")
    print("begun")
    time.sleep(120)


@component
def imports_a_package():
    """A package that may have come meanwhile."""
    import installed_meanwhile

    print(installed_meanwhile)


@component
def measure(metrics: Output[Metrics]) -> NamedTuple("Measured", [("size", int)]):
    """A number, and the same as a metric."""
    metrics.log_metric("size", 5)
    return (5,)


@component
def counts_on(size: int):
    """What another component has measured."""
    print(size)


@component
def says_the_time() -> str:
    """Another text each time."""
    import time

    print(time.time_ns())
    return str(time.time_ns())


def compiled(pipeline, folder):
    """Return the workflow of a function that calls components."""
    import json
    import warnings

    import yaml

    path = str(folder / "pipeline.yaml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler(mode=dsl.PipelineExecutionMode.V2_COMPATIBLE).compile(
            dsl.pipeline(name="components")(pipeline), path
        )
    with open(path, encoding="utf-8") as file:
        workflow = yaml.safe_load(file)
    given = {"pipeline-output-directory": "", "pipeline-name": "pipeline/components"}
    workflow["spec"]["arguments"] = {"parameters": [{"name": key, "value": given[key]} for key in given]}
    return json.loads(json.dumps(workflow))


def everything():
    """A pipeline of all of them."""
    surroundings()
    values(1, 0.5, "text", "True", '[1, "two"]', '{"three": 3.0}')
    made = produce()
    consume(made.outputs["data"], made.outputs["model"], made.outputs["folder"])
    raises()
    returns_another_type()
    exits()
    exits_with_a_text()
    exits_well()
    exits_at_once()
    is_killed()
    crashes()
    is_interrupted()
    recurses()
    leaves_work_behind()
    shows_exceptions_itself()
    starts_processes()
    forks_and_closes()
