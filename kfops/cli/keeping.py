"""``kfops models`` and ``materialize``: the model store."""

from __future__ import annotations

from typing import Optional

import click

from kfops.cli import show


@click.command()
@click.argument("key", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def models(key: Optional[str], as_json: bool) -> None:
    """List the model versions, or show the one with this KEY (the id of its run) and its files."""
    from kfops.models import get_model, list_models

    if key is None:
        found = list_models()
        if as_json:
            show.as_json([model.to_dict() for model in found])
            return
        rows = [
            [
                m.name,
                show.local_time(m.created_at),
                show.size(m.size),
                m.run_name or m.notebook or m.pipeline_name,
                m.sha256[:12],
                m.key,
            ]
            for m in found
        ]
        empty = "No models yet. A pipeline keeps one with materialize_model, a folder with: kfops materialize"
        show.table(["model", "made", "size", "from", "sha256", "key"], rows, empty=empty)
        return
    model = get_model(key)
    if as_json:
        show.as_json(model.to_dict())
        return
    show.facts(
        {
            "Model": model.name,
            "Location": model.location,
            "Made": show.local_time(model.created_at),
            "Pipeline": model.pipeline_name,
            "Version": model.version_id,
            "Run": f"{model.run_name} {model.run_id}".strip(),
            "Notebook": model.notebook,
            "SHA-256": model.sha256,
        }
    )
    click.echo()
    show.table(["file", "size", "sha256"], [[f.path, show.size(f.size), f.sha256] for f in model.files], empty="")


@click.command()
@click.argument("path", type=click.Path(exists=True))
@click.option("--name", required=True, help="Name of the model.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def materialize(path: str, name: str, as_json: bool) -> None:
    """Put the folder or file PATH into the model store."""
    from kfops.model import materialize as keep

    model = keep(path, name=name)
    if as_json:
        show.as_json(model.to_dict())
        return
    show.facts({"Model": model.name, "Location": model.location, "Key": model.key, "SHA-256": model.sha256})


COMMANDS = (models, materialize)
