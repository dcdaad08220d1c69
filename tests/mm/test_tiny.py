"""Every layout of up to three VMAs on a toy address space, every failure point."""

import pytest

from mapleproof.impl.mm.geometry import TINY, TINY_5, PageGeometry
from mapleproof.impl.mm.promises import TABLES, ZAPPED
from mapleproof.props.mm.tiny import KINDS, count_layouts, count_places, layouts, places, sweep_all

SHAPES = {"4 levels": TINY, "5 levels": TINY_5}


def test_every_layout_is_there_once() -> None:
    all_places = list(places(8))
    assert len(all_places) == len(set(all_places)) == count_places(8) == 709
    assert len(list(layouts(4, KINDS))) == count_layouts(4) == 1301


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_unmap_in_place_holds_in_all_of_them(shape: PageGeometry) -> None:
    count, seen = sweep_all(8, shape, "unmap_in_place", ["anonymous"])
    assert count == 709
    assert seen.failed > 10_000
    assert not seen.broken


def test_unmap_in_place_holds_for_every_kind() -> None:
    count, seen = sweep_all(4, TINY_5, "unmap_in_place")
    assert count == 1301
    assert seen.failed > 10_000
    assert not seen.broken


def test_the_patch_of_the_mail_breaks_in_some() -> None:
    _, seen = sweep_all(4, TINY, "undo_v4", ["anonymous"], 2)
    assert set(seen.broken) == {ZAPPED}


def test_a_marker_that_nobody_stores_breaks_more() -> None:
    _, seen = sweep_all(3, TINY, "exit_marker_v2", ["anonymous"], 2)
    assert ZAPPED not in seen.broken
    assert TABLES not in seen.broken
    assert len(seen.broken) >= 3


@pytest.mark.deep
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_unmap_in_place_holds_in_many_more(shape: PageGeometry) -> None:
    count, seen = sweep_all(6, shape, "unmap_in_place")
    assert count == count_layouts(6)
    assert seen.failed > 100_000
    assert not seen.broken
