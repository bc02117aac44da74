"""materialize_model() in a pipeline, materialize() from a notebook: both put a model into the model store."""

from __future__ import annotations

import copy
import inspect
import os
import re
import time
import uuid
from pathlib import Path
from typing import Any

from kfops.compiling import context
from kfops.compiling.finish import MATERIALIZE_ANNOTATION
from kfops.errors import InvalidInput
from kfops.models import deposit
from kfops.types import ModelVersion

__all__ = ["materialize", "materialize_model"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
#: kfp's own artifact types that are certainly not a model; a type of somebody's own may be one.
_NOT_MODELS = frozenset(
    {"dataset", "metrics", "classificationmetrics", "slicedclassificationmetrics", "html", "markdown"}
)
_IMAGE = "python:3.9"


def materialize_model(model: Any) -> Any:
    """Add the step that copies a model to ``<model store>/<run id>/``, and return its task.

    The step is never taken from the cache, and leaves the model whole (its manifest is written last) or not at all.

    Parameters
    ----------
    model
        The output of a step that wrote an ``Output[Model]`` (or an ``OutputPath``): ``train.outputs["model"]``.

    Returns
    -------
    kfp.dsl.ContainerOp
        The task, named "materialize model".

    Raises
    ------
    InvalidInput
        It is not used in a pipeline function, or ``model`` is not a model's output.

    Examples
    --------
    >>> @kfp.dsl.pipeline(name="churn")  # doctest: +SKIP
    ... def churn(rate: float = 0.1):
    ...     trained = train(rate=rate)
    ...     materialize_model(model=trained.outputs["model"])
    """
    from kfp import components, dsl

    if dsl.Pipeline.get_default_pipeline() is None:
        raise InvalidInput(
            "materialize_model() was called outside a pipeline.",
            why="It adds a step to the pipeline function it stands in.",
            remedy="For a folder that exists already, use kfops.materialize(path, name=...).",
        )
    task = components.load_component_from_text(_component())(model=_accepted(model))
    task.set_display_name("materialize model")
    task.add_pod_annotation(MATERIALIZE_ANNOTATION, "true")
    task.execution_options.caching_strategy.max_cache_staleness = "P0D"
    task.set_caching_options(False)
    _set_environment(task, context.config())
    return task


def materialize(
    path: str | os.PathLike[str],
    name: str,
    *,
    store: Any = None,
    notebook: str | None = None,
    config: Any = None,
    connection: Any = None,
) -> ModelVersion:
    """Put a folder (or a file) into the model store and return the model version.

    Parameters
    ----------
    path
        The folder of the model.
    name
        The model's name: letters, digits and ``. _ -``.
    store
        A ``ModelStore``, a folder or ``s3://bucket``; by default the model store of config.yaml or the connection.
    notebook
        What the manifest names as the model's origin; by default the notebook this runs in, where Jupyter tells.

    Raises
    ------
    ModelError
        The folder is empty, is not there, or has links that leave it; or the store does not take it.
    InvalidInput
        The name cannot be that of a model.

    Examples
    --------
    >>> materialize("./model", name="churn").key  # doctest: +SKIP
    'churn-20261122-101500-3f9c2a'
    """
    from kfops.models.opening import open_store

    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be the name of a model.", why="A name is of letters, digits and . _ - alone, 63 at most."
        )
    deposit_to = store if hasattr(store, "put") else open_store(config, connection, location=os.fspath(store or ""))
    key = f"{name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}"
    origin = notebook if notebook is not None else os.environ.get("JPY_SESSION_NAME", "")
    facts = {"name": name, "run_id": "", "version_id": "", "pipeline_name": "", "notebook": Path(origin).name}
    version: ModelVersion = deposit_to.put(Path(path).expanduser(), key, facts)
    return version


def _accepted(model: Any) -> Any:
    """Return the output as the step's input takes it."""
    from kfp import dsl

    if isinstance(model, dsl.ContainerOp):
        outputs = [name for name in model.outputs if name != "output"]
        if len(outputs) != 1:
            raise InvalidInput(
                "materialize_model() takes an output, not a step.",
                why=f"The step {model.name} has the outputs {', '.join(outputs)}." if outputs else "",
                remedy=f'Write materialize_model(model={model.name}.outputs["{outputs[0]}"]).' if outputs else "",
            )
        model = model.outputs[outputs[0]]
    if not isinstance(model, dsl.PipelineParam) or not model.op_name:
        raise InvalidInput(
            "materialize_model() takes the output of a step.",
            why=f"It was given a {type(model).__name__}.",
            remedy='Write materialize_model(model=train.outputs["model"]).',
        )
    kind = model.param_type
    kind = next(iter(kind), None) if isinstance(kind, dict) else kind
    if kind is not None and (str(kind).lower() in _NOT_MODELS or _is_parameter(kind)):
        raise InvalidInput(
            f'The output "{model.name}" of {model.op_name} is not a model.',
            why=f"Its type is {kind}.",
            remedy="Give the output that the step declares as Output[Model].",
        )
    if str(kind) not in ("None", "Model"):
        model = copy.copy(model)
        model.param_type = None  # a type of the user's own, such as TrainedModelBinary
    return model


def _is_parameter(kind: Any) -> bool:
    from kfp.dsl import type_utils

    return bool(type_utils.is_parameter_type(str(kind)))


def _component() -> str:
    import yaml

    return str(
        yaml.safe_dump(
            {
                "name": "Materialize model",
                "description": "Copies a model to the model store, under the id of the run.",
                "inputs": [{"name": "model", "type": "Model"}],
                "implementation": {
                    "container": {
                        "image": _IMAGE,
                        "command": ["python3", "-u", "-c", _program()],
                        "args": [{"inputPath": "model"}],
                    }
                },
            }
        )
    )


def _program() -> str:
    """Return the step's program: the text of deposit.py, and its call."""
    return inspect.getsource(deposit) + (
        "\n\ntry:\n"
        "    main(sys.argv[1], os.environ)\n"
        "except DepositError as problem:\n"
        '    sys.exit("error: " + str(problem))\n'
    )


def _set_environment(task: Any, config: Any) -> None:
    """Tell the step its run, its version and, where config.yaml says it, the store. Keys are references only."""
    from kubernetes import client as k8s

    models = config.models
    values: dict[str, str] = {
        "KFOPS_RUN_ID": "{{workflow.uid}}",
        "KFOPS_VERSION_ID": "{{workflow.parameters.version_id}}",
    }
    if models.store:
        is_s3 = models.store.startswith("s3://")
        values["KFOPS_MODEL_STORE"] = (
            models.store if is_s3 else str(Path(config.root) / Path(models.store).expanduser())
        )
    optional = {
        "KFOPS_S3_ENDPOINT": models.endpoint,
        "KFOPS_S3_SECURE": "true" if models.secure else "",
        "KFOPS_S3_SECRET": models.secret,
        "KFOPS_S3_ACCESS_KEY_ENV": models.access_key_env,
        "KFOPS_S3_SECRET_KEY_ENV": models.secret_key_env,
    }
    values.update({name: value for name, value in optional.items() if value})
    for name, value in values.items():
        task.container.add_env_variable(k8s.V1EnvVar(name=name, value=value))
    secret = models.secret or "mlpipeline-minio-artifact"
    for name, key in (("MINIO_ACCESS_KEY", "accesskey"), ("MINIO_SECRET_KEY", "secretkey")):
        reference = k8s.V1SecretKeySelector(name=secret, key=key, optional=True)
        task.container.add_env_variable(
            k8s.V1EnvVar(name=name, value_from=k8s.V1EnvVarSource(secret_key_ref=reference))
        )
