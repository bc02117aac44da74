"""Sources -> packages: user code in the zygote's children, package files read here."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import TimeoutError as NotYet
from typing import Any, Dict, Optional

from kfops.compiling.zygote import Zygote
from kfops.serving.calls import Call
from kfops.serving.sources import path_of, read_package
from kfops.types import Package

#: Seconds between two looks at whether a compile has been given up.
LOOK = 0.1


class Compiler:
    """Compiles for any thread; a zygote that has died is replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._zygote = Zygote.start()

    def compile(
        self,
        call: Call,
        root: str,
        source: Dict[str, Any],
        *,
        function: Optional[str],
        time_limit: float,
        summary: bool = False,
    ) -> Package:
        """Return the package of a source as the server has read it; a ``summary`` may lack the workflow and the text.

        Raises
        ------
        CompileError
            Or one of its kinds; also InvalidInput and ConfigError.
        """
        path = path_of(root, source)
        if source["kind"] == "package":
            return read_package(source["path"], source["content"], source["encoding"])
        request = {
            "id": uuid.uuid4().hex,
            "path": path,
            "content": source["content"],
            "function": function,
            "time_limit": time_limit,
            "summary": summary,
        }
        zygote = self._alive()
        future = zygote.submit(request)
        while True:
            try:
                return future.result(timeout=LOOK)
            except NotYet:
                if call.cancelled.is_set():
                    zygote.cancel(str(request["id"]))
                    call.check()

    def close(self) -> None:
        """End the zygote and what compiles in it."""
        self._zygote.close()

    def _alive(self) -> Zygote:
        with self._lock:
            if not self._zygote.alive:
                self._zygote.close()
                self._zygote = Zygote.start()
            return self._zygote
