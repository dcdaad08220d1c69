"""What was found in our own tree, and mended: each case passes, and did not before."""

from pathlib import Path

import pytest

from mapleproof.impl.maple import BrokenInvariant, Cursor, MapleTree
from mapleproof.impl.maple.check import check_cursor
from mapleproof.impl.maple.kinds import ACTIVE
from mapleproof.props.common.answers import Level
from mapleproof.props.job.replay import replay_file

FOUND = sorted((Path(__file__).parent / "cases" / "found").glob("*.jsonl"))


def test_they_are_there() -> None:
    assert [path.stem for path in FOUND] == ["reader-beside-new-nodes", "reader-of-emptied-tree-backwards"]


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
@pytest.mark.parametrize(("port", "level"), [("model", "documented"), ("impl", "exact")])
def test_it_passes(path: Path, port: str, level: Level) -> None:
    assert replay_file(path, port, level).difference is None


@pytest.mark.parametrize("move", ["find", "find_range", "next", "next_range"])
def test_a_reader_of_an_emptied_tree_ends_without_a_place(move: str) -> None:
    """mas_find() said "active" there, without a node. The ways back are in the next test."""
    tree, cursor = emptied()
    assert getattr(cursor, move)(100) is None
    assert (cursor.status, cursor.node) == ("none", -1)
    check_cursor(cursor)
    assert cursor.find_rev(0) is None
    assert tree.load(1) is None


@pytest.mark.parametrize("move", ["find_rev", "find_range_rev", "prev", "prev_range"])
def test_nor_does_one_that_goes_back_have_a_place(move: str) -> None:
    _, cursor = emptied()
    assert getattr(cursor, move)(0) is None
    assert (cursor.status, cursor.node) == ("root", -1)
    check_cursor(cursor)


def emptied() -> tuple[MapleTree, Cursor]:
    """A tree that was emptied while a reader stood on its second range."""
    tree = MapleTree(rcu=True)
    for index in (1, 3, 5):
        tree.store_range(index, index, index)
    tree.rcu_read_lock()
    cursor = Cursor(tree, 3)
    assert cursor.walk() == 3
    tree.store_range(0, 2**64 - 1, None)
    return tree, cursor


def test_an_active_cursor_without_a_place_is_noticed() -> None:
    _, cursor = emptied()
    cursor.state, cursor.node = ACTIVE, -1
    with pytest.raises(BrokenInvariant, match="An active cursor"):
        check_cursor(cursor)
