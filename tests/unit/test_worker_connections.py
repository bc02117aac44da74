"""The worker keeps a connection while it works and its configuration stays, and no longer."""

from __future__ import annotations

import os
import threading
import time

import pytest

from kfops import config as configuration
from kfops.errors import ConnectionFailed, NotFound
from kfops.serving.connections import Connections
from kfops.types import ConnectionStatus


class Kept:
    """A connection, by its number; ``works`` is what its status says."""

    def __init__(self, number):
        self.number = number
        self.works = True

    def status(self):
        return ConnectionStatus("cluster", "http://h", error=None if self.works else {"code": "connection_failed"})


class Made:
    """Makes connections, and counts them."""

    def __init__(self):
        self.count = 0

    def __call__(self, config):
        self.count += 1
        return Kept(self.count)


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def connections(made):
    return Connections(made)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "config.yaml").write_text("pipeline: {name: churn}\n")
    return configuration.load(start=tmp_path)


def fail(connection):
    raise ConnectionFailed("gone", kind="refused")


def test_a_connection_is_kept(connections, made, config):
    assert connections.get(config) is connections.get(config)
    assert made.count == 1


def test_another_configuration_has_another(connections, config, tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "config.yaml").write_text("pipeline: {name: other}\n")
    other = configuration.load(start=tmp_path / "below")
    assert connections.get(config) is not connections.get(other)


def test_a_configuration_that_changes_makes_it_anew(connections, made, config):
    connections.get(config)
    os.utime(config.path, (1, 1))
    connections.get(config)
    assert made.count == 2


def test_a_variable_that_changes_makes_it_anew(connections, made, config, monkeypatch):
    connections.get(config)
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "http://elsewhere")
    connections.get(config)
    assert made.count == 2


def test_one_that_failed_is_not_kept(connections, made, config):
    with pytest.raises(ConnectionFailed):
        connections.ask(config, fail)
    assert connections.ask(config, lambda connection: connection.number) == 2


def test_a_question_is_asked_again_of_a_new_one_when_the_kept_one_fails(connections, made, config):
    connections.get(config)
    asked = []

    def question(connection):
        asked.append(connection.number)
        return fail(connection) if connection.number == 1 else "answer"

    assert connections.ask(config, question) == "answer"
    assert asked == [1, 2]


def test_a_new_one_that_fails_is_not_tried_again(connections, made, config):
    with pytest.raises(ConnectionFailed):
        connections.ask(config, fail)
    assert made.count == 1


def test_a_change_is_never_asked_for_twice(connections, made, config):
    connections.get(config)
    asked = []

    def change(connection):
        asked.append(connection.number)
        fail(connection)

    with pytest.raises(ConnectionFailed):
        connections.change(config, change)
    assert asked == [1]
    assert connections.change(config, lambda connection: connection.number) == 2


def test_before_a_change_a_kept_connection_that_no_longer_works_is_replaced(connections, made, config):
    connections.get(config).works = False
    assert connections.change(config, lambda connection: connection.number) == 2


def test_before_a_change_one_that_works_is_kept(connections, made, config):
    connections.get(config)
    assert connections.change(config, lambda connection: connection.number) == 1


def test_what_the_backend_refuses_does_not_cost_the_connection(connections, made, config):
    def refuse(connection):
        raise NotFound("no such run")

    with pytest.raises(NotFound):
        connections.ask(config, refuse)
    connections.get(config)
    assert made.count == 1


def test_threads_that_need_one_at_the_same_time_share_it(config):
    made = []

    def slow(config):
        time.sleep(0.1)
        made.append(1)
        return object()

    connections = Connections(slow)
    found = []
    threads = [threading.Thread(target=lambda: found.append(connections.get(config))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(map(id, found))) == 1


def test_a_backend_that_is_slow_to_connect_keeps_another_configuration_not_waiting(config, tmp_path):
    gate = threading.Event()
    connections = Connections(lambda given: gate.wait(5) if given.path == config.path else "other")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "config.yaml").write_text("pipeline: {name: other}\n")
    thread = threading.Thread(target=connections.get, args=(config,))
    thread.start()
    assert connections.get(configuration.load(start=tmp_path / "below")) == "other"
    gate.set()
    thread.join()
