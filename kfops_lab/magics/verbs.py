"""Every verb of the line magic and of the cell magic, by name."""

from __future__ import annotations

from typing import Dict

from kfops_lab.magics import (
    build,
    compiling,
    images,
    logs,
    materialize,
    models,
    pipeline,
    recurring,
    running,
    runs,
    status,
    stop,
    upload,
    use,
    watch,
)
from kfops_lab.magics.verb import Verb

LINE: Dict[str, Verb] = {
    verb.name: verb
    for verb in (
        status.VERB,
        use.VERB,
        compiling.VERB,
        upload.VERB,
        build.VERB,
        running.VERB,
        watch.VERB,
        runs.VERB,
        logs.VERB,
        stop.VERB,
        recurring.VERB,
        models.VERB,
        materialize.VERB,
    )
}

CELL: Dict[str, Verb] = {verb.name: verb for verb in (pipeline.VERB, images.VERB)}
