# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""What v2 steps have stored under URIs: Kubeflow Pipelines hands it out by its web server, not by its API."""

from __future__ import annotations

import asyncio
import base64

from kfops.errors import KfopsError

from ..artifacts import ArtifactStore
from ..problems import Invalid, Missing
from . import wire
from .base import Handler

#: Bytes of the files of an artifact that is handed out; a larger one is read where it lies.
LARGEST = 64 * 1024 * 1024


class StoredArtifact(Handler):
    """/apis/v1alpha1/artifacts?uri=<minio://...>."""

    async def get(self) -> None:
        uri = self.get_query_argument("uri", "")
        content = await asyncio.get_running_loop().run_in_executor(None, self._read, uri)
        self.reply(wire.present(data=base64.b64encode(content).decode()))

    def _read(self, uri: str) -> bytes:
        store = ArtifactStore(self.backend.data_dir / "artifacts")
        try:
            path = store.path_of(uri)
        except KfopsError as error:
            raise Invalid(error.message, error.why) from None
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        if not files:
            raise Missing("Artifact", uri)
        size = sum(file.stat().st_size for file in files if not file.is_symlink())
        if size > LARGEST:
            raise Invalid(f"The artifact {uri} is too large to be sent: {size} bytes.", f"Read it at {path}.")
        return store.packed(path)
