# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""The recurring run service: there are none, and making one is refused."""

from __future__ import annotations

from ..problems import Missing, Unsupported
from .base import Handler


class Jobs(Handler):
    """/apis/v1beta1/jobs."""

    def get(self) -> None:
        self.reply({})

    def post(self) -> None:
        raise Unsupported(
            "The embedded backend does not run recurring runs.",
            "Start a run by hand, or use Kubeflow Pipelines in a cluster for recurring runs.",
        )


class Job(Handler):
    """/apis/v1beta1/jobs/{id}, and its verbs enable and disable."""

    def get(self, job_id: str) -> None:
        raise Missing("Job", job_id)

    post = delete = get
