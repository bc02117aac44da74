"""Routes that compile, upload and build: each begins an operation."""

from __future__ import annotations

from typing import Any, Callable

from jupyter_server.utils import url_path_join

from ..body import Field
from ..operations import Operation
from ..sources import read_source
from .base import KfopsHandler, guarded

#: Seconds that an answer is held back for work that ends meanwhile: a warm compile does, and needs no second question.
MOMENT = 0.3

_SOURCE = (
    Field("path", required=True),
    Field("content", types=(dict, str)),
    Field("format", choices=("json", "text")),
    Field("function"),
)


class OperationStarter(KfopsHandler):
    """Base of the routes that answer 202."""

    async def begin(self, kind: str, subject: str, method: str, **params: Any) -> None:
        """Have the worker do ``method`` and answer with the operation; one that is done in a moment with its end."""
        services = self.services

        async def work(on_log: Callable[[str], None]) -> Any:
            return await services.work(method, on_log, **params)

        operation = services.operations.start(kind, subject, work)
        await services.operations.wait(operation, MOMENT)
        self.accepted(operation)

    def accepted(self, operation: Operation) -> None:
        """Answer 202 with the operation and where to ask for it."""
        self.set_header("Location", url_path_join(self.base_url, "kfops", "operations", operation.id))
        self.reply(operation.to_dict(), 202)


class PackagesHandler(OperationStarter):
    """Compile a source."""

    @guarded
    async def post(self) -> None:
        """Begin to compile; the result is a package's summary."""
        body = self.body(*_SOURCE)
        source = await read_source(self.services.contents, body["path"], body.get("content"))
        await self.begin(
            "compile",
            source["path"],
            "packages.compile",
            source=source,
            function=body.get("function"),
            time_limit=self.services.compile_time_limit,
        )


class VersionsHandler(OperationStarter):
    """Compile and upload a source."""

    @guarded
    async def post(self) -> None:
        """Begin to compile and upload, and with ``build`` to build the images; the result is a pipeline version."""
        body = self.body(
            *_SOURCE,
            Field("pipeline_name"),
            Field("version_name"),
            Field("description"),
            Field("build", types=(bool,)),
        )
        source = await read_source(self.services.contents, body["path"], body.get("content"))
        await self.begin(
            "upload",
            source["path"],
            "versions.create",
            source=source,
            function=body.get("function"),
            pipeline_name=body.get("pipeline_name"),
            version_name=body.get("version_name"),
            description=body.get("description"),
            build=body.get("build", False),
            time_limit=self.services.compile_time_limit,
        )


class BuildHandler(OperationStarter):
    """Build the images of a version."""

    @guarded
    async def post(self, version_id: str) -> None:
        """Begin to build; the result has the image versions and the pipeline version."""
        body = self.body(Field("path"), Field("content", types=(dict, str)))
        source = None
        if "path" in body:
            source = await read_source(self.services.contents, body["path"], body.get("content"))
        await self.begin(
            "build",
            version_id,
            "versions.build",
            version_id=version_id,
            source=source,
            **({"root": await self.project()} if source is None else {}),
            time_limit=self.services.compile_time_limit,
        )
