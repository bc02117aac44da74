"""Read what is to be compiled through the server's contents manager, so that its permissions and hiding hold."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Union

import nbformat
from jupyter_server.utils import ensure_async, to_os_path
from tornado.web import HTTPError

from kfops.errors import InvalidInput, NotFound

#: What can be compiled or uploaded, by the end of its name.
KINDS = {
    ".ipynb": "notebook",
    ".py": "file",
    ".yaml": "package",
    ".yml": "package",
    ".zip": "package",
    ".tar.gz": "package",
}

_BINARY = (".zip", ".tar.gz")


async def read_source(contents: Any, path: str, content: Optional[Union[str, Dict[str, Any]]] = None) -> Dict[str, Any]:
    """Return a source as the worker takes it.

    Parameters
    ----------
    contents
        The server's contents manager, with or without async methods.
    path
        The path as the contents API knows it.
    content
        What an editor has that is not saved; else the saved file is read.

    Returns
    -------
    dict
        ``path``; ``kind``, ``notebook``, ``file`` or ``package``; ``content``, the file's text, or base64 for a
        packed package; ``encoding``, ``text`` or ``base64``; ``os_path``, where the file is ("" when the contents
        manager keeps none).
    """
    path = path.strip("/")
    end = next((end for end in KINDS if path.lower().endswith(end)), "")
    if not end:
        raise InvalidInput(
            f"{path} cannot be compiled.",
            why=f"It is none of {', '.join(KINDS)}.",
            remedy="Open the notebook or the Python file that has the pipeline.",
            field="path",
        )
    encoding = "base64" if end in _BINARY else "text"
    if content is None:
        content = await _saved(contents, path, encoding)
    else:
        # That a file may be read there is asked for unsaved content too: its folder is where the code will run.
        await _visible(contents, path)
        content = _unsaved(path, content, end)
    return {
        "path": path,
        "kind": KINDS[end],
        "content": content,
        "encoding": encoding,
        "os_path": _os_path(contents, path),
    }


async def folder_of(contents: Any, path: str, root: str) -> str:
    """Return the folder of a document, or ``root`` for one that is not there to be seen."""
    path = path.strip("/")
    try:
        await _visible(contents, path)
    except NotFound:
        return root
    return os.path.dirname(_os_path(contents, path)) or root


async def _saved(contents: Any, path: str, encoding: str) -> str:
    try:
        # A notebook as text too: its hash is then that of the file, and no output of it is lost or changed.
        model = await ensure_async(contents.get(path, content=True, type="file", format=encoding))
    except HTTPError as error:
        if error.status_code == 404:
            raise _not_found(path) from None
        raise InvalidInput(
            f"{path} cannot be read.", why=error.log_message or error.reason or "", field="path"
        ) from None
    return str(model["content"])


async def _visible(contents: Any, path: str) -> None:
    """Refuse a path in a folder that the contents manager does not show."""
    folder = os.path.dirname(path)
    try:
        seen = await ensure_async(contents.dir_exists(folder))
        hidden = not getattr(contents, "allow_hidden", False) and await ensure_async(contents.is_hidden(path))
    except HTTPError:
        seen, hidden = False, True
    if hidden or not seen:
        raise _not_found(path)


def _unsaved(path: str, content: Union[str, Dict[str, Any]], end: str) -> str:
    if end == ".ipynb" and isinstance(content, dict):
        if not isinstance(content.get("cells"), list):
            raise InvalidInput(
                f"The content of {path} is not a notebook.", why="It has no list of cells.", field="content"
            )
        try:
            # As Jupyter would save it, so that its hash is that of the file once it is saved.
            return str(nbformat.writes(nbformat.from_dict(content))) + "\n"
        except Exception as error:
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            raise InvalidInput(f"The content of {path} is not a notebook.", why=why, field="content") from None
    if end not in (".ipynb", *_BINARY) and isinstance(content, str):
        return content
    wanted = "a notebook as an object" if end == ".ipynb" else "absent" if end in _BINARY else "text"
    raise InvalidInput(f"The content of {path} cannot be this.", why=f"It must be {wanted}.", field="content")


def _os_path(contents: Any, path: str) -> str:
    root = getattr(contents, "root_dir", "")
    found = to_os_path(path, os.path.abspath(root)) if root else ""
    return found if found and os.path.isdir(os.path.dirname(found)) else ""


def _not_found(path: str) -> NotFound:
    return NotFound(f"There is no file {path}.", remedy="Save the file, or check its path.", path=path)
