"""What the engine needs of the store."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Protocol


class RunRecords(Protocol):
    """The runs' records. Calls are synchronous, short, and durable when they return."""

    def unfinished(self) -> List[str]:
        """Return the ids of the runs that have not come to an end."""

    def workflow(self, run_id: str) -> Dict[str, Any]:
        """Return the submitted Workflow, with parameters overridden, and ``status`` as last saved, if ever."""

    def save_status(self, run_id: str, status: Dict[str, Any]) -> None:
        """Keep the run's Argo WorkflowStatus."""

    def save_metrics(self, run_id: str, node_id: str, metrics: List[Dict[str, Any]]) -> None:
        """Keep metrics that a step reported."""

    def terminating(self, run_id: str) -> bool:
        """Tell whether somebody has asked for the run to be stopped."""

    def cached(self, key: str, max_age: Optional[float]) -> Optional[Dict[str, Any]]:
        """Return what was remembered under a key in the last ``max_age`` seconds (None: ever), or None."""

    def remember(self, key: str, run_id: str, node_id: str, outputs: Dict[str, Any]) -> None:
        """Keep what a step gave, for :meth:`cached`."""
