# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""The experiment service."""

from __future__ import annotations

from ..problems import Invalid, Missing
from . import wire
from .base import Handler, listed_by, references, text


class Experiments(Handler):
    """/apis/v1beta1/experiments."""

    def get(self) -> None:
        query = self.query
        if listed_by(query) is not None:
            raise Invalid("Experiments are listed by namespace, or all of them.")
        rows, total, token = self.backend.store.experiments.page(query)
        self.reply(
            wire.present(experiments=[wire.experiment(row) for row in rows], total_size=total, next_page_token=token)
        )

    def post(self) -> None:
        body = self.body()
        name = text(body, "name")
        if not name:
            raise Invalid("Experiment name is empty. Please specify a valid experiment name.")
        if references(body):
            raise Invalid("In single-user mode, CreateExperimentRequest shouldn't contain resource references.")
        self.reply(wire.experiment(self.backend.store.experiments.create(name, text(body, "description"))))


class Experiment(Handler):
    """/apis/v1beta1/experiments/{id}."""

    def get(self, experiment_id: str) -> None:
        self.reply(wire.experiment(self.backend.store.experiments.get(experiment_id)))

    def delete(self, experiment_id: str) -> None:
        self.backend.store.experiments.delete(experiment_id)
        self.reply({})


class ExperimentStorage(Handler):
    """/apis/v1beta1/experiments/{id}:archive and :unarchive."""

    def post(self, experiment_id: str, verb: str) -> None:
        if verb not in ("archive", "unarchive"):
            raise Missing("Path", self.request.path)
        self.backend.store.experiments.set_archived(experiment_id, verb == "archive")
        self.backend.scheduler.look()
        self.reply({})
