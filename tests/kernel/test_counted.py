"""Nodes counted beside our tree; entries that are values or pointers; locks of a tree's own or outside."""

import random

import pytest

from mapleproof.impl.kernel.build import Variant, build
from mapleproof.impl.kernel.tree import KernelTree
from mapleproof.impl.kernel.wire import POINTERS, raw
from mapleproof.impl.maple import check
from mapleproof.props.common.answers import Answer
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.shaped import shaped
from tests.kernel.conftest import tree_of
from tests.kernel.test_port import store
from tests.maple.test_shapes import shape


@pytest.mark.parametrize("alloc_range", [False, True])
@pytest.mark.parametrize("count", [0, 1, 9, 40, 400])
def test_a_shaped_tree_has_the_nodes_it_was_made_of(family: str, alloc_range: bool, count: int) -> None:
    """Depth, kind, highest index and slots of each node, whatever the stores were; no invariant is broken."""
    rng = random.Random(count)
    with KernelTree(tree_of(family), alloc_range=alloc_range) as port:
        for entry in range(1, count + 1):
            first = rng.randrange(2**20)
            port.apply(store(first, first + rng.randrange(300), entry if rng.random() < 0.9 else None))
        nodes = port.shape()
        tree = shaped(nodes, alloc_range, False)
        check.check(tree)
        assert shape(tree) == [
            [depth - 1, leaf, high, [list(slot) for slot in slots]] for depth, leaf, _, high, slots in nodes
        ]
        assert list(tree.entries()) == port.snapshot()


def test_a_shaped_tree_of_a_bare_entry(family: str) -> None:
    with KernelTree(tree_of(family)) as port:
        port.apply(store(0, 0, 4))
        assert list(shaped(port.shape(), False, False).entries()) == [(0, 0, 4)]


FULL = [ops.Fill(0, 4, 4, 13), ops.StoreRangeCounted(1, 1, 3), ops.StoreRangeCounted(9, 30, 4)]


def counted(port: KernelPort) -> list[Answer]:
    try:
        return [port.apply(op) for op in FULL]
    finally:
        port.close()


def test_a_store_takes_the_nodes_it_needs(family: str) -> None:
    assert counted(KernelPort(build(tree_of(family)), True, True)) == [Answer(ret=0)] * 3


@pytest.mark.parametrize(("seed", "rcu"), [("asks-for-more", True), ("splits-too-early", False)])
def test_nodes_beyond_need_are_told(seed: str, rcu: bool) -> None:
    """One more than our tree asks for, or than it has afterwards."""
    build_of = build(tree_of("7.3"), Variant(seed=seed))
    assert any(answer.ret for answer in counted(KernelPort(build_of, True, rcu)))


def test_entries_are_values_or_pointers(family: str) -> None:
    """With each of the low bits that a user may set: what is stored is loaded, also where it stands alone."""
    entries = [*range(1, 17), POINTERS - 1, POINTERS, POINTERS + 4]
    assert {raw(entry) & 3 for entry in entries} == {0, 1, 3}
    assert len({raw(entry) for entry in entries}) == len(entries)
    with KernelTree(tree_of(family)) as port:
        for entry in entries:
            assert port.apply(store(0, 0, entry)) == {"ret": 0}
            assert port.apply({"op": "mtree_load", "index": 0}) == {"entry": entry}
        port.apply_many([store(2 * i, 2 * i, entry) for i, entry in enumerate(entries)])
        assert [entry for _, _, entry in port.snapshot()] == entries


@pytest.mark.parametrize("rcu", [False, True])
def test_a_tree_under_a_lock_outside(kernel: object, rcu: bool) -> None:
    """Every write of the normal API has its answer there, and its copy has that lock too."""
    with KernelTree(tree_of("6.12"), alloc_range=True, rcu=rcu) as port:
        assert port.apply({"op": "mt_set_external_lock"}) == {}
        asked: list[tuple[dict[str, object], dict[str, object]]] = [
            (store(9, 5, 1), {"ret": -22}),
            (store(0x10, 0x1F, 1), {"ret": 0}),
            ({"op": "mtree_insert_range", "first": 0x18, "last": 0x2F, "entry": 2}, {"ret": -17}),
            ({"op": "mtree_insert_range", "first": 0x20, "last": 0x2F, "entry": 2}, {"ret": 0}),
            ({"op": "mtree_alloc_range", "entry": 3, "size": 4, "min": 0, "max": 99}, {"ret": 0, "start": 0}),
            (
                {"op": "mtree_alloc_rrange", "entry": 4, "size": 4, "min": 0, "max": 99},
                {"ret": 0, "start": 96},
            ),
            ({"op": "mtree_erase", "index": 0x11}, {"entry": 1}),
            ({"op": "mtree_erase", "index": 0x21, "fail_after": 9}, {"entry": 2, "ret": 0}),
            ({"op": "mtree_dup", "into": 1}, {"ret": 0}),
            ({"op": "mtree_destroy"}, {}),
        ]
        assert [port.apply(op) for op, _ in asked] == [answer for _, answer in asked]
        assert port.snapshot(1) == [(0, 3, 3), (96, 99, 4)]
        assert port.snapshot() == []
        assert port.apply(store(5, 6, 1, tree=1)) == {"ret": 0}
        assert port.reset(alloc_range=False, rcu=False) == {"leaked": 0}


def test_a_lock_that_is_not_its_own_is_not_dropped() -> None:
    """With the mistake the kernel drops a spinlock that nobody took."""
    seeded = build(tree_of("6.12"), Variant(seed="nomem-drops-outside-lock"))
    with KernelTree(seeded) as port:
        port.apply({"op": "mt_set_external_lock"})
        answer = port.apply(store(1, 2, 3, fail_after=0, fail_count=1))
        assert "crash" in answer
