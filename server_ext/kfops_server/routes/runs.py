"""Routes of runs, their steps' logs and artifacts."""

from __future__ import annotations

from kfops.errors import InvalidInput

from ..body import Field
from .base import KfopsHandler, guarded

#: What a list of runs can be narrowed down and sorted by.
_NARROWING = ("state", "pipeline_id", "experiment_id", "text", "sort_by")


class RunsHandler(KfopsHandler):
    """All runs."""

    @guarded
    async def get(self) -> None:
        """Answer with a page of runs, newest first unless another order is asked for."""
        page = await self.ask(
            "runs.list",
            page_token=self.get_query_argument("page_token", ""),
            page_size=self.number("page_size", 50, least=1, most=200),
            archived=self.choice("archived", ("false", "true")) == "true",
            **{name: self.get_query_argument(name) for name in _NARROWING if self.get_query_argument(name, "")},
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
        """Stop the run, retry what failed of it, archive it or bring it back."""
        change = self.body(Field("state", choices=("stopped", "running")), Field("archived", types=(bool,)))
        if len(change) != 1:
            raise InvalidInput("A run is changed in one way at a time.", remedy="Send either state or archived.")
        if "archived" in change:
            self.reply(await self.ask("runs.archive", run_id=run_id, archived=change["archived"]))
        else:
            method = "runs.stop" if change["state"] == "stopped" else "runs.retry"
            self.reply(await self.ask(method, run_id=run_id))

    @guarded
    async def delete(self, run_id: str) -> None:
        """Delete a run that has ended."""
        await self.ask("runs.delete", run_id=run_id)
        self.done()


class ComparisonHandler(KfopsHandler):
    """Runs side by side."""

    @guarded
    async def get(self) -> None:
        """Answer with the comparison of the runs that the query names."""
        ids = [run_id for run_id in self.get_query_argument("run_ids", "").split(",") if run_id]
        if not 2 <= len(ids) <= 10:
            raise InvalidInput("Two to ten runs can be compared.", why=f"The query names {len(ids)}.", field="run_ids")
        for run_id in ids:
            self.check_id(run_id)
        self.reply(await self.ask("runs.compare", run_ids=ids))


class StepLogHandler(KfopsHandler):
    """The log of a step."""

    @guarded
    async def get(self, run_id: str, step_id: str) -> None:
        """Answer with the log from an offset on."""
        offset = self.number("offset", 0, least=0, most=10**12)
        self.reply(await self.ask("steps.log", run_id=run_id, step_id=step_id, offset=offset))


class StepArtifactsHandler(KfopsHandler):
    """The output artifacts of a step."""

    @guarded
    async def get(self, run_id: str, step_id: str) -> None:
        """Answer with the artifacts as they can be looked at."""
        self.reply({"previews": await self.ask("steps.artifacts", run_id=run_id, step_id=step_id)})
