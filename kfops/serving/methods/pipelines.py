"""Pipelines and the versions that a backend has: listed, read, compared, thrown away."""

from __future__ import annotations

from typing import Any, Dict, List

from kfops import differences, housekeeping, images, pipelines, step_spec
from kfops.config import load
from kfops.connection import choice_of
from kfops.serving.calls import Call, Method
from kfops.serving.methods.access import Access, Wire, wire, wires


class PipelineMethods:
    """What the backend has of pipelines."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def table(self) -> Dict[str, Method]:
        """Return the methods by the names they have over the wire."""
        return {
            "pipelines.list": self.list_pipelines,
            "pipelines.default": self.set_default_version,
            "pipelines.delete": self.delete_pipeline,
            "versions.list": self.list_versions,
            "versions.get": self.get_version,
            "versions.step": self.version_step,
            "versions.package": self.version_package,
            "versions.changes": self.version_changes,
            "versions.delete": self.delete_version,
            "images.list": self.list_images,
        }

    def list_pipelines(self, call: Call, root: str) -> List[Wire]:
        """Return the pipelines."""
        return self._access.ask(root, lambda c: wires(pipelines.list_pipelines(c)))

    def set_default_version(self, call: Call, root: str, pipeline_id: str, version_id: str) -> None:
        """Make a version the default of its pipeline."""
        self._access.change(root, lambda c: housekeeping.set_default_version(pipeline_id, version_id, c))

    def delete_pipeline(self, call: Call, root: str, pipeline_id: str) -> None:
        """Delete a pipeline with its versions."""
        self._access.change(root, lambda c: housekeeping.delete_pipeline(pipeline_id, c))

    def list_versions(self, call: Call, root: str, pipeline_id: str) -> List[Wire]:
        """Return the versions of a pipeline."""
        config = load(start=root)
        found, choice = self._access.connections.ask(
            config, lambda c: (pipelines.list_versions(pipeline_id, c), choice_of(c, config))
        )
        self._access.projects.seen((version.id for version in found), root, choice)
        return wires(found)

    def get_version(self, call: Call, root: str, version_id: str) -> Wire:
        """Return one version with its graph and its images."""
        config = self._access.projects.config(version_id, root)
        return self._access.connections.ask(config, lambda c: wire(pipelines.get_version(version_id, c, config)))

    def version_step(self, call: Call, root: str, version_id: str, step_id: str) -> Wire:
        """Return how a step of a version is to be executed."""
        return self._access.ask(
            root, lambda c: wire(step_spec.version_step_spec(version_id, step_id, c)), about=version_id
        )

    def version_package(self, call: Call, root: str, version_id: str) -> Dict[str, Any]:
        """Return the text of a version's package."""
        return self._access.ask(root, lambda c: {"text": differences.version_text(version_id, c)}, about=version_id)

    def version_changes(self, call: Call, root: str, version_id: str, since: str) -> Wire:
        """Return what is different in a version, seen from another."""
        return self._access.ask(
            root, lambda c: wire(differences.compare_versions(since, version_id, c)), about=version_id
        )

    def delete_version(self, call: Call, root: str, version_id: str) -> None:
        """Delete a version."""
        self._access.change(root, lambda c: housekeeping.delete_version(version_id, c), about=version_id)

    def list_images(self, call: Call, root: str) -> List[Wire]:
        """Return the newest versions that have images of their own, with them."""
        config = load(start=root)
        return self._access.ask(root, lambda c: wires(images.list_images(c, config)))
