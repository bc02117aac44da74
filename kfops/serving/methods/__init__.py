"""The methods that the server can ask for: thin functions over the kfops API, a module for each thing they are about.

Each is called with its `Call` and with ``root``, the folder that config.yaml is looked for from, and returns what goes
over the wire.
"""

from __future__ import annotations

from typing import Dict, Optional

from kfops.serving.calls import Method
from kfops.serving.compiling import Compiler
from kfops.serving.connections import Connections
from kfops.serving.methods.access import Access
from kfops.serving.methods.experiments import ExperimentMethods
from kfops.serving.methods.models import ModelMethods
from kfops.serving.methods.pipelines import PipelineMethods
from kfops.serving.methods.recurring import RecurringRunMethods
from kfops.serving.methods.runs import RunMethods
from kfops.serving.methods.status import StatusMethods
from kfops.serving.methods.versions import VersionMethods

__all__ = ["table"]


def table(compiler: Compiler, connections: Optional[Connections] = None) -> Dict[str, Method]:
    """Return the methods by the names they have over the wire, over one compiler and the connections they share."""
    access = Access(connections or Connections())
    parts = (
        StatusMethods(access),
        VersionMethods(access, compiler),
        PipelineMethods(access),
        RunMethods(access),
        RecurringRunMethods(access),
        ExperimentMethods(access),
        ModelMethods(access),
    )
    return {name: method for part in parts for name, method in part.table().items()}
