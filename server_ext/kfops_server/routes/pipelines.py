"""Routes of pipelines and their versions."""

from __future__ import annotations

from .base import KfopsHandler, guarded


class PipelinesHandler(KfopsHandler):
    """All pipelines."""

    @guarded
    async def get(self) -> None:
        """Answer with the backend's pipelines."""
        self.reply({"pipelines": await self.ask("pipelines.list")})


class PipelineVersionsHandler(KfopsHandler):
    """The versions of a pipeline."""

    @guarded
    async def get(self, pipeline_id: str) -> None:
        """Answer with the versions, newest first."""
        self.reply({"versions": await self.ask("versions.list", pipeline_id=pipeline_id)})


class VersionHandler(KfopsHandler):
    """One pipeline version."""

    @guarded
    async def get(self, version_id: str) -> None:
        """Answer with the version, its graph, parameters, images and source."""
        self.reply(await self.ask("versions.get", version_id=version_id))
