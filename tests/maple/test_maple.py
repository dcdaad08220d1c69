"""The maple tree by itself: what only its inside shows (nodes, requests, states), not what it answers."""

import errno

import pytest

from mapleproof.impl.failure import FailAfter, FailNth, FailurePlan
from mapleproof.impl.maple import BrokenInvariant, Cursor, LedgerError, MapleTree, UseAfterFree


def filled(count: int, *, rcu: bool = False, alloc_range: bool = True) -> MapleTree:
    """[0..0]→1, [2..2]→2, ...: one gap after each entry."""
    tree = MapleTree(alloc_range=alloc_range, rcu=rcu)
    for number in range(count):
        tree.store_range(2 * number, 2 * number, number + 1)
    return tree


def levels(tree: MapleTree) -> list[int]:
    """Nodes per level, from the root down."""
    return [len(tree.borders(level)) + 1 for level in range(tree.height, 0, -1)]


@pytest.mark.parametrize(
    ("entries", "nodes", "height"), [(21, 4, 2), (1621, 230, 4), (12821, 1805, 5), (51221, 7204, 5)]
)
def test_trees_have_the_size_of_the_kernels(entries: int, nodes: int, height: int) -> None:
    """The C tree of 6.12, loaded in order with a gap after each entry, has so many nodes and levels."""
    tree = filled(entries)
    tree.check()
    assert (tree.live_nodes(), tree.height) == (nodes, height)


def test_a_copy_asks_once_for_all_children_of_a_node() -> None:
    tree = filled(1621)
    plan = tree.plan = FailurePlan()
    ret, copy = tree.dup()
    assert ret == 0
    assert copy is not None
    inner = sum(levels(tree)[:-1])
    assert (plan.asked, plan.units) == (1 + inner, 230)
    copy.check()
    assert list(copy.entries()) == list(tree.entries())
    assert levels(copy) == levels(tree)


def test_a_copy_shares_no_node() -> None:
    tree = filled(300)
    before = list(tree.entries())
    _, copy = tree.dup()
    assert copy is not None
    for index in range(0, 600, 3):
        copy.store_range(index, index + 1, 7)
    tree.check()
    copy.check()
    assert list(tree.entries()) == before
    copy.destroy()
    assert copy.live_nodes() == 0
    tree.check()


def test_a_copy_that_fails_leaves_nothing() -> None:
    """Every request refused in turn, until a copy asks fewer questions than that."""
    tree = filled(300)
    before = list(tree.entries())
    failed = 0
    for nth in range(1, 1000):
        plan = tree.plan = FailNth(nth)
        ret, copy = tree.dup()
        if plan.failed is None:
            break
        failed += 1
        assert (ret, copy) == (-errno.ENOMEM, None)
        tree.check()
        assert list(tree.entries()) == before
    assert failed == 1 + sum(levels(tree)[:-1])


@pytest.mark.parametrize("rcu", [False, True])
def test_replacing_every_entry_needs_no_memory(rcu: bool) -> None:
    tree = filled(700, rcu=rcu)
    tree.plan = FailAfter(0)
    cursor = Cursor(tree)
    replaced = 0
    while cursor.find(2**64 - 1) is not None:
        assert cursor.store_gfp(9) == 0
        replaced += 1
    assert replaced == 700
    assert tree.events["exact_fit"] == 700


def test_a_retired_node_is_readable_until_its_grace_period_ends() -> None:
    tree = filled(100, rcu=True)
    tree.rcu_read_lock()
    reader = Cursor(tree)
    assert reader.find(2**64 - 1) == 1
    leaf = reader.node
    tree.store_range(0, 6, 50)
    assert tree.pool.slots[leaf] == 1, "the reader's leaf is as it was"
    assert not tree.pool.alive(leaf)
    assert reader.next(2**64 - 1) is not None
    assert tree.events["dead_node_met"] >= 1
    tree.rcu_read_unlock()


def test_reading_after_the_grace_period_is_reported() -> None:
    tree = filled(100, rcu=True)
    reader = Cursor(tree)
    reader.find(2**64 - 1)
    tree.store_range(0, 6, 50)
    tree.synchronize_rcu()
    with pytest.raises(UseAfterFree, match="read after it was freed"):
        reader.next(2**64 - 1)


def test_a_double_free_is_refused() -> None:
    tree = filled(100)
    tree.pool.free(tree.root)
    with pytest.raises(LedgerError, match="freed twice"):
        tree.pool.free(tree.root)


def test_a_leaked_node_breaks_an_invariant() -> None:
    tree = filled(100)
    assert tree.pool.request(1, "test", False)
    tree.pool.grant(1)
    tree.pool.take()
    with pytest.raises(BrokenInvariant, match="Every allocated node") as broken:
        tree.check()
    assert broken.value.name == "leak"


@pytest.mark.parametrize(
    ("name", "array", "value"),
    [
        ("gap", "gaps", 12345),
        ("parent", "parents", 3),
        ("live", "children", 16 * 5000),
        ("order", "pivots", 2**64 - 1),
    ],
)
def test_check_names_what_is_broken(name: str, array: str, value: int) -> None:
    tree = filled(400)
    at = tree.root >> 4 if array == "parents" else tree.root
    tree.pool.put_cell(array, at, value)
    with pytest.raises(BrokenInvariant) as broken:
        tree.check()
    assert broken.value.name == name


def test_a_write_that_finds_no_memory_changes_nothing() -> None:
    for units in range(12):
        tree = filled(400, rcu=True)
        tree.synchronize_rcu()
        before, nodes = list(tree.entries()), tree.live_nodes()
        tree.plan = FailAfter(units)
        ret = tree.store_range(101, 303, 5)
        tree.synchronize_rcu()
        tree.check()
        if ret == 0:
            break
        assert (ret, list(tree.entries()), tree.live_nodes()) == (-errno.ENOMEM, before, nodes)
    assert (tree.height, units) == (3, 10), "a spanning store of a tree of three levels reserves ten nodes"


def test_memory_stays_flat_while_a_tree_is_written_to() -> None:
    tree = filled(500)
    for index in range(20_000):
        tree.store_range(index * 7 % 1000, index * 7 % 1000 + 5, index + 1)
    size = tree.pool.used
    for index in range(20_000):
        tree.store_range(index * 7 % 1000, index * 7 % 1000 + 5, index + 1)
    assert tree.pool.used <= size + 16 * 8
