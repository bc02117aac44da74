"""A graph as SVG and as text: whole, safe to show, and in the panel's words."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from xml.dom import minidom

import pytest
import yaml

from kfops.drawing import LOOKS, duration, shorten, to_svg, to_text
from kfops.graph import graph_of
from kfops.layout import layout
from kfops.types import STATES, Edge, Graph, Step

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

RUN = Graph(
    "churn",
    state="running",
    done=1,
    total=3,
    steps=[
        Step("b", "train", state="running"),
        Step("a", "prepare", state="succeeded", started_at="2026-11-22T10:00:00Z", finished_at="2026-11-22T10:01:05Z"),
        Step("g", "condition-1", kind="condition", when="accuracy > 0.9"),
        Step("g.x", "publish", parent="g"),
    ],
    edges=[Edge("a", "b"), Edge("b", "g")],
)


def texts(svg: str) -> list[str]:
    return [element.firstChild.data for element in minidom.parseString(svg).getElementsByTagName("text")]  # type: ignore[union-attr]


def test_a_picture_shows_names_words_and_conditions() -> None:
    found = texts(to_svg(RUN))

    assert {"prepare", "train", "publish", "Succeeded 1:05", "Running", "Pending", "if accuracy > 0.9"} <= set(found)
    assert {"✔", "◐", "○"} <= set(found)


def test_a_failed_step_shows_its_reason() -> None:
    failed = Step("a", "train", state="failed", message="exit code 3")

    assert "Failed · exit code 3" in texts(to_svg(Graph("p", steps=[failed])))


def test_a_plain_picture_has_no_states() -> None:
    found = texts(to_svg(RUN, plain=True))

    assert "prepare" in found
    assert not {"Succeeded 1:05", "Running", "Pending", "✔", "◐"} & set(found)


def test_a_picture_for_a_person_who_cannot_see_it_says_the_same() -> None:
    svg = minidom.parseString(to_svg(RUN)).documentElement

    assert svg.getAttribute("role") == "img"
    assert svg.getAttribute("aria-label") == "churn  ◐ Running  1 of 3 steps"
    titles = [title.firstChild.data for title in svg.getElementsByTagName("title")]
    assert "prepare: Succeeded" in titles


def test_colours_are_the_themes_with_something_to_fall_back_on() -> None:
    svg = to_svg(RUN)

    assert "currentColor" in svg
    assert re.findall(r"var\(--jp-[a-z0-9-]+\)", svg) == []


def test_names_cannot_become_markup() -> None:
    evil = '<script>alert("x")</script>\x00\ud800'
    svg = to_svg(
        Graph(evil, steps=[Step("a", evil, message=evil), Step("b", evil, kind="group"), Step("c", evil, parent="b")])
    )

    minidom.parseString(svg.encode("utf-8"))
    assert "<script" not in svg


def test_long_names_lose_their_middle_and_keep_it_in_the_title() -> None:
    name = "train-with-a-very-long-name-that-ends-in-fold-7"
    svg = to_svg(Graph("p", steps=[Step("a", name)]))

    assert any("…" in text and text.endswith("fold-7") for text in texts(svg))
    assert f"<title>{name}: Pending</title>" in svg
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert shorten("abcde", 5) == "abcde"


def test_every_state_has_a_look() -> None:
    assert set(LOOKS) == set(STATES)


def test_boxes_follow_the_data_downwards_and_groups_hold_their_steps() -> None:
    boxes = {box.step.id: box for box in layout(RUN).boxes}

    assert boxes["a"].y + boxes["a"].height < boxes["b"].y
    assert boxes["b"].y + boxes["b"].height < boxes["g"].y
    inner, outer = boxes["g.x"], boxes["g"]
    assert outer.frame
    assert outer.x <= inner.x
    assert inner.x + inner.width <= outer.x + outer.width
    assert outer.y < inner.y
    assert inner.y + inner.height <= outer.y + outer.height


def test_a_line_past_a_layer_keeps_off_the_boxes_there() -> None:
    steps = [Step(name, name) for name in "abc"]
    found = layout(Graph("p", steps=steps, edges=[Edge("a", "b"), Edge("b", "c"), Edge("a", "c")]))
    middle = next(box for box in found.boxes if box.step.id == "b")
    past = max(found.lines, key=len)

    lane = [x for x, y in past if middle.y <= y <= middle.y + middle.height]
    assert lane
    assert all(x < middle.x or x > middle.x + middle.width for x in lane)


def test_text_is_a_tree_in_the_order_of_the_work() -> None:
    assert to_text(RUN).splitlines() == [
        "churn  ◐ Running  1 of 3 steps",
        "  ✔ prepare      Succeeded   1:05",
        "  ◐ train        Running",
        "  ▾ condition-1  Pending           if accuracy > 0.9",
        "    ○ publish    Pending",
    ]
    assert "  ○ train        after prepare" in to_text(RUN, plain=True).splitlines()


def test_durations_read_as_a_clock() -> None:
    def step(begin: str, end: str) -> Step:
        return Step("a", "a", started_at=begin, finished_at=end)

    now = datetime.datetime(2026, 1, 1, 0, 0, 9, tzinfo=datetime.timezone.utc)
    assert duration(step("", "")) == ""
    assert duration(step("2026-01-01T00:00:00Z", "2026-01-01T02:03:04Z")) == "2:03:04"
    assert duration(step("2026-01-01T00:00:00Z", ""), now) == "0:09"
    assert duration(step("rubbish", "")) == ""


def test_an_empty_graph_and_a_circle_are_drawn_too() -> None:
    circle = Graph("p", steps=[Step("a", "a"), Step("b", "b")], edges=[Edge("a", "b"), Edge("b", "a")])

    minidom.parseString(to_svg(Graph("empty")))
    minidom.parseString(to_svg(circle))
    assert to_text(Graph("empty")) == "empty  ○ Pending  0 of 0 steps"


@pytest.mark.needs("corpus")
def test_no_two_boxes_of_a_corpus_pipeline_overlap() -> None:
    for path in sorted(CORPUS.glob("v*/*.yaml")):
        graph = graph_of(yaml.safe_load(path.read_text()))
        minidom.parseString(to_svg(graph))
        boxes = layout(graph).boxes
        for number, one in enumerate(boxes):
            for other in boxes[number + 1 :]:
                if one.step.parent == other.step.parent:
                    apart = (
                        one.x + one.width <= other.x
                        or other.x + other.width <= one.x
                        or one.y + one.height <= other.y
                        or other.y + other.height <= one.y
                    )
                    assert apart, (path, one.step.name, other.step.name)
