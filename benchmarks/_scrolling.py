"""Scrolls through many runs and pans a large graph in JupyterLab: a program for JupyterLab's environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

from benchmarks._chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_SCRIPT = (Path(__file__).parent / "_scrolling.js").read_text(encoding="utf-8")
#: Milliseconds between two turns of the wheel, and milliseconds after which what they have begun is over.
_TURN, _OVER = 16, 400
#: Turns of the wheel that a list may need until its end; each is about two screens of rows.
_TURNS = 2_000
_PANEL = ".kfops-Panel-content"
_TABLE = '[data-kfops="run-table"]'
_GRAPH = '[data-kfops="graph"]'


def look(browser: Browser, url: str, run_id: str) -> Dict[str, float]:
    """Open everything in a new page; return milliseconds: until first contents, and of the longest tasks."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    try:
        page = context.new_page()
        page.add_init_script(_SCRIPT)
        page.goto(f"{url}&reset")  # a panel that was left open is closed again
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        found = _side_panel(page)
        found.update(_table(page))
        found.update(_graph(page, run_id))
        return found
    finally:
        context.close()


def _side_panel(page: Page) -> Dict[str, float]:
    tab = page.locator('li[data-id="kfops-panel"]').first
    shown = _first(page, f'{_PANEL} [data-kfops="run-row"]', "/kfops/runs?", tab.click)
    floor = page.evaluate("floorOf('/kfops/runs?page_size=50')")
    runs = page.locator(f'{_PANEL} [data-kfops="run-row"]').nth(3)
    _to_the_middle(page, runs)
    _rest(page)
    for delta in (120, -120):
        _turn(page, 40, delta)
    return {"panel": shown, "panel floor": floor, "panel tasks": _longest(page)}


def _table(page: Page) -> Dict[str, float]:
    every = page.locator('[data-kfops="all-runs"]')
    shown = _first(page, f'{_TABLE} [data-kfops="table-run"]', "page_size=200", every.click)
    floor = page.evaluate("floorOf('/kfops/runs?page_size=200')")
    _to_the_middle(page, page.locator(_TABLE))
    _rest(page)
    count = page.locator('[data-kfops="runs-count"]')
    for _ in range(_TURNS):
        if "+" not in str(count.text_content()):
            break
        _turn(page, 1, 1_200)
    loading = _longest(page)
    _turn(page, 60, -8_000)  # quicker than the rows can be read, as by the scroll bar
    _turn(page, 60, -120)
    _turn(page, 60, 8_000)
    listed = int("".join(filter(str.isdigit, str(count.text_content()))))
    return {
        "table": shown,
        "table floor": floor,
        "table tasks": max(loading, _longest(page)),
        "listed": listed,
    }


def _graph(page: Page, run_id: str) -> Dict[str, float]:
    row = page.locator(f'{_PANEL} [data-run="{run_id}"] [data-kfops="run-open"]')
    box = f'{_GRAPH} :is([data-far], [data-kfops="graph-step"])'
    shown = _first(page, box, f"/kfops/runs/{run_id}?", row.click)
    floor = page.evaluate(f"floorOf('/kfops/runs/{run_id}')")
    graph = page.locator(_GRAPH)
    _rest(page)
    _drag(page)
    _to_the_middle(page, graph)
    _zoom(page, 30, -60)  # until every word can be read
    near = page.locator(f'{_GRAPH} [data-kfops="graph-step"]').count()
    _turn(page, 40, 90)
    _turn(page, 40, 0, 90)
    _drag(page)
    _to_the_middle(page, graph)
    _zoom(page, 60, 60)
    _drag(page)
    return {"graph": shown, "graph floor": floor, "graph tasks": _longest(page), "near": near}


def _first(page: Page, selector: str, path: str, begin: Any) -> float:
    """Return the milliseconds from the end of an answer until what it holds has been painted."""
    page.evaluate("([selector, path]) => { window.waiting = painted(selector, path); }", [selector, path])
    begin()
    return float(page.evaluate("window.waiting"))


def _rest(page: Page) -> None:
    """Let what is under way end, and forget the tasks until now."""
    page.wait_for_timeout(1_000)
    page.evaluate("tasks.length = 0")


def _longest(page: Page) -> float:
    """Return the milliseconds of the longest task since the last rest; 0 when none took 50, which is not told."""
    page.wait_for_timeout(_OVER)
    return float(page.evaluate("Math.max(0, ...tasks)"))


def _to_the_middle(page: Page, target: Any) -> None:
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def _turn(page: Page, times: int, down: float, right: float = 0) -> None:
    for _ in range(times):
        page.mouse.wheel(right, down)
        page.wait_for_timeout(_TURN)


def _zoom(page: Page, times: int, down: float) -> None:
    page.keyboard.down("Control")
    _turn(page, times, down)
    page.keyboard.up("Control")


def _drag(page: Page) -> None:
    """Drag the graph there and back by a point of it that is no button."""
    x, y = page.evaluate("freePoint()")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in [*range(40), *range(40, 0, -1)]:
        page.mouse.move(x + 5 * step, y + 3 * step)
        page.wait_for_timeout(_TURN)
    page.mouse.up()


def main() -> None:
    """Answer ``{"url": JupyterLab's, "run": the large run's id, "rounds": number}``."""
    question = json.loads(sys.argv[1])
    rounds: List[Dict[str, float]] = []
    with chromium() as browser:
        for _ in range(question["rounds"]):
            rounds.append(look(browser, question["url"], question["run"]))
    print(json.dumps({name: [found[name] for found in rounds] for name in rounds[0]}))


if __name__ == "__main__":
    main()
