"""Routes of model versions."""

from __future__ import annotations

from .base import KfopsHandler, guarded


class ModelsHandler(KfopsHandler):
    """All model versions."""

    @guarded
    async def get(self) -> None:
        """Answer with the model versions, newest first."""
        self.reply({"models": await self.ask("models.list")})


class ModelHandler(KfopsHandler):
    """One model version."""

    @guarded
    async def get(self, key: str) -> None:
        """Answer with the model version and its files."""
        self.reply(await self.ask("models.get", key=key))
