"""A compiled pipeline, and a pipeline version, as a cell shows them."""

from __future__ import annotations

import json
from html import escape
from typing import List

from kfops import drawing
from kfops.types import Package, Parameter, PipelineVersion
from kfops_lab.display.bundle import QUIET, Shown, card, columns, identifier, line, size, table


def package(found: Package) -> Shown:
    """Show a package: its graph, its parameters, its size and hash, and what to type next."""
    steps = sum(step.kind == "step" for step in found.graph.steps)
    facts = [
        f"{steps} step{'' if steps == 1 else 's'}",
        size(found.size),
        f"sha256 {identifier(found.sha256)}",
        escape(found.mode),
        f"images: {escape(', '.join(found.images))}" if found.images else "",
    ]
    html = card(
        line(f"<b>{escape(found.name)}</b>", *facts),
        f'<div style="{QUIET}">{escape(found.description)}</div>' if found.description else "",
        f'<div style="margin:8px 0;max-width:100%;overflow:auto">{drawing.to_svg(found.graph, plain=True)}</div>',
        _parameters(found.parameters),
        f"<details><summary>Printed while compiling</summary><pre>{escape(found.output)}</pre></details>"
        if found.output
        else "",
        f'<div style="{QUIET}">Next: <code>%kfops upload</code></div>',
    )
    text = "\n".join(
        [
            f"{found.name}: {steps} steps, {size(found.size)}, sha256 {found.sha256}, {found.mode}",
            drawing.to_text(found.graph, plain=True),
            *(f"  {parameter.name}: {parameter.type}{_default(parameter)}" for parameter in found.parameters),
        ]
    )
    return Shown(html, text)


def version(found: PipelineVersion) -> Shown:
    """Show a pipeline version that has just been uploaded."""
    name = f"version {found.number}" if found.number else found.name
    images = [(escape(image.reference), escape(image.state)) for image in found.images]
    missing = any(image.state != "ready" for image in found.images)
    following = "%kfops build" if missing else "%kfops run --wait"
    html = card(
        line(f"<b>{escape(found.pipeline_name)}</b> {escape(name)}", f"id <code>{escape(found.id)}</code>"),
        table(["Image", "State"], images) if images else "",
        f'<div style="{QUIET}">Next: <code>{following}</code></div>',
    )
    lines = [f"{found.pipeline_name} {name}, id {found.id}"]
    lines += [f"  {image.reference}: {image.state}" for image in found.images]
    return Shown(html, "\n".join([*lines, f"Next: {following}"]))


def versions(found: List[PipelineVersion]) -> Shown:
    """Show the versions of pipelines as a list."""
    rows = [(item.pipeline_name, item.name, item.id, item.created_at) for item in found]
    head = ["Pipeline", "Version", "Id", "Created"]
    html = [(escape(a), escape(b), identifier(c), escape(d)) for a, b, c, d in rows]
    return Shown(card(table(head, html)), columns(head, rows))


def _parameters(parameters: List[Parameter]) -> str:
    if not parameters:
        return f'<div style="{QUIET}">No parameters</div>'
    rows = [
        (
            f"<code>{escape(parameter.name)}</code>",
            parameter.type,
            "<i>required</i>" if parameter.required else f"<code>{escape(json.dumps(parameter.default))}</code>",
            escape(parameter.description),
        )
        for parameter in parameters
    ]
    return table(["Parameter", "Type", "Default", ""], rows)


def _default(parameter: Parameter) -> str:
    return " (required)" if parameter.required else f" = {json.dumps(parameter.default)}"
