"""Routes of recurring runs."""

from __future__ import annotations

from ..body import Field
from .base import KfopsHandler, guarded


class RecurringRunsHandler(KfopsHandler):
    """All recurring runs."""

    @guarded
    async def get(self) -> None:
        """Answer with the recurring runs, the newest first."""
        self.reply({"recurring_runs": await self.ask("recurring.list")})

    @guarded
    async def post(self) -> None:
        """Have a pipeline version run again and again, and answer 201 with the recurring run."""
        body = self.body(
            Field("version_id", required=True),
            Field("schedule", required=True),
            Field("parameters", types=(dict,)),
            Field("name"),
            Field("experiment"),
            Field("start"),
            Field("end"),
            Field("max_concurrency", types=(int,)),
            Field("catch_up", types=(bool,)),
        )
        self.reply(await self.ask("recurring.create", **body), 201)


class RecurringRunHandler(KfopsHandler):
    """One recurring run."""

    @guarded
    async def patch(self, recurring_run_id: str) -> None:
        """Pause the recurring run or let it go on, and answer with it."""
        change = self.body(Field("enabled", types=(bool,), required=True))
        self.reply(await self.ask("recurring.enable", recurring_run_id=recurring_run_id, **change))

    @guarded
    async def delete(self, recurring_run_id: str) -> None:
        """Delete the recurring run; its runs stay."""
        await self.ask("recurring.delete", recurring_run_id=recurring_run_id)
        self.done()
