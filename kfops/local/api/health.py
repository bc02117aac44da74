# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""GET /apis/v1beta1/healthz, and how the backend is (for ``kfops local status``)."""

from __future__ import annotations

import os
import time

from .base import Handler


class Health(Handler):
    """The call by which every ``kfp.Client`` starts; unlike all others it never leaves out ``multi_user``."""

    def get(self) -> None:
        self.reply({"commit_sha": "unknown", "tag_name": f"kfops-local {self.backend.version}", "multi_user": False})


class Status(Handler):
    """What ``kfops local status`` shows."""

    def get(self) -> None:
        self.reply(
            {
                "pid": os.getpid(),
                "version": self.backend.version,
                "data_dir": str(self.backend.data_dir),
                "uptime": round(time.time() - self.backend.started_at, 3),
                "active_runs": self.backend.store.runs.active(),
                "timezone": self.backend.scheduler.zone.name,
            }
        )
