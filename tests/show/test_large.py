"""A thousand steps on a large tree: what the page draws of it, and that nothing is missed."""

import random
from pathlib import Path
from typing import Any

import pytest

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case, Header
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.show import trees
from mapleproof.show.carry_out import picture_of
from mapleproof.show.page import picture_page
from mapleproof.show.tree_case import MOST_FRAMES
from tests.show.test_browser import current, opened

BASE, STRIDE = 0x1000, 16

WIDTH_OF_TEXT = """(one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return range.getBoundingClientRect().width;
}"""


def large_case(entries: int, count: int) -> Case:
    """Stores, erases and inserts here and there in a large tree; the last answer is wrong."""
    rng, model, steps = random.Random(1), ModelPort(True), []

    def do(op: Common) -> None:
        steps.append(Step(op, model.apply(op)))

    do(ops.Fill(BASE, STRIDE, 9, entries))
    while len(steps) < count - 1:
        at = BASE + STRIDE * rng.randrange(entries)
        kinds: list[Common] = [
            ops.MtreeStoreRange(at, at + rng.randrange(40), rng.randrange(1, 999)),
            ops.MtreeErase(at),
            ops.MtreeInsertRange(at + 9, at + 12, 7),
        ]
        do(rng.choice(kinds))
    steps.append(Step(ops.MtreeLoad(BASE), Answer(entry=77)))
    return Case(Header("a-case", {"alloc_range": True, "rcu": False}, "a test", MAPLE_TREE), steps)


@pytest.fixture(scope="module")
def page_of_a_thousand_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "page.html"
    path.write_text(picture_page(picture_of(large_case(1000, MOST_FRAMES))), encoding="utf-8")
    return path


def test_numbers_have_room(browser: Any, page_of_a_thousand_steps: Path) -> None:
    with opened(browser, page_of_a_thousand_steps) as page:
        assert current(page) == "1000"
        link = page.locator("[aria-current=step]")
        number, text = (link.locator("span").nth(at).bounding_box() for at in (0, 1))
        wide = link.locator("span").nth(0).evaluate(WIDTH_OF_TEXT)
        assert number["x"] + wide < text["x"]


def test_of_many_on_one_pixel_one_is_drawn(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(picture_page(picture_of(large_case(5000, 9))), encoding="utf-8")
    with opened(browser, tmp_path / "page.html", "#step=8") as page:
        page.keyboard.press("a")
        assert 100 < page.locator(".figure svg g > title").count() < 2500
        assert page.locator(".figure svg .changed, .figure svg .dot").count() >= 1


@pytest.mark.parametrize(
    "seed", [None, "G12_trailing_null_ignored", "W20_split_at_null", "W15_leaf_overflows"]
)
def test_what_is_not_looked_at_again_is_as_it_was(seed: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    case = large_case(200, 120)
    soon = picture_of(case, seeded=seed)
    monkeypatch.setattr(trees.Known, "leaf", lambda *_: None)
    assert [frame.changed for frame in picture_of(case, seeded=seed).frames] == [
        frame.changed for frame in soon.frames
    ]


def test_an_entry_that_the_model_loses_is_marked_in_a_leaf_that_has_not_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tree that erases nothing: what it still holds is wrong though its leaf is as it was."""
    from mapleproof.impl.maple import MapleTree

    steps = [Step(ops.MtreeStoreRange(at, at, at + 1), Answer(ret=0)) for at in range(40)]
    steps += [Step(ops.MtreeErase(7), Answer(entry=8)), Step(ops.MtreeLoad(9), Answer(entry=10))]
    monkeypatch.setattr(MapleTree, "erase", lambda tree, index, *_: tree.load(index))
    picture = picture_of(
        Case(Header("a-case", {"alloc_range": True, "rcu": False}, "a test", MAPLE_TREE), steps)
    )
    wrong = [
        part
        for item in picture.state(40).values()
        if item.lane == "tree0"
        for part in item.parts
        if part.kind == "wrong"
    ]
    assert [(part.last, part.label) for part in wrong] == [(7, "8")]
