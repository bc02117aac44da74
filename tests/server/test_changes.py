"""Pages are told of changes: the worker watches once, however many pages wait, and is asked once for what changed."""

from __future__ import annotations

import asyncio

import pytest
from kfops_server import changes


async def asked(api):
    """Return how often the worker was asked for each method."""
    return (await api("GET", "versions/asked"))[1]


async def waited(api, query):
    status, answer = await api("GET", "changes", **query)
    assert status == 200
    return answer


async def test_every_page_is_told_of_a_change_and_the_worker_watches_once(api):
    # what is known first is answered first
    runs, r1 = 0, 0
    while not (runs and r1):
        first = await waited(api, {"runs": str(runs), "run": f"r1:{r1}"})
        runs, r1 = first["runs"] or runs, first["run"].get("r1", r1)
    seen = {"runs": str(runs), "run": f"r1:{r1}"}
    pages = [asyncio.ensure_future(waited(api, seen)) for _ in range(3)]
    await asyncio.sleep(0.3)
    assert not any(page.done() for page in pages)
    await api("PATCH", "runs/r2", {"state": "stopped"})
    for answer in await asyncio.gather(*pages):
        assert (answer["runs"] or 0) > runs or answer["run"].get("r1", 0) > r1
    assert (await asked(api))["runs.watch"] == 2


async def test_what_changed_is_fetched_once_for_all_pages(api):
    await waited(api, {"runs": "0"})
    await waited(api, {"run": "r1:0"})
    for _ in range(2):
        await asyncio.gather(*(api("GET", path) for path in ("runs", "runs", "runs/r1", "runs/r1", "runs/r1")))
    counts = await asked(api)
    assert (counts["runs.list"], counts["runs.get"]) == (1, 1)
    await api("PATCH", "runs/r1", {"state": "stopped"})
    await api("GET", "runs/r1")
    assert (await asked(api))["runs.get"] == 2


async def test_of_what_is_not_watched_no_answer_is_kept(api):
    for _ in range(2):
        assert (await api("GET", "runs/r1"))[0] == 200
    assert (await asked(api))["runs.get"] == 2


async def test_one_question_that_many_ask_at_once_is_asked_once_also_when_it_fails(api):
    answers = await asyncio.gather(*(api("GET", "versions/error-not-found") for _ in range(4)))
    assert {status for status, _ in answers} == {404}
    assert (await asked(api))["versions.get"] == 1 + 1  # this question is one too
    assert (await api("GET", "versions/error-not-found"))[0] == 404
    assert (await asked(api))["versions.get"] == 2 + 2


async def test_what_cannot_be_watched_is_said_to_be_asked_for(api):
    assert (await waited(api, {"run": "unwatchable:0"}))["lost"] == ["unwatchable"]


async def test_a_log_that_grows_is_told_of_and_its_part_fetched_once_for_all_pages(api):
    first = await waited(api, {"log": "r1/a-1:0"})
    assert first["run"] == {}
    await asyncio.gather(*(api("GET", "runs/r1/steps/a-1/log", offset="7") for _ in range(3)))
    counts = await asked(api)
    assert (counts["steps.watch"], counts["steps.log"]) == (1, 1)
    waiting = asyncio.ensure_future(waited(api, {"log": f"r1/a-1:{first['log']['r1/a-1']}"}))
    await asyncio.sleep(0.1)
    await api("PATCH", "runs/r1", {"state": "stopped"})
    assert (await waiting)["log"]["r1/a-1"] > first["log"]["r1/a-1"]


async def test_no_more_is_watched_than_the_worker_has_room_for(api, monkeypatch):
    monkeypatch.setattr(changes, "MOST", 2)
    for run_id in ("r1", "r2"):
        assert (await waited(api, {"run": f"{run_id}:0"}))["run"]
    assert (await waited(api, {"run": "r3:0"}))["lost"] == ["r3"]


async def test_a_page_without_news_is_answered_and_a_watch_that_nobody_waits_for_ends(api, monkeypatch):
    monkeypatch.setattr(changes, "LINGER", 0.2)
    first = await waited(api, {"runs": "0"})
    answer = await waited(api, {"runs": str(first["runs"]), "wait": "1"})
    assert answer == {"runs": None, "run": {}, "log": {}, "switches": 0, "lost": []}
    for _ in range(100):
        if (await asked(api)).get("cancelled"):
            break
        await asyncio.sleep(0.05)
    assert (await asked(api))["cancelled"] == 1
    again = await waited(api, {"runs": str(first["runs"])})
    assert again["runs"] > first["runs"]


@pytest.mark.parametrize(
    "query",
    [
        {"runs": "x"},
        {"run": "r1"},
        {"log": "r1:1"},
        {"log": "r1/a/b:1"},
        {"run": "r1/a:1"},
        {"run": "r1:-1"},
        {"runs": "0", "wait": "21"},
    ],
)
async def test_what_is_no_number_is_refused(api, query):
    assert (await api("GET", "changes", **query))[0] == 400


@pytest.mark.parametrize("somebody", ["a page", "a terminal"])
async def test_every_page_is_told_of_another_backend_whose_runs_are_watched_from_then_on(api, somebody):
    first = await waited(api, {"runs": "0", "switches": "0"})
    run = await waited(api, {"run": "r1:0"})
    seen = {"runs": str(first["runs"]), "switches": str(first["switches"])}
    pages = [asyncio.ensure_future(waited(api, seen)) for _ in range(3)]
    await asyncio.sleep(0.3)
    assert not any(page.done() for page in pages)
    if somebody == "a page":
        assert (await api("PATCH", "connection", {"use": "cluster"}))[0] == 200
    else:
        await api("GET", "versions/switched")
    for answer in await asyncio.gather(*pages):
        assert answer["switches"] > first["switches"]
        assert answer["lost"] == []
    anew = {**answer, "runs": None}
    while anew["runs"] is None:  # each of the watches tells of the switch
        anew = await waited(api, {**seen, "switches": str(anew["switches"])})
    assert anew["runs"] > first["runs"]
    # a run that is looked at goes on being watched where it is
    assert (await waited(api, {"run": f"r1:{run['run']['r1']}", "wait": "0"}))["run"] == {}
    assert (await asked(api))["runs.watch"] == 3


async def test_a_backend_that_nobody_knows_is_refused(api):
    status, error = await api("PATCH", "connection", {"use": "elsewhere"})
    assert (status, error["details"]["field"]) == (400, "use")
