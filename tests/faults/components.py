"""kfp v2 components that a backend is killed under. kfp reads their annotations, which must be no texts therefore."""

import json
from typing import Any, Dict

from kfp.v2.dsl import component

from tests.fakes.v2_components import compiled

FILE = "the-file-to-tell"


@component
def tell(file: str, number: str):
    """Tell in a file outside that it has come to its end."""
    import os
    import time

    time.sleep(0.1)
    with open(os.path.join(os.environ["KFOPS_MODEL_STORE"], file), "a") as out:
        out.write(number + "\n")


def chain_of_components(length: int, folder: Any) -> str:
    """Return, as JSON, the workflow of components one after the other that tell their ends in ``FILE``."""

    def pipeline():
        before = None
        for number in range(length):
            step = tell(file=FILE, number=str(number))
            if before is not None:
                step.after(before)
            before = step

    workflow: Dict[str, Any] = compiled(pipeline, folder)
    for template in workflow["spec"]["templates"]:
        template.get("metadata", {}).get("labels", {}).pop("pipelines.kubeflow.org/enable_caching", None)
    return json.dumps(workflow)
