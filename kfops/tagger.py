"""versioned_image(): the name of an image whose tag is the version of the pipeline that uses it."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

from kfops.compiling import context
from kfops.errors import ConfigError, InvalidInput

__all__ = ["defined_images", "versioned_image"]

#: What Argo replaces by the pipeline version's id when a step starts.
VERSION_PLACEHOLDER = "{{workflow.parameters.version_id}}"

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")


def versioned_image(name: str) -> str:
    """Return the reference of an image of this project, to be used as ``base_image`` or ``image``.

    Parameters
    ----------
    name
        An image listed in ``image_builder.images`` of config.yaml, or defined by a ``%%kfops image`` cell.

    Returns
    -------
    str
        ``<container_registry_uri>/<name>:{{workflow.parameters.version_id}}``. A run passes the id of its pipeline
        version, the tag under which ``kfops build`` pushes the image.

    Raises
    ------
    ConfigError
        The image is not known, or config.yaml names no registry.
    InvalidInput
        The name cannot be that of an image.

    Examples
    --------
    >>> versioned_image("trainer")  # doctest: +SKIP
    'registry.example.com/churn/trainer:{{workflow.parameters.version_id}}'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 128:
        raise InvalidInput(
            f"{name!r} cannot be the name of an image.",
            why="A name is of lower-case letters and digits, with . _ or - between them.",
        )
    config = context.config()
    known = defined_images(config)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise ConfigError(
            f"There is no image {name}.",
            why=f"Known images: {', '.join(known)}." if known else "No image is defined yet.",
            remedy=f"Did you mean {near[0]}?"
            if near
            else f"Add `- name: {name}` with its dockerfile_folder_path to image_builder.images in config.yaml, "
            f"or write its Dockerfile into a cell that begins with %%kfops image {name}.",
            key="image_builder.images",
        )
    registry = (getattr(_builder(config), "container_registry_uri", "") or "").strip().rstrip("/")
    if not registry:
        raise ConfigError(
            f"The image {name} has no registry.",
            why="image_builder.container_registry_uri is not set.",
            remedy="Add `container_registry_uri: <registry>/<project>` to image_builder in config.yaml.",
            key="image_builder.container_registry_uri",
        )
    registry = re.sub(r"^https?://", "", registry)
    return f"{registry}/{name}:{VERSION_PLACEHOLDER}"


def defined_images(config: Any) -> list[str]:
    """Return the names that ``versioned_image`` accepts: config.yaml's, those of image cells run, the source's own."""
    names: dict[str, None] = {image.name: None for image in getattr(_builder(config), "images", None) or []}
    cells = Path(getattr(config, "root", None) or ".") / ".kfops" / "images"
    if cells.is_dir():
        names.update((folder.name, None) for folder in sorted(cells.iterdir()) if (folder / "Dockerfile").is_file())
    names.update((name, None) for name in sorted(context.images()))
    return list(names)


def _builder(config: Any) -> Any:
    return getattr(config, "image_builder", None)
