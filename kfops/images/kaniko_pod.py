"""Following the pod of a Job: its log as it comes, and how it ended."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any, Callable, NamedTuple

from kfops.errors import BuildFailed
from kfops.images.process import LAST_LINES, CancelledError

#: Reasons for which a container waits and will wait for ever.
_HOPELESS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"})

#: Seconds for which a Job may have no pod, and a pod no node.
_WITHOUT_POD = 60.0
_WITHOUT_NODE = 900.0

#: Failed questions in a row after which the cluster counts as gone.
_PATIENCE = 10


class Ended(NamedTuple):
    """How the pod ended: ``code`` 0 for success, and its termination message."""

    code: int
    message: str
    lines: list[str]


class PodFollower:
    """Follows the one pod of a Job through a ``kubernetes.client.CoreV1Api``, or something that looks like it."""

    def __init__(self, core: Any, namespace: str, job: str, *, interval: float = 1.0) -> None:
        self._core = core
        self._namespace = namespace
        self._job = job
        self._interval = interval

    def follow(self, on_log: Callable[[str], None], cancelled: threading.Event | None = None) -> Ended:
        """Return how the pod ended; its log goes to ``on_log`` line by line.

        Raises
        ------
        BuildFailed
            The pod never started: no quota, no node, an image that cannot be pulled.
        CancelledError
            ``cancelled`` was set.
        """
        stop = cancelled or threading.Event()
        started = self._started(on_log, stop)
        lines: list[str] = []

        def show(line: str) -> None:
            lines.append(line)
            on_log(line)

        pod: dict[str, Any] | None = None
        over = False
        while True:
            # The API server may end a log before the pod does; what was shown is skipped when it is read again, and
            # it is read once more after the end.
            self._log(started, len(lines), show, stop)
            if over:
                return _ended(pod, lines[-LAST_LINES:])
            pod = self._pod(stop)
            over = _is_over(pod)
            if not over:
                self._pause(stop)

    def _started(self, on_log: Callable[[str], None], stop: threading.Event) -> str:
        since = time.monotonic()
        said = ""
        while True:
            pod = self._pod(stop)
            waited = time.monotonic() - since
            if pod is None:
                if waited > _WITHOUT_POD:
                    raise self._stuck(
                        f"The Job made no pod within {_WITHOUT_POD:.0f} s: a quota or a policy forbids it."
                    )
            else:
                state = _container(pod).get("state") or {}
                if state.get("running") or state.get("terminated") or pod["status"].get("phase") == "Failed":
                    return str(pod["metadata"]["name"])
                waiting = state.get("waiting") or {}
                if waiting.get("reason") in _HOPELESS:
                    raise self._stuck(f"{waiting['reason']}: {waiting.get('message') or ''}".strip(": "))
                reason = _unscheduled(pod)
                if reason and reason != said:
                    said = reason
                    on_log(f"waiting for a node: {reason}")
                if waited > _WITHOUT_NODE:
                    raise self._stuck(f"Its pod did not start within {_WITHOUT_NODE:.0f} s. {reason}".strip())
            self._pause(stop)

    def _log(self, pod: str, shown: int, on_line: Callable[[str], Any], stop: threading.Event) -> None:
        arrived: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read_log, args=(pod, arrived), daemon=True).start()
        while True:
            if stop.is_set():
                raise CancelledError(self._job)
            try:
                line = arrived.get(timeout=0.2)
            except queue.Empty:
                continue
            if line is None:
                return
            if shown > 0:
                shown -= 1
            else:
                on_line(line)

    def _read_log(self, pod: str, arrived: queue.Queue[str | None]) -> None:
        rest = b""
        try:
            answer = self._core.read_namespaced_pod_log(pod, self._namespace, follow=True, _preload_content=False)
            try:
                for piece in answer.stream():
                    *whole, rest = (rest + piece).split(b"\n")
                    for line in whole:
                        arrived.put(line.decode("utf-8", "replace").rstrip("\r"))
            finally:
                answer.release_conn()
        except Exception:
            rest = b""
        if rest:
            arrived.put(rest.decode("utf-8", "replace"))
        arrived.put(None)

    def _pod(self, stop: threading.Event) -> dict[str, Any] | None:
        failures = 0
        while True:
            if stop.is_set():
                raise CancelledError(self._job)
            try:
                found = self._core.list_namespaced_pod(self._namespace, label_selector=f"job-name={self._job}")
                return found.items[0].to_dict() if found.items else None
            except Exception as error:
                failures += 1
                if failures >= _PATIENCE or getattr(error, "status", None) in (401, 403):
                    raise BuildFailed(
                        "The cluster cannot be asked how the image build goes.",
                        why=f"{type(error).__name__}: {getattr(error, 'reason', None) or error}",
                        remedy=f"Look at it by hand: kubectl -n {self._namespace} get pods -l job-name={self._job}",
                    ) from error
                self._pause(stop)

    def _pause(self, stop: threading.Event) -> None:
        if stop.wait(self._interval):
            raise CancelledError(self._job)

    def _stuck(self, why: str) -> BuildFailed:
        return BuildFailed(
            "The image build did not start in the cluster.",
            why=why,
            remedy=f"Look at it: kubectl -n {self._namespace} describe pods -l app.kubernetes.io/component=image-build",
        )


def _container(pod: dict[str, Any]) -> dict[str, Any]:
    statuses = pod["status"].get("container_statuses") or []
    return next((status for status in statuses if status.get("name") == "kaniko"), {})


def _terminated(pod: dict[str, Any]) -> dict[str, Any]:
    return (_container(pod).get("state") or {}).get("terminated") or {}


def _is_over(pod: dict[str, Any] | None) -> bool:
    return pod is None or bool(_terminated(pod)) or pod["status"].get("phase") == "Failed"


def _ended(pod: dict[str, Any] | None, lines: list[str]) -> Ended:
    if pod is None:
        return Ended(-1, "Its pod was removed, or its node is gone.", lines)
    terminated = _terminated(pod)
    if not terminated:
        return Ended(-1, pod["status"].get("message") or "Its pod was ended.", lines)
    return Ended(int(terminated.get("exit_code") or 0), terminated.get("message") or "", lines)


def _unscheduled(pod: dict[str, Any]) -> str:
    for condition in pod["status"].get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "")
    return ""
