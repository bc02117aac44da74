"""The KFP v1beta1 API, one module per service of it."""

from __future__ import annotations

from tornado.web import Application

from . import experiments, front, health, jobs, logs, pipelines, runs, stored, uploads, watch
from .base import Backend, UnknownRoute
from .tail import Tails
from .topics import Watches

__all__ = ["Backend", "application"]

_ID = r"([^/:]+)"
_V1BETA1 = "/apis/v1beta1"

ROUTES = [
    (f"{_V1BETA1}/healthz", health.Health),
    (f"{_V1BETA1}/experiments", experiments.Experiments),
    (f"{_V1BETA1}/experiments/{_ID}", experiments.Experiment),
    (f"{_V1BETA1}/experiments/{_ID}:([a-z]+)", experiments.ExperimentStorage),
    (f"{_V1BETA1}/pipelines/upload", uploads.UploadPipeline),
    (f"{_V1BETA1}/pipelines/upload_version", uploads.UploadVersion),
    (f"{_V1BETA1}/pipelines", pipelines.Pipelines),
    (f"{_V1BETA1}/pipelines/{_ID}", pipelines.Pipeline),
    (f"{_V1BETA1}/pipelines/{_ID}/templates", pipelines.PipelineTemplate),
    (f"{_V1BETA1}/pipelines/{_ID}/default_version/{_ID}", pipelines.DefaultVersion),
    (f"{_V1BETA1}/pipeline_versions", pipelines.Versions),
    (f"{_V1BETA1}/pipeline_versions/{_ID}", pipelines.Version),
    (f"{_V1BETA1}/pipeline_versions/{_ID}/templates", pipelines.VersionTemplate),
    (f"{_V1BETA1}/runs", runs.Runs),
    (f"{_V1BETA1}/runs/{_ID}", runs.Run),
    (f"{_V1BETA1}/runs/{_ID}:([a-zA-Z]+)", runs.RunVerb),
    (f"{_V1BETA1}/runs/{_ID}/(terminate|retry)", runs.RunVerb),
    (f"{_V1BETA1}/runs/{_ID}/nodes/([^/]+)/artifacts/([^/]+):read", runs.RunArtifact),
    (f"{_V1BETA1}/jobs", jobs.Jobs),
    (f"{_V1BETA1}/jobs/{_ID}", jobs.Job),
    (f"{_V1BETA1}/jobs/{_ID}/(enable|disable)", jobs.JobVerb),
    (f"/apis/v1alpha1/runs/{_ID}/nodes/([^/]+)/log", logs.StepLog),
    ("/apis/v1alpha1/artifacts", stored.StoredArtifact),
    ("/apis/v1alpha1/runs:watch", watch.WatchRuns),
    (f"/apis/v1alpha1/runs/{_ID}:watch", watch.WatchRun),
    ("/apis/kfops/status", health.Status),
    ("/", front.Front),
]


def application(backend: Backend) -> Application:
    """Return the API of a backend."""
    handed = {"backend": backend}
    return Application(
        [(path, handler, handed) for path, handler in ROUTES],
        default_handler_class=UnknownRoute,
        default_handler_args=handed,
        log_function=lambda handler: None,  # one's own machine needs no access log
        watches=Watches(backend.store),
        tails=Tails(),
    )
