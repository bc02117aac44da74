"""Each request in a thread of its own, so that one that hangs keeps no other waiting."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import Any, Callable, Dict, Mapping

from kfops.errors import KfopsError, WorkerError
from kfops.serving.channel import Channel

#: Requests at once; more than that means that they hang.
MOST = 64


class Cancelled(BaseException):
    """The server has given the request up. No Exception: code between must not take it for a failure of its own."""


class Call:
    """A request while it runs; ``cancelled`` is set when the server gives it up."""

    def __init__(self, number: int, channel: Channel) -> None:
        self.number = number
        self.cancelled = threading.Event()
        self._channel = channel

    def log(self, text: str) -> None:
        """Send a piece of the request's log; raises Cancelled in a request that was given up."""
        self.check()
        self._channel.send({"id": self.number, "log": text})

    def log_line(self, line: str) -> None:
        """Send a line of the log, given without its end."""
        self.log(line.rstrip("\n") + "\n")

    def check(self) -> None:
        """Raise Cancelled when the request was given up."""
        if self.cancelled.is_set():
            raise Cancelled()


Method = Callable[..., Any]


class Calls:
    """Answers requests by a table of methods, which are called as ``method(call, **params)``."""

    def __init__(self, channel: Channel, methods: Mapping[str, Method]) -> None:
        self._channel = channel
        self._methods = methods
        self._running: Dict[int, Call] = {}
        self._lock = threading.Lock()

    def take(self, message: Dict[str, Any]) -> None:
        """Begin a request, or give one up."""
        if "cancel" in message:
            with self._lock:
                call = self._running.get(message["cancel"])
            if call is not None:
                call.cancelled.set()
            return
        call = Call(message["id"], self._channel)
        with self._lock:
            full = len(self._running) >= MOST
            if not full:
                self._running[call.number] = call
        if full:
            error = WorkerError(
                "The worker is busy.",
                why=f"{MOST} requests are waiting for the backend.",
                remedy="Check the backend: kfops status",
            )
            self._channel.send({"id": call.number, "error": error.to_dict()})
            return
        name = message["method"]
        # Threads of no pool: the process may end although some of them wait for a backend that hangs.
        threading.Thread(
            target=self._run, args=(call, name, message.get("params") or {}), name=f"kfops {name}", daemon=True
        ).start()

    def _run(self, call: Call, name: str, params: Dict[str, Any]) -> None:
        answer: Dict[str, Any] = {"id": call.number}
        try:
            method = self._methods.get(name)
            if method is None:
                raise WorkerError(
                    f"The worker has no method {name}.",
                    why="The pipeline environment has another version of kfops-lab than the Jupyter Server.",
                    remedy="Install the same version in both.",
                )
            answer["result"] = method(call, **params)
        except Cancelled:
            answer["error"] = WorkerError("The request was cancelled.").to_dict()
        except KfopsError as error:
            answer["error"] = error.to_dict()
        except Exception as error:
            # The traceback is for the log: it may hold anything, and helps nobody in the panel.
            traceback.print_exc(file=sys.stderr)
            answer["error"] = KfopsError(
                f"{name} failed unexpectedly: {type(error).__name__}: {error}",
                why="This is a defect of kfops-lab, or of a library below it.",
                remedy="The Jupyter Server's log, started with --debug, has the details.",
            ).to_dict()
        finally:
            with self._lock:
                del self._running[call.number]
        self._channel.send(answer)
