"""The reference model: its map against the most naive one there is, and what the kernel documents."""

import ast
from errno import EBUSY, EEXIST, EINVAL
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from mapleproof.model.cursor import Cursor
from mapleproof.model.interval_map import MAX_INDEX, IntervalMap
from mapleproof.model.maple_tree import MapleTree

MODEL = Path(__file__).parents[2] / "model"
SPACE = 12


def test_the_model_can_be_read_in_one_sitting() -> None:
    files = ("interval_map.py", "maple_tree.py", "cursor.py")
    assert sum(len((MODEL / name).read_text().splitlines()) for name in files) < 440


def test_the_model_stands_alone() -> None:
    for path in MODEL.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] not in {"impl", "props", "proofs", "tests"}


def naive_gap(cells: list[int | None], low: int, high: int, size: int, highest: bool) -> int | None:
    starts = range(low, high - size + 2)
    fitting = [start for start in starts if not any(cells[start : start + size])]
    return None if not fitting else max(fitting) if highest else min(fitting)


@pytest.mark.parametrize("seed", range(30))
def test_interval_map_against_one_cell_per_index(seed: int) -> None:
    rng = Random(seed)
    cells: list[int | None] = [None] * SPACE
    intervals = IntervalMap([])
    for step in range(60):
        first, last = sorted(rng.randrange(SPACE) for _ in range(2))
        entry = rng.choice((None, step + 1))
        intervals.put(first, last, entry)
        cells[first : last + 1] = [entry] * (last - first + 1)
        assert [intervals.at(index)[2] for index in range(SPACE)] == cells
        assert all(before[1] < after[0] for before, after in pairwise(intervals.ranges))
        for index in range(SPACE):
            first, last, _ = intervals.at(index)
            assert first <= index <= last
        low, high = sorted(rng.randrange(SPACE) for _ in range(2))
        size = rng.randint(1, high - low + 1)
        assert intervals.lowest_gap(low, high, size) == naive_gap(cells, low, high, size, False)
        assert intervals.highest_gap(low, high, size) == naive_gap(cells, low, high, size, True)


def tree_of(*ranges: tuple[int, int, int]) -> MapleTree:
    tree = MapleTree(alloc_range=True)
    for first, last, entry in ranges:
        assert tree.store_range(first, last, entry) == 0
    return tree


def test_a_store_keeps_what_it_does_not_cover() -> None:
    """[0x0..0x9]→1, then [0x3..0x5]→2 in the middle of it."""
    assert list(tree_of((0, 9, 1), (3, 5, 2)).entries()) == [(0, 2, 1), (3, 5, 2), (6, 9, 1)]


def test_insert_only_where_all_is_empty() -> None:
    tree = tree_of((5, 9, 1))
    assert tree.insert_range(9, 12, 2) == -EEXIST
    assert tree.insert_range(0, 5, 2) == -EEXIST
    assert tree.insert_range(10, 12, 2) == 0
    assert tree.insert_range(3, 2, 2) == -EINVAL
    assert tree.store_range(3, 2, 2) == -EINVAL


def test_erase_takes_the_whole_range() -> None:
    tree = tree_of((5, 9, 1), (10, 10, 2))
    assert tree.erase(7) == 1
    assert tree.erase(7) is None
    assert list(tree.entries()) == [(10, 10, 2)]


def test_find_tells_where_to_go_on() -> None:
    tree = tree_of((5, 9, 1), (MAX_INDEX - 1, MAX_INDEX, 2))
    assert tree.find(0, MAX_INDEX) == (1, 10)
    assert tree.find(7, MAX_INDEX) == (1, 10)
    assert tree.find(0, 4)[0] is None
    assert tree.find(10, MAX_INDEX) == (2, 0)
    assert tree.find_after(0, MAX_INDEX) == (None, 0)


def test_next_and_prev_look_beyond_the_range_around_the_index() -> None:
    tree = tree_of((5, 9, 1), (20, 29, 2))
    assert tree.next(6, MAX_INDEX) == 2
    assert tree.next(6, 20) == 2
    assert tree.next(6, 19) is None
    assert tree.prev(25, 0) == 1
    assert tree.prev(25, 9) == 1
    assert tree.prev(25, 10) is None


def test_allocation_takes_the_lowest_or_the_highest_room() -> None:
    tree = tree_of((10, 19, 1), (25, 29, 2))
    assert tree.alloc_range(3, 6, 10, 100) == (0, 30)
    assert tree.alloc_range(3, 5, 10, 100) == (0, 20)
    assert tree.alloc_rrange(4, 10, 0, 100) == (0, 91)
    assert tree.alloc_range(5, 5, 10, 20) == (-EBUSY, None)
    assert tree.alloc_range(5, 0, 10, 20) == (-EINVAL, None)
    assert tree.alloc_range(5, 12, 10, 20) == (-EINVAL, None)
    assert MapleTree().alloc_range(5, 1, 0, 20) == (-EINVAL, None)


