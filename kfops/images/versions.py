"""The images of a pipeline version: which are in the registry, and building those that are not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Callable, Mapping, Sequence

from kfops.compiling.finish import references_of
from kfops.errors import BuildFailed, ImageError, ImagesMissing, InvalidInput
from kfops.images import context as contexts
from kfops.images.builder import Builder, choose
from kfops.images.reference import reference_of
from kfops.images.registry import look_up
from kfops.types import ImageVersion, Package, PipelineVersion

if TYPE_CHECKING:
    from kfops.config_schema import Config
    from kfops.connection import Connection

#: How many registries' answers are waited for at once.
_AT_ONCE = 8


def states(
    names: Sequence[str] | Mapping[str, str], version_id: str, config: Config | None = None
) -> list[ImageVersion]:
    """Return the state of each image of a pipeline version, in the order of ``names``.

    Parameters
    ----------
    names
        The names that the pipeline gives to ``versioned_image``; or, by name, the references that its package holds,
        which then count more than config.yaml's registry.
    version_id
        The pipeline version's id, which is the images' tag.
    config
        Its ``image_builder``; that of config.yaml when None.

    Returns
    -------
    list of ImageVersion
        The registry is asked for all at once, 3 s at most; where it does not answer, ``state`` is ``unknown`` and
        ``message`` says why.
    """
    if not names:
        return []
    config = _loaded(config)
    references = names if isinstance(names, Mapping) else {}
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(names)), thread_name_prefix="kfops-registry") as pool:
        return list(pool.map(lambda name: _state(name, references.get(name, ""), version_id, config), names))


def require_ready(images: Sequence[ImageVersion]) -> None:
    """Raise unless the images of a version are all there, as far as the registry can be asked.

    An image whose state is ``unknown`` does not stop a run: the pods' log-in to the registry may be one that a
    notebook does not have.

    Raises
    ------
    ImagesMissing
        Some images have not been built; ``details["images"]`` has their names.
    """
    missing = [image for image in images if image.state == "missing"]
    if missing:
        names = ", ".join(image.name for image in missing)
        raise ImagesMissing(
            f"Not built yet: {names}.",
            why="The registry does not have " + ", ".join(image.reference for image in missing) + ".",
            remedy="Build the version's images first: %kfops build (in a terminal: kfops build)",
            images=[image.name for image in missing],
        )


def build(
    version: PipelineVersion | str,
    *,
    package: Package | None = None,
    connection: Connection | None = None,
    config: Config | None = None,
    on_log: Callable[[str], None] | None = None,
    cancelled: threading.Event | None = None,
) -> list[ImageVersion]:
    """Build the images of a pipeline version that are not in the registry, as ``<registry>/<name>:<version id>``.

    Parameters
    ----------
    version
        The version or its id.
    package
        What was compiled, with the Dockerfiles of the source's ``%%kfops image`` cells.
    connection, config
        As ``connect()`` and ``config.load()`` give them when None.
    on_log
        Receives the log, line by line, without line ends.
    cancelled
        Stops the build when it is set.

    Returns
    -------
    list of ImageVersion
        All images of the version, each ``ready`` with its digest.

    Raises
    ------
    NoBuilder
        Nothing here builds images; not raised when there is nothing to build.
    ConfigError, ImageError
        An image has no registry or nothing to be built from.
    BuildFailed
        A build or a push failed; images built before it stay in the registry.
    """
    config = _loaded(config)
    if isinstance(version, str):
        version = _version(version, connection, config)
    elif package is None and not version.images and version.graph is None:
        # A version out of a list knows nothing of its images.
        version = _version(version.id, connection, config)
    if package is not None:
        references = {**dict.fromkeys(package.images, ""), **references_of(package.workflow, version.id)}
    else:
        references = {image.name: image.reference for image in version.images}
    say = on_log or (lambda line: None)
    found = states(references, version.id, config)
    todo = [image for image in found if image.state != "ready"]
    if not todo:
        return found
    plan = prepare([image.name for image in todo], package=package, config=config)
    built = {}
    for image in todo:
        if cancelled is not None and cancelled.is_set():
            raise BuildFailed(f"Building image '{image.name}' was cancelled.", image=image.name)
        say(f"{image.name}: building {image.reference} with {plan.builder.name}")
        digest = plan.builder.build(
            plan.contexts[image.name],
            image.reference,
            insecure=config.image_builder.insecure,
            on_log=on_log,
            cancelled=cancelled,
        )
        say(f"{image.name}: pushed {image.reference} ({digest})")
        built[image.name] = replace(image, state="ready", digest=digest, message="")
    return [built.get(image.name, image) for image in found]


class Plan:
    """What is needed to build some images, known to be there: their contexts and a builder that works."""

    def __init__(self, contexts_: Sequence[contexts.Context], builder: Builder) -> None:
        self.contexts = {context.name: context for context in contexts_}
        self.builder = builder


def prepare(names: Sequence[str], *, package: Package | None = None, config: Config) -> Plan:
    """Return what building the images takes, or raise what is missing before anything has been uploaded or built.

    Raises
    ------
    NoBuilder, ConfigError, ImageError
        As ``build`` does.
    """
    dockerfiles = package.dockerfiles if package is not None else {}
    found = []
    for name in names:
        reference_of(config.image_builder.container_registry_uri, name, "check")
        found.append(contexts.find(name, config, dockerfiles))
    return Plan(found, choose(config))


def _state(name: str, reference: str, version_id: str, config: Config) -> ImageVersion:
    settings = config.image_builder
    try:
        reference = reference or reference_of(settings.container_registry_uri, name, version_id)
    except (ImageError, InvalidInput) as error:
        return ImageVersion(name=name, reference="", message=f"{error.message} {error.why}".strip())
    return look_up(name, reference, insecure=settings.insecure)


def _version(version_id: str, connection: Connection | None, config: Config) -> PipelineVersion:
    from kfops.connection import connect
    from kfops.pipelines import get_version

    return get_version(version_id, connection or connect(config), config)


def _loaded(config: Config | None) -> Config:
    if config is not None:
        return config
    from kfops.config import load

    return load()
