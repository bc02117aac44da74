"""Routes of the operations: ask for one after a page reload, cancel it."""

from __future__ import annotations

import dataclasses

from .base import KfopsHandler, guarded


class OperationsHandler(KfopsHandler):
    """All operations."""

    @guarded
    async def get(self) -> None:
        """Answer with the operations, newest first, without their logs."""
        listed = [dataclasses.replace(operation, log="") for operation in self.services.operations.list()]
        self.reply({"operations": [operation.to_dict() for operation in listed]})


class OperationHandler(KfopsHandler):
    """One operation."""

    @guarded
    async def get(self, operation_id: str) -> None:
        """Answer with the operation and its log."""
        self.reply(self.services.operations.get(operation_id).to_dict())

    @guarded
    async def delete(self, operation_id: str) -> None:
        """Cancel it when it runs, else drop it from the history."""
        await self.services.operations.cancel(operation_id)
        self.set_status(204)
        self.finish()
