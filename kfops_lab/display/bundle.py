"""An object that a notebook shows as HTML and a terminal as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any, Dict, Iterable, Mapping, Sequence

MONOSPACE = "font-family:var(--jp-code-font-family,monospace)"
QUIET = "color:var(--jp-ui-font-color2,#666)"
CUT = "display:inline-block;max-width:8ch;overflow:hidden;white-space:nowrap;vertical-align:text-bottom;padding:0"
CELL = "padding:2px 14px 2px 0;text-align:left;vertical-align:top;white-space:nowrap"


@dataclass(frozen=True)
class Shown:
    """What to show: ``html`` must be escaped already, ``text`` is plain, ``more`` are other forms by MIME type."""

    html: str
    text: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_: Any) -> Dict[str, Any]:
        return {**self.more, "text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def short(identifier: str) -> str:
    """Return an id as people read it: its first 8 characters."""
    return identifier[:8]


def identifier(value: str) -> str:
    """Return an id as HTML: its first 8 characters to read, the whole on hover and when it is copied."""
    return f'<code title="{escape(value)}" style="{CUT}">{escape(value)}</code>' if value else ""


def size(count: int) -> str:
    """Return a number of bytes for people: ``7.1 kB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{int(amount)} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; its cells are HTML already."""
    titles = "".join(f'<th style="{CELL};font-weight:600">{escape(title)}</th>' for title in head)
    body = "".join(_row(row) for row in rows)
    return (
        '<table style="border-collapse:collapse;margin:6px 0">'
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the same table as aligned text."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(head))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines)


def card(*parts: str) -> str:
    """Return the frame that all of kfops's HTML output stands in."""
    return (
        '<div style="font-family:var(--jp-ui-font-family,sans-serif);font-size:var(--jp-ui-font-size1,13px);'
        f'color:var(--jp-ui-font-color1,inherit);line-height:1.5">{"".join(parts)}</div>'
    )


def line(*parts: str) -> str:
    """Return one line of a card; empty parts are left out."""
    divider = f' <span style="{QUIET}">·</span> '
    return f"<div>{divider.join(part for part in parts if part)}</div>"
