"""Routes of runs, their steps' logs and artifacts."""

from __future__ import annotations

from tornado.iostream import StreamClosedError

from kfops.errors import InvalidInput

from ..body import Field
from .base import KfopsHandler, guarded

#: Bytes of a log in one answer, unless it is said, and at most.
LOG_PART, LOG_PART_MOST = 256 * 1024, 1024 * 1024

#: What a list of runs can be narrowed down and sorted by.
_NARROWING = ("state", "pipeline_id", "version_id", "experiment_id", "recurring_run_id", "text", "sort_by")


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


class StepHandler(KfopsHandler):
    """A step."""

    @guarded
    async def get(self, run_id: str, step_id: str) -> None:
        """Answer with what the step asks for, and where its outputs came from if they were reused."""
        self.reply(await self.ask("steps.get", run_id=run_id, step_id=step_id))


class StepLogHandler(KfopsHandler):
    """The log of a step, part by part."""

    @guarded
    async def get(self, run_id: str, step_id: str) -> None:
        """Answer with a part of the log, its end unless an offset is named."""
        offset = self.number("offset", 0, least=0, most=10**15) if self.get_query_argument("offset", "") else None
        limit = self.number("limit", LOG_PART, least=1, most=LOG_PART_MOST)
        self.reply(await self.ask("steps.log", run_id=run_id, step_id=step_id, offset=offset, limit=limit))


class StepLogFileHandler(KfopsHandler):
    """The whole log of a step, as a file."""

    @guarded
    async def get(self, run_id: str, step_id: str) -> None:
        """Answer with the log as it is now; it is passed on in parts, so that it may be of any size."""
        offset, complete = 0, False
        while not complete:
            part = await self.ask("steps.log", run_id=run_id, step_id=step_id, offset=offset, limit=LOG_PART_MOST)
            if offset == 0:
                self.set_header("Content-Type", "text/plain; charset=utf-8")
                self.set_header("Content-Disposition", f'attachment; filename="{step_id}.log"')
            complete = part["complete"] or part["next_offset"] <= offset
            offset = part["next_offset"]
            self.write(part["text"])
            try:
                await self.flush()
            except StreamClosedError:
                return
        self.finish()


class StepArtifactsHandler(KfopsHandler):
    """The output artifacts of a step."""

    @guarded
    async def get(self, run_id: str, step_id: str) -> None:
        """Answer with the artifacts as they can be looked at."""
        self.reply({"previews": await self.ask("steps.artifacts", run_id=run_id, step_id=step_id)})
