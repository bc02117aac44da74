"""The content of a file -> a Preview, told by what is in it rather than by what it is called. Pure."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import posixpath
from typing import Any, Dict, List, Optional

from kfops import model_files
from kfops.types import Preview

#: Bytes of text and of pictures, and rows of a table, that are shown.
MOST_TEXT, MOST_PICTURE, MOST_ROWS = 200_000, 8_000_000, 500
_MOST_COLUMNS = 100

_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_HTML = (b"<!doctype html", b"<html")


def of_content(artifact: str, path: str, content: bytes) -> Preview:
    """Return what can be shown of a file.

    Parameters
    ----------
    artifact
        The artifact's name.
    path
        The file's path in it; its ending helps where the content alone does not tell.
    content
        The whole file.
    """
    title = posixpath.basename(path)
    base: Dict[str, Any] = {"artifact": artifact, "title": "" if title in ("data", artifact) else title}
    base["size"] = len(content)
    picture = _picture(content)
    if picture:
        if len(content) > MOST_PICTURE:
            return Preview(kind="none", message="The picture is too large to be shown.", **base)
        return Preview(kind="image", data={picture: base64.b64encode(content).decode("ascii")}, **base)
    text = _text(content)
    if text is None:
        return _binary(base, content)
    ending = posixpath.splitext(path)[1].lower()
    if content[:200].lstrip().lower().startswith(_HTML) or ending in (".html", ".htm"):
        return Preview(kind="html", data={"text/html": text}, truncated=len(content) > MOST_TEXT, **base)
    if ending == ".md":
        return Preview(kind="markdown", data={"text/markdown": text}, truncated=len(content) > MOST_TEXT, **base)
    if len(content) <= MOST_TEXT:
        value = _json(text)
        if value is not None:
            return Preview(kind="json", data={"application/json": value, "text/plain": text}, **base)
    whole = text[: text.rfind("\n")] if len(content) > MOST_TEXT else text
    rows = _rows(whole, "\t" if ending == ".tsv" else ",")
    if rows is not None:
        return table(base, rows[0], rows[1:], cut=len(content) > MOST_TEXT)
    return Preview(kind="text", data={"text/plain": text}, truncated=len(content) > MOST_TEXT, **base)


def _binary(base: Dict[str, Any], content: bytes) -> Preview:
    found = model_files.facts(content)
    if found is None:
        return Preview(kind="binary", message="These bytes are of no format that can be shown.", **base)
    digest = ("SHA-256", hashlib.sha256(content).hexdigest())
    return table(base, ["field", "value"], [[name, value] for name, value in [*found, digest]])


def table(base: Dict[str, Any], columns: List[str], rows: List[List[str]], *, cut: bool = False) -> Preview:
    """Return a table as a preview, with its first rows."""
    shown = [[str(cell) for cell in row[:_MOST_COLUMNS]] for row in rows[:MOST_ROWS]]
    truncated = cut or len(rows) > MOST_ROWS or any(len(row) > _MOST_COLUMNS for row in rows[:MOST_ROWS])
    heads = [str(column) for column in columns[:_MOST_COLUMNS]]
    return Preview(kind="table", columns=heads, rows=shown, truncated=truncated, **base)


def _picture(content: bytes) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for begins, kind in _PICTURES.items() if content.startswith(begins)), "")


def _text(content: bytes) -> Optional[str]:
    part = content[:MOST_TEXT]
    if b"\0" in part:
        return None
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError as error:
        # The cut may have gone through a letter.
        return part[: error.start].decode("utf-8") if len(content) > MOST_TEXT and error.start > len(part) - 4 else None


def _json(text: str) -> Any:
    """Return an object or a list; a number alone is text."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rows(text: str, separator: str) -> Optional[List[List[str]]]:
    """Return the rows of separated values: two lines at least, all of the same length, of two cells at least."""
    lines = text.splitlines()[: MOST_ROWS + 2]
    if len(lines) < 2 or separator not in lines[0]:
        return None
    try:
        rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator) if row]
    except csv.Error:
        return None
    same = len({len(row) for row in rows}) == 1
    return rows if same and len(rows) > 1 and len(rows[0]) > 1 else None