def test_cyclic_allocation_starts_over_once() -> None:
    tree = tree_of()
    assert tree.alloc_cyclic(1, 3, 5, 0) == (0, 3, 4)
    assert tree.alloc_cyclic(1, 3, 5, 5) == (0, 5, 6)
    assert tree.alloc_cyclic(1, 3, 5, 6) == (1, 4, 5)
    assert tree.alloc_cyclic(1, 3, 5, 5)[0] == -EBUSY


def test_the_call_after_the_last_index_of_all_tells_that_it_started_over() -> None:
    tree = tree_of()
    assert tree.alloc_cyclic(1, 0, MAX_INDEX, MAX_INDEX) == (0, MAX_INDEX, 0)
    assert tree.alloc_cyclic(1, 0, MAX_INDEX, 0) == (1, 0, 1)
    assert tree.alloc_cyclic(1, 0, MAX_INDEX, 1) == (0, 1, 2)


def test_a_copy_is_a_tree_of_its_own() -> None:
    tree = tree_of((5, 9, 1))
    _, copy = tree.dup()
    copy.store_range(6, 6, 2)
    assert list(tree.entries()) == [(5, 9, 1)]
    assert list(copy.entries()) == [(5, 5, 1), (6, 6, 2), (7, 9, 1)]
    tree.destroy()
    assert copy.load(6) == 2


def place(cursor: Cursor) -> tuple[int, int, str]:
    return cursor.index, cursor.last, cursor.status


def test_find_goes_on_and_next_and_prev_move() -> None:
    cursor = Cursor(tree_of((5, 9, 1), (20, 29, 2)), 7)
    assert (cursor.find(MAX_INDEX), place(cursor)) == (1, (5, 9, "active"))
    assert (cursor.find(MAX_INDEX), place(cursor)) == (2, (20, 29, "active"))
    assert (cursor.prev(0), place(cursor)) == (1, (5, 9, "active"))
    assert (cursor.next_range(MAX_INDEX), place(cursor)) == (None, (10, 19, "active"))
    assert (cursor.next(15), place(cursor)) == (None, (10, 19, "overflow"))


def test_a_pause_goes_on_behind_the_range() -> None:
    cursor = Cursor(tree_of((5, 9, 1), (10, 29, 2)))
    assert cursor.find(MAX_INDEX) == 1
    cursor.pause()
    cursor.tree.erase(5)
    assert cursor.find(MAX_INDEX) == 2
    cursor.pause()
    assert cursor.find_rev(0) is None


def test_storing_null_stands_on_the_whole_gap() -> None:
    cursor = Cursor(tree_of((5, 9, 1), (10, 19, 2), (30, 39, 3)), 10, 19)
    cursor.store_gfp(None)
    assert place(cursor)[:2] == (10, 29)
    cursor.set(7)
    assert (cursor.erase(), place(cursor)[:2]) == (1, (0, 29))


def test_room_is_a_place_to_store_at() -> None:
    cursor = Cursor(tree_of((5, 9, 1)))
    assert cursor.empty_area_rev(0, 100, 10) == 0
    assert place(cursor)[:2] == (91, 100)
    cursor.store_gfp(2)
    assert cursor.tree.load(95) == 2
    cursor.set(0)
    assert cursor.empty_area(6, 9, 1) == -EBUSY
    assert cursor.status == "error"


def test_a_refused_write_changes_nothing_and_can_be_tried_again() -> None:
    cursor = Cursor(tree_of((5, 9, 1)), 5, 6)
    assert not cursor.nomem()
    cursor.refuse()
    assert cursor.find(MAX_INDEX) is None
    assert cursor.nomem()
    assert (cursor.index, cursor.last) == (5, 6)
    cursor.store_gfp(2)
    assert list(cursor.tree.entries()) == [(5, 6, 2), (7, 9, 1)]


def test_a_bare_entry_is_no_node() -> None:
    tree = tree_of((0, 0, 1))
    assert not tree.has_node
    cursor = Cursor(tree)
    assert (cursor.walk(), place(cursor)) == (1, (0, 0, "root"))
    assert (cursor.next(MAX_INDEX), place(cursor)) == (None, (1, MAX_INDEX, "none"))
    assert (cursor.prev(0), place(cursor)) == (1, (0, 0, "root"))
    tree.store_range(3, 3, 2)
    assert tree.has_node
    tree.store_range(3, 3, None)
    assert tree.has_node
    tree.erase(0)
    assert not tree.has_node
