"""The images that a pipeline's steps run in: one version of each per pipeline version.

``versioned_image("trainer")`` in a pipeline stands for ``<registry>/trainer:<pipeline version id>``. Here such images
are looked up (``states``), built (``build``, ``build_pipeline``) and asked for before a run (``require_ready``).

    reference.py    <registry>/<name>:<tag>, taken apart
    context.py      what an image is built from; dockerignore.py
    builder.py      the interface of a builder, and which one to use
    local_builders.py   buildah, podman, docker; process.py runs them, explain.py reads their last lines
    kaniko.py       a Job in the cluster; kaniko_job.py is its manifest
    registry.py     is the image there; credentials.py finds the log-in
    versions.py     the images of one pipeline version
    listing.py      the images of all pipelines' versions
    pipeline.py     compile, upload and build in one
"""

from kfops.images.context import Context, find, save_dockerfile
from kfops.images.listing import list_images
from kfops.images.pipeline import build_pipeline
from kfops.images.versions import build, require_ready, states

__all__ = ["Context", "build", "build_pipeline", "find", "list_images", "require_ready", "save_dockerfile", "states"]
