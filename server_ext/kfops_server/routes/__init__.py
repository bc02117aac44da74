"""The routes of the REST API; `openapi.yaml` describes the same ones, and a test holds the two together."""

from __future__ import annotations

from .changes import ChangesHandler
from .compile import BuildHandler, PackagesHandler, VersionsHandler
from .experiments import ExperimentHandler, ExperimentsHandler
from .models import ModelHandler, ModelsHandler
from .operations import OperationHandler, OperationsHandler
from .pipelines import (
    ImagesHandler,
    PipelineHandler,
    PipelinesHandler,
    PipelineVersionsHandler,
    VersionChangesHandler,
    VersionHandler,
    VersionPackageHandler,
    VersionStepHandler,
)
from .recurring import RecurringRunHandler, RecurringRunsHandler
from .runs import (
    ComparisonHandler,
    RunHandler,
    RunsHandler,
    StepArtifactsHandler,
    StepHandler,
    StepLogFileHandler,
    StepLogHandler,
)
from .status import ConnectionHandler, StatusHandler

__all__ = ["ROUTES"]

_ID = "([^/]+)"

ROUTES = [
    (r"/kfops/status", StatusHandler),
    (r"/kfops/connection", ConnectionHandler),
    (r"/kfops/changes", ChangesHandler),
    (r"/kfops/packages", PackagesHandler),
    (r"/kfops/versions", VersionsHandler),
    (rf"/kfops/versions/{_ID}", VersionHandler),
    (rf"/kfops/versions/{_ID}/images", BuildHandler),
    (rf"/kfops/versions/{_ID}/package", VersionPackageHandler),
    (rf"/kfops/versions/{_ID}/changes", VersionChangesHandler),
    (rf"/kfops/versions/{_ID}/steps/{_ID}", VersionStepHandler),
    (r"/kfops/operations", OperationsHandler),
    (rf"/kfops/operations/{_ID}", OperationHandler),
    (r"/kfops/pipelines", PipelinesHandler),
    (rf"/kfops/pipelines/{_ID}", PipelineHandler),
    (rf"/kfops/pipelines/{_ID}/versions", PipelineVersionsHandler),
    (r"/kfops/runs", RunsHandler),
    (rf"/kfops/runs/{_ID}", RunHandler),
    (rf"/kfops/runs/{_ID}/steps/{_ID}", StepHandler),
    (rf"/kfops/runs/{_ID}/steps/{_ID}/log", StepLogHandler),
    (rf"/kfops/runs/{_ID}/steps/{_ID}/log-file", StepLogFileHandler),
    (rf"/kfops/runs/{_ID}/steps/{_ID}/artifacts", StepArtifactsHandler),
    (r"/kfops/comparison", ComparisonHandler),
    (r"/kfops/models", ModelsHandler),
    (rf"/kfops/models/{_ID}", ModelHandler),
    (r"/kfops/images", ImagesHandler),
    (r"/kfops/recurring-runs", RecurringRunsHandler),
    (rf"/kfops/recurring-runs/{_ID}", RecurringRunHandler),
    (r"/kfops/experiments", ExperimentsHandler),
    (rf"/kfops/experiments/{_ID}", ExperimentHandler),
]
