"""Pipeline function -> Argo workflow, with kfp and one at a time: its compiler keeps global state."""

from __future__ import annotations

import inspect
import json
import threading
from typing import Any, Callable

from kfops.compiling.lean import lean
from kfops.compiling.parameters import SPEC_ANNOTATION, pipeline_spec, type_of_default
from kfops.compiling.quiet import without_kfps_warnings
from kfops.errors import ConfigError, InvalidInput

MODES = ("V2_COMPATIBLE", "V1_LEGACY")

_one_at_a_time = threading.RLock()


def mode_name(mode: Any) -> str:
    """Return the name of an execution mode given as text or as kfp's own enumeration; "" means the default.

    Raises
    ------
    InvalidInput
        There is no such mode, or kfp 1.7.0 does not support it.
    """
    name = getattr(mode, "name", mode) or MODES[0]
    name = {"V1": "V1_LEGACY"}.get(str(name), str(name))
    if name == "V2_ENGINE":
        raise InvalidInput(
            "The execution mode V2_ENGINE cannot be used.",
            why="kfp 1.7.0 does not compile for it yet.",
            remedy="Use V2_COMPATIBLE (the default) or V1_LEGACY.",
        )
    if name not in MODES:
        raise InvalidInput(
            f"There is no execution mode {name}.", remedy="Use V2_COMPATIBLE (the default) or V1_LEGACY."
        )
    return name


def configured_mode(mode: Any, config: Any) -> str:
    """Return the mode asked for, else that of config.yaml, else V2_COMPATIBLE."""
    if mode:
        return mode_name(mode)
    try:
        return mode_name(getattr(getattr(config, "pipeline", None), "pipeline_execution_mode", None))
    except InvalidInput as error:
        raise ConfigError(
            error.message, why=error.why, remedy=error.remedy, key="pipeline.pipeline_execution_mode"
        ) from None


def workflow_of(function: Callable[..., Any], mode: str, name: str = "") -> dict[str, Any]:
    """Return the Argo workflow of a pipeline function, types checked.

    Whatever kfp or the function raises goes through; ``problems.explain`` turns it into a CompileError.
    """
    import kfp.compiler
    from kfp import dsl

    class WorkflowCompiler(kfp.compiler.Compiler):  # type: ignore[misc]
        """kfp's compiler, ending with the workflow as data in place of a file."""

        def _create_and_write_workflow(self, pipeline_func: Any, pipeline_conf: Any = None, **_: Any) -> None:
            if self._pipeline_name_param is not None:
                self._pipeline_name_param.value = f"pipeline/{name or _human_name(pipeline_func)}"
            self.workflow = self._create_workflow(pipeline_func, name or None, pipeline_conf=pipeline_conf)

    with _one_at_a_time, without_kfps_warnings(), lean():
        compiler = WorkflowCompiler(mode=dsl.PipelineExecutionMode[mode])
        compiler.compile(function, "", type_check=True)
    workflow: dict[str, Any] = compiler.workflow
    _note_types(workflow, function)
    return workflow


def _human_name(function: Callable[..., Any]) -> str:
    from kfp.dsl import _metadata

    return str(_metadata._extract_pipeline_metadata(function).name)


def _note_types(workflow: dict[str, Any], function: Callable[..., Any]) -> None:
    """Note the types that defaults suggest, so that the form for ``rate=0.1`` knows a number is meant."""
    spec = pipeline_spec(workflow)
    signature = inspect.signature(function).parameters
    for entry in spec.get("inputs") or []:
        argument = signature.get(entry.get("name", ""))
        if argument is None or entry.get("type") is not None:
            continue
        kind = type_of_default(argument.default)
        if kind:
            entry["type"] = kind
    workflow["metadata"]["annotations"][SPEC_ANNOTATION] = json.dumps(spec, sort_keys=True)
