"""Routes of runs, their steps' logs, and experiments."""

from __future__ import annotations

from ..body import Field
from .base import KfopsHandler, guarded


class RunsHandler(KfopsHandler):
    """All runs."""

    @guarded
    async def get(self) -> None:
        """Answer with a page of runs, newest first."""
        page = await self.ask(
            "runs.list",
            page_token=self.get_query_argument("page_token", ""),
            page_size=self.number("page_size", 50, least=1, most=200),
        )
        self.reply(page)

    @guarded
    async def post(self) -> None:
        """Run a pipeline version and answer 201 with the run."""
        body = self.body(
            Field("version_id", required=True),
            Field("parameters", types=(dict,)),
            Field("name"),
            Field("experiment"),
        )
        self.reply(await self.ask("runs.create", **body), 201)


class RunHandler(KfopsHandler):
    """One run."""

    @guarded
    async def get(self, run_id: str) -> None:
        """Answer with the run and its graph."""
        self.reply(await self.ask("runs.get", run_id=run_id))

    @guarded
    async def patch(self, run_id: str) -> None:
        """Stop the run, or retry what failed of it."""
        state = self.body(Field("state", required=True, choices=("stopped", "running")))["state"]
        method = "runs.stop" if state == "stopped" else "runs.retry"
        self.reply(await self.ask(method, run_id=run_id))


class StepLogHandler(KfopsHandler):
    """The log of a step."""

    @guarded
    async def get(self, run_id: str, step_id: str) -> None:
        """Answer with the log from an offset on."""
        offset = self.number("offset", 0, least=0, most=10**12)
        self.reply(await self.ask("steps.log", run_id=run_id, step_id=step_id, offset=offset))


class ExperimentsHandler(KfopsHandler):
    """All experiments."""

    @guarded
    async def get(self) -> None:
        """Answer with the experiments."""
        self.reply({"experiments": await self.ask("experiments.list")})
