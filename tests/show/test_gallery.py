"""The gallery: each case shows its mistake, passes without it, and its page is what the command makes."""

from contextlib import nullcontext

import pytest

from mapleproof.cli.known_seeds import known_seed
from mapleproof.proofs.engine.cases import by_the_right_one, difference
from mapleproof.props.common.planting import planted
from mapleproof.props.job.subjects import read_case
from mapleproof.show.gallery import PAGES, Shown, index, picture
from mapleproof.show.page import picture_page
from tests.show.snapshots import GALLERY

LARGEST = 150_000
"""Bytes of a page."""


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.case)
def test_a_case_differs_with_its_mistake_and_passes_without(shown: Shown) -> None:
    case = read_case(GALLERY / f"{shown.case}.jsonl")
    with planted(known_seed(shown.seeded)) if shown.seeded else nullcontext():
        assert difference(case) is not None
    assert difference(case if shown.seeded else by_the_right_one(case)) is None
    assert difference(case, "model") is None


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.case)
def test_a_page_is_what_the_command_makes_of_its_case(shown: Shown) -> None:
    made = picture_page(picture(shown, GALLERY))
    assert made == (GALLERY / f"{shown.case}.html").read_text(encoding="utf-8")
    assert len(made.encode()) < LARGEST


def test_the_index_names_every_page() -> None:
    assert (GALLERY / "index.md").read_text() == index()
    assert len(PAGES) >= 10
    assert {f"{shown.case}.html" for shown in PAGES} == {path.name for path in GALLERY.glob("*.html")}
