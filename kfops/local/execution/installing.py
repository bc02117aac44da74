"""The job that fills a layer of packages: pip, in a file system view of its own, with its output in the step's log."""

from __future__ import annotations

from ..executors.base import Job, Mount
from .draft import Draft
from .packages import HalfMade, Layer
from .paths import TEMPORARY, WORK

#: Where in a step's folder pip's ``/`` is.
ROOT = "packages"


def installation(main: Draft, layer: Layer, half_made: HalfMade) -> Job:
    """Return the job that installs what a step's layer is to have; ``main`` is complete.

    pip gets the variables of the step: they may say where it finds packages.
    """
    draft = Draft(
        main.step,
        main.around,
        main.folder,
        main.volumes,
        main.folder / ROOT,
        asked={**main.asked, "PIP_USER": "0"},
        argv=half_made.command(main.around.python, layer.requirements),
        private=[TEMPORARY, WORK],
        visible=main.visible,
        mounts=[Mount(str(half_made.folder), str(half_made.folder))],
    )
    draft.root.mkdir(parents=True, exist_ok=True)
    return draft.job()
