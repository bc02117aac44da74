"""Routes of experiments."""

from __future__ import annotations

from ..body import Field
from .base import KfopsHandler, guarded


class ExperimentsHandler(KfopsHandler):
    """All experiments."""

    @guarded
    async def get(self) -> None:
        """Answer with the experiments that are not archived."""
        self.reply({"experiments": await self.ask("experiments.list")})

    @guarded
    async def post(self) -> None:
        """Make an experiment, unless there is one of that name, and answer with it."""
        self.reply(await self.ask("experiments.create", **self.body(Field("name", required=True))), 201)


class ExperimentHandler(KfopsHandler):
    """One experiment."""

    @guarded
    async def patch(self, experiment_id: str) -> None:
        """Archive the experiment with its runs, or bring it back."""
        change = self.body(Field("archived", types=(bool,), required=True))
        await self.ask("experiments.archive", experiment_id=experiment_id, **change)
        self.done()

    @guarded
    async def delete(self, experiment_id: str) -> None:
        """Delete the experiment; its runs stay."""
        await self.ask("experiments.delete", experiment_id=experiment_id)
        self.done()
