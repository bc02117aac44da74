"""What steps leave behind is out of the way at once, and gone when nothing new comes."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Awaitable, Callable, List

import pytest

from kfops.local.execution import aside as module
from kfops.local.execution.aside import Aside


@pytest.fixture
def left(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def a_folder(left: Path, *, files: int = 1, size: int = 10) -> str:
    for number in range(files):
        path = left / "outputs" / str(number)
        path.mkdir(parents=True)
        (path / "data").write_bytes(b"x" * size)
    return str(left / "outputs")


def below(folder: Path) -> List[str]:
    return [name for _, folders, files in os.walk(folder) for name in [*folders, *files]]


def during(work: Callable[[Aside], Awaitable[Any]], folder: Path) -> None:
    async def whole() -> None:
        with ThreadPoolExecutor() as threads:
            aside = Aside(folder, threads)
            await work(aside)
            aside.close()

    asyncio.run(whole())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it has not happened")


def test_a_little_waits_and_is_removed_when_nothing_new_comes(left, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_QUIET", 0.05)

    async def work(aside: Aside) -> None:
        assert aside.put(a_folder(left))
        (left / "file").write_text("text")
        assert aside.put(str(left / "file"))
        assert os.listdir(left) == []
        assert sorted(below(tmp_path / "aside")).count("data") == 1
        aside.tidy_later()
        await until(lambda: not below(tmp_path / "aside"))

    during(work, tmp_path / "aside")


@pytest.mark.parametrize("much", [{"files": 40}, {"size": 1 << 17}])
def test_much_is_left_to_be_removed(much, left, tmp_path):
    async def work(aside: Aside) -> None:
        folder = a_folder(left, **much)
        assert not aside.put(folder)
        assert below(tmp_path / "aside") == []
        module.remove(folder)
        assert os.listdir(left) == []

    during(work, tmp_path / "aside")


def test_no_more_than_so_much_waits_while_more_comes(left, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 5)

    async def work(aside: Aside) -> None:
        for number in range(50):
            (left / "file").write_text(str(number))
            aside.put(str(left / "file"))
            aside.tidy_later()
        await until(lambda: len(below(tmp_path / "aside")) <= 7)

    during(work, tmp_path / "aside")


def test_a_link_is_taken_away_and_not_what_it_leads_to(left, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("kept")
    (left / "link").symlink_to(tmp_path / "kept")
    folder = left / "outputs"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "kept")

    async def work(aside: Aside) -> None:
        assert aside.put(str(left / "link"))
        assert aside.put(str(folder))

    during(work, tmp_path / "aside")
    assert os.listdir(left) == []
    assert (tmp_path / "kept" / "file").read_text() == "kept"
    assert not (tmp_path / "aside").exists()


def test_a_link_is_removed_and_not_what_it_leads_to(left, tmp_path):
    (tmp_path / "kept").mkdir()
    (left / "outputs").mkdir()
    (left / "outputs" / "link").symlink_to(tmp_path / "kept")
    module.remove(str(left / "outputs"))
    assert (os.listdir(left), (tmp_path / "kept").is_dir()) == ([], True)


def test_what_cannot_be_moved_is_left_to_be_removed(left, tmp_path, monkeypatch):
    def refused(source: str, target: str) -> None:
        raise PermissionError(source)

    monkeypatch.setattr(module.os, "rename", refused)

    async def work(aside: Aside) -> None:
        assert not aside.put(a_folder(left))

    during(work, tmp_path / "aside")
