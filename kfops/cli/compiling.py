"""``kfops compile``, ``upload`` and ``build``: from a file to a pipeline version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional

import click

from kfops.cli import show
from kfops.errors import InvalidInput

if TYPE_CHECKING:
    from kfops.config import Config
    from kfops.types import Package, PipelineVersion

_file = click.argument("file", required=False)
_function = click.option("--function", metavar="NAME", help="Which pipeline function, where the file has several.")
_name = click.option("--name", metavar="NAME", help="Name of the pipeline, by default the one it gives itself.")


@click.command(name="compile")
@_file
@_function
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the package there.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def compile_command(file: Optional[str], function: Optional[str], output: Optional[str], as_json: bool) -> None:
    """Compile FILE, a .py or .ipynb; by default pipeline.pipeline_path of config.yaml."""
    from kfops.config import load

    package = compiled(file, function, load())
    if output:
        Path(output).write_text(package.text, encoding="utf-8")
    if as_json:
        show.as_json(package.summary())
        return
    show.facts(
        {
            "Pipeline": package.name,
            "Mode": package.mode,
            "Steps": str(package.graph.total),
            "Images": ", ".join(package.images),
            "Size": show.size(package.size),
            "SHA-256": package.sha256,
            "Written to": output or "",
        }
    )
    if package.parameters:
        click.echo()
        rows = [[p.name, p.type, "(required)" if p.required else str(p.default)] for p in package.parameters]
        show.table(["parameter", "type", "default"], rows, empty="")


@click.command()
@_file
@_function
@_name
@click.option("--version-name", metavar="NAME", help="Name of the version, by default its number.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def upload(
    file: Optional[str], function: Optional[str], name: Optional[str], version_name: Optional[str], as_json: bool
) -> None:
    """Compile FILE and make it a new version of its pipeline."""
    from kfops.config import load

    config = load()
    version = uploaded(file, function, config, name=name, version_name=version_name)
    if as_json:
        show.as_json(version.to_dict())
    else:
        show_version(version)


@click.command()
@_file
@_function
@_name
@click.option("--version", "version_id", metavar="ID", help="Build what this version lacks; FILE has its Dockerfiles.")
def build(file: Optional[str], function: Optional[str], name: Optional[str], version_id: Optional[str]) -> None:
    """Compile FILE, upload it as a new version and build the version's images."""
    from kfops.config import load

    config = load()
    if version_id:
        from kfops.images import build as build_images

        package = compiled(file, function, config) if file else None
        images = build_images(version_id, package=package, config=config, on_log=click.echo)
        show.table(["image", "state"], [[i.reference, i.state] for i in images], empty="It has no images of its own.")
        return
    from kfops.images import build_pipeline

    target = source(file, config)
    wanted = name or config.pipeline.name or None
    chosen = function or config.pipeline.pipeline_function_name
    show_version(build_pipeline(target, function=chosen, name=wanted, config=config, on_log=click.echo))


def source(file: Optional[str], config: Config) -> Path:
    """Return the file to compile: the one named, else that of config.yaml."""
    if file is None and not config.pipeline.pipeline_path:
        raise InvalidInput(
            "Which file is to be compiled?",
            why="None was named, and config.yaml names none as pipeline.pipeline_path.",
            remedy="Name a .py or .ipynb file.",
        )
    path = Path(file) if file is not None else config.root / config.pipeline.pipeline_path
    if not path.is_file():
        raise InvalidInput(
            f"There is no file {path}.",
            why="" if file is not None else f"It is pipeline.pipeline_path of {config.path}.",
            remedy="Check the path.",
        )
    return path


def compiled(file: Optional[str], function: Optional[str], config: Config) -> Package:
    """Return the package of the file, or of config.yaml's where none is named."""
    compile_pipeline: Callable[..., Package]
    from kfops.compiler import compile as compile_pipeline

    path = source(file, config)
    chosen: Any = function or (config.pipeline.pipeline_function_name if file is None else None)
    return compile_pipeline(path, function=chosen, config=config)


def uploaded(
    file: Optional[str],
    function: Optional[str],
    config: Config,
    *,
    name: Optional[str] = None,
    version_name: Optional[str] = None,
) -> PipelineVersion:
    """Return the version that the file has become."""
    from kfops.connection import connect
    from kfops.pipelines import upload as upload_package

    connection = connect(config)
    package = compiled(file, function, config)
    wanted = name or (config.pipeline.name if file is None else "") or None
    return upload_package(package, pipeline_name=wanted, version_name=version_name, connection=connection)


def show_version(version: PipelineVersion) -> None:
    """Write which version it is, and the state of its images."""
    numbered = f"version {version.number}" if version.number else version.name
    show.facts(
        {
            "Pipeline": version.pipeline_name,
            "Version": numbered,
            "Id": version.id,
            "Images": ", ".join(f"{i.reference or i.name} ({i.state})" for i in version.images),
        }
    )


COMMANDS = (compile_command, upload, build)
