"""Runs, models, images and the connection as a cell shows them."""

from __future__ import annotations

from html import escape
from typing import List

from kfops.types import ConnectionStatus, ImageVersion, ModelVersion, RecurringRun, Run
from kfops_lab.display.bundle import QUIET, Shown, card, columns, identifier, short, size, table
from kfops_lab.display.states import badge, duration, look


def runs(found: List[Run]) -> Shown:
    """Show runs, the newest first."""
    if not found:
        return empty("No runs yet.", "%kfops run")
    head = ["State", "Run", "Step or reason", "Time", "Id"]
    html = [
        (
            badge(run.state),
            escape(run.name),
            escape(run.error or run.current_step),
            duration(run),
            identifier(run.id),
        )
        for run in found
    ]
    text = [
        (
            f"{look(run.state).icon} {look(run.state).word}",
            run.name,
            run.error or run.current_step,
            duration(run),
            run.id,
        )
        for run in found
    ]
    return Shown(card(table(head, html)), columns(head, text))


def recurring(found: List[RecurringRun]) -> Shown:
    """Show recurring runs, and when each is due next."""
    if not found:
        return empty("No recurring runs yet.", "%kfops recurring add '0 0 9 * * *'")
    head = ["Recurring run", "Schedule", "State", "Next", "Id"]
    rows = [
        (
            one.name,
            one.schedule or "once",
            "enabled" if one.enabled else "paused",
            ", ".join(f"{moment[:19].replace('T', ' ')} UTC" for moment in one.upcoming[:1]),
            one.id,
        )
        for one in found
    ]
    html = [
        (escape(name), f"<code>{escape(schedule)}</code>", state, escape(following), identifier(one_id))
        for name, schedule, state, following, one_id in rows
    ]
    return Shown(card(table(head, html)), columns(head, rows))


def models(found: List[ModelVersion]) -> Shown:
    """Show model versions: where each came from, how large it is and where it lies."""
    if not found:
        return empty("No models yet.", "%kfops run --wait")
    head = ["Model", "Run", "Pipeline version", "Size", "sha256", "Created", "Location"]
    html = [
        (
            f"<b>{escape(model.name)}</b>",
            identifier(model.run_id) or escape(model.notebook),
            identifier(model.version_id),
            size(model.size),
            identifier(model.sha256),
            escape(model.created_at[:19].replace("T", " ")),
            f"<code>{escape(model.location)}</code>",
        )
        for model in found
    ]
    text = [
        (
            model.name,
            short(model.run_id) or model.notebook,
            short(model.version_id),
            size(model.size),
            short(model.sha256),
            model.created_at[:19].replace("T", " "),
            model.location,
        )
        for model in found
    ]
    return Shown(card(table(head, html)), columns(head, text))


def images(found: List[ImageVersion]) -> Shown:
    """Show the images of a version and whether the registry has them."""
    if not found:
        return empty("This version uses no images of its own.", "%kfops run")
    head = ["Image", "State", "Digest"]
    html = [(f"<code>{escape(i.reference)}</code>", escape(i.state), identifier(i.digest[7:])) for i in found]
    text = [(i.reference, i.state, i.digest) for i in found]
    return Shown(card(table(head, html)), columns(head, text))


def connection(status: ConnectionStatus, kfops_version: str) -> Shown:
    """Show which backend a notebook talks to, as whom, and which versions meet there."""
    backend = "Embedded backend" if status.kind == "embedded" else "Cluster"
    if status.host:
        backend += f" at {status.host}"
    versions = {"kfops": kfops_version, **status.versions}
    rows = [
        ("Backend", backend),
        ("Identity", status.identity),
        ("Namespace", status.namespace or "none (single user)"),
        ("Versions", ", ".join(f"{name} {number}" for name, number in versions.items() if number)),
    ]
    if status.use != "auto":
        rows.insert(1, ("Chosen", "for this project; %kfops use auto undoes it"))
    if status.token_expires_at:
        rows.append(("Token until", status.token_expires_at))
    html = [(f'<span style="{QUIET}">{escape(name)}</span>', escape(value)) for name, value in rows]
    return Shown(card(table(["", ""], html)), "\n".join(f"{name:<12}{value}" for name, value in rows))


def empty(sentence: str, following: str) -> Shown:
    """Show that there is nothing yet, and what to type."""
    html = card(f'<div style="{QUIET}">{escape(sentence)} Next: <code>{escape(following)}</code></div>')
    return Shown(html, f"{sentence} Next: {following}")
