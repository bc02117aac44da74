# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""The upload service: packages as multipart files. Its refusals have a form of their own."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from tornado.httputil import HTTPInputError, parse_body_arguments
from tornado.web import stream_request_body

from ..problems import Invalid, Problem
from . import wire
from .base import Handler
from .package import MAX_SIZE, UploadedPackage, read_package
from .submission import v2_pipeline_name

MAX_NAME = 100
#: A form around a file of the largest size, and what is read at all.
LARGEST_FORM = MAX_SIZE + 1024 * 1024
LONGEST_BODY = 1024 * 1024 * 1024


@stream_request_body
class _Upload(Handler):
    """Reads the body to its end however long it is: a client that is cut off sees no reason, only a broken pipe."""

    def prepare(self) -> None:
        super().prepare()
        self._chunks: list[bytes] = []
        self._size = 0
        self.request.connection.set_max_body_size(LONGEST_BODY)  # type: ignore[union-attr]

    def data_received(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > LARGEST_FORM:
            self._chunks.clear()
        else:
            self._chunks.append(chunk)

    def refuse(self, problem: Problem) -> None:
        # The real server answers 500 to everything that goes wrong after the file has been read, a name that is
        # taken included; its clients look for that.
        self.set_status(500 if problem.status == 409 else problem.status)
        self.reply({"error_message": problem.message, "error_details": problem.cause or problem.message})

    async def uploaded(self) -> tuple[UploadedPackage, str]:
        """Return the package of the request and the name it is to have."""
        if self._size > LARGEST_FORM:
            raise Invalid("File size too large. Maximum supported file size is 32 MiB.")
        request, body = self.request, b"".join(self._chunks)
        self._chunks.clear()
        try:
            parse_body_arguments(
                request.headers.get("Content-Type", ""), body, request.body_arguments, request.files, request.headers
            )
        except HTTPInputError as error:
            raise Invalid(f"Failed to read the form: {error}.") from None
        files = request.files.get("uploadfile")
        if not files:
            raise Invalid("Failed to read the file: the form has no file called uploadfile.")
        name = checked_name(_text(self.query.get("name", "")) or files[0].filename)
        # Reading YAML takes seconds for a large pipeline; others are served meanwhile.
        package = await asyncio.get_running_loop().run_in_executor(None, read_package, files[0].body)
        return package, name


class UploadPipeline(_Upload):
    """/apis/v1beta1/pipelines/upload."""

    async def post(self) -> None:
        package, name = await self.uploaded()
        v2_pipeline_name(package.workflow, name)
        row = self.backend.store.pipelines.create(
            name, _text(self.query.get("description", "")), package.text, package.workflow_json, package.parameters
        )
        self.reply(wire.pipeline(row, self.backend.store.versions.get(row.id)))


class UploadVersion(_Upload):
    """/apis/v1beta1/pipelines/upload_version."""

    async def post(self) -> None:
        pipeline_id = self.query.get("pipelineid", "")
        if not pipeline_id:
            raise Invalid("Please specify a pipeline id when creating versions.")
        pipeline = self.backend.store.pipelines.get(pipeline_id)
        package, name = await self.uploaded()
        v2_pipeline_name(package.workflow, pipeline.name)
        row = self.backend.store.versions.create(
            pipeline_id,
            name,
            _text(self.query.get("description", "")),
            package.text,
            package.workflow_json,
            package.parameters,
        )
        self.reply(wire.version(row))


def checked_name(name: str) -> str:
    """Return the name of a pipeline or version; raises Invalid when it is empty or too long."""
    if not name:
        raise Invalid("Pipeline name is empty. Please specify a valid name.")
    if len(name.encode()) > MAX_NAME:
        raise Invalid(f"The pipeline name is too long. It must have at most {MAX_NAME} bytes.")
    return name


def _text(value: str) -> str:
    """Return an argument of the query, which the user interface of Kubeflow Pipelines escapes twice."""
    return unquote(value)
