"""Seeds that no answer of an operation shows, or that need a second actor: each with the test that finds it.

A test here must hold for the real code and fail with its seed planted.
"""

import errno
from collections.abc import Callable

import pytest

from mapleproof.impl.failure import FailAfter, FailAtomic, FailurePlan
from mapleproof.impl.maple import ARANGE_64, Cursor, MapleTree
from mapleproof.impl.maple.classify import nodes_needed
from mapleproof.impl.maple.dup import mt_dup
from mapleproof.impl.maple.kinds import STORES
from mapleproof.impl.maple.place import Store
from mapleproof.props.common.planting import planted
from mapleproof.props.maple.seeds import BY_NAME


def filled(count: int, plan: FailurePlan | None = None) -> MapleTree:
    """[0..0]→1, [2..2]→2, ..."""
    tree = MapleTree(alloc_range=True)
    for number in range(count):
        assert tree.store_range(2 * number, 2 * number, number + 1) == 0
    tree.plan = plan
    return tree


def bulk_load_never_rebalances() -> None:
    """While it is loaded, the last leaf may be short: a store there must not take nodes to level it out."""
    tree = filled(40)
    cursor = Cursor(tree)
    assert cursor.expected_entries(5) == 0
    while len(list(tree.entries())) > 34:
        cursor.set(max(first for first, _, _ in tree.entries()))
        cursor.erase()
    assert tree.events["rebalance"] == 0
    cursor.destroy()


def null_is_widened_anew_after_a_retry() -> None:
    """Writer 1 erases 4 and waits for memory; writer 2 stores 5 meanwhile: 5 must still be there."""
    tree = filled(40)
    # A leaf at its minimum, so that the erasure has to rebalance and asks for memory.
    tree.plan = FailAtomic()
    tree.on_retry = lambda: other_writer(tree)
    for index in range(0, 70, 2):
        met.clear()
        tree.erase(index)
        for other in met:
            assert tree.load(other) == 99, f"the entry at {other} was erased with {index}"


met: list[int] = []


def other_writer(tree: MapleTree) -> None:
    plan, tree.plan, hook, tree.on_retry = tree.plan, None, tree.on_retry, None
    free = [index for index in range(1, 79, 2) if tree.load(index) is None]
    for index in free[:2]:
        tree.store_range(index, index, 99)
        met.append(index)
    tree.plan, tree.on_retry = plan, hook


def nodes_needed_are_those_of_the_kernel() -> None:
    """Worst cases per kind of store, for a tree of three levels, outside and in RCU mode."""
    expected = {
        "exact_fit": (0, 0),
        "slot_store": (0, 0),
        "append": (0, 0),
        "node_store": (0, 1),
        "split": (7, 7),
        "rebalance": (5, 5),
        "spanning_store": (10, 10),
        "new_root": (1, 1),
    }
    tree = filled(200)
    assert tree.height == 3
    for kind, (outside, inside) in expected.items():
        store = Store()
        store.kind, store.first, store.last = STORES.index(kind), 1, 2
        assert nodes_needed(tree, store, 5) == outside, kind
        tree.rcu = True
        assert nodes_needed(tree, store, 5) == inside, kind
        tree.rcu = False


def expected_entries_may_sleep() -> None:
    tree = MapleTree(alloc_range=True, plan=FailAtomic())
    assert Cursor(tree).expected_entries(50) == 0


def a_failed_preallocation_resets_the_cursor() -> None:
    tree = filled(10, FailAfter(0))
    cursor = Cursor(tree, 4)
    assert cursor.find(100) == 3
    cursor.set_range(4, 9)
    cursor.walk()
    tree.rcu = True
    cursor.last = 11
    assert cursor.preallocate(5) == -errno.ENOMEM
    assert cursor.status == "start"


def a_failed_copy_leaves_its_target_empty() -> None:
    for units in range(12):
        target = MapleTree(alloc_range=True, plan=FailAfter(units))
        if mt_dup(filled(60), target) == 0:
            break
        assert (target.height, target.root, target.live_nodes()) == (0, -1, 0)
        target.check()
    else:
        raise AssertionError("twelve nodes are not enough for a copy")


def a_copy_needs_an_empty_target() -> None:
    target = filled(20)
    before = list(target.entries())
    assert mt_dup(filled(30), target) == -errno.EINVAL
    assert list(target.entries()) == before
    other = MapleTree(alloc_range=False)
    assert mt_dup(filled(30), other) == -errno.EINVAL


TESTS: dict[str, Callable[[], None]] = {
    "W09_bulk_load_rebalances": bulk_load_never_rebalances,
    "W11_widened_range_kept": null_is_widened_anew_after_a_retry,
    "A02_node_for_a_slot_store": nodes_needed_are_those_of_the_kernel,
    "A04_expected_entries_cannot_wait": expected_entries_may_sleep,
    "C07_place_kept_after_an_error": a_failed_preallocation_resets_the_cursor,
    "D04_height_set_before_the_copy": a_failed_copy_leaves_its_target_empty,
    "D05_cleanup_on_every_error": a_copy_needs_an_empty_target,
}


@pytest.mark.parametrize("name", TESTS)
def test_holds(name: str) -> None:
    TESTS[name]()


@pytest.mark.source
@pytest.mark.parametrize("name", TESTS)
def test_finds_the_seed(name: str) -> None:
    with planted(BY_NAME[name]), pytest.raises((AssertionError, IndexError, KeyError)):
        TESTS[name]()


def test_every_seed_has_its_test() -> None:
    assert {name for name, known in BY_NAME.items() if known.lane == "unit"} == set(TESTS)


def test_the_shape_of_the_kernel() -> None:
    assert (ARANGE_64.leaf_slots, ARANGE_64.node_slots) == (16, 10)
