"""Memory that is refused in every way, and given back: on each kernel, and on trees with a mistake."""

from collections.abc import Callable

import pytest

from mapleproof.impl.kernel.tree import KernelTree
from tests.kernel.conftest import tree_of
from tests.kernel.test_port import store

MakePort = Callable[..., KernelTree]


def filled(port: KernelTree) -> KernelTree:
    """[0x10..0x1f]→1 and [0x30..0x3f]→2."""
    port.apply_many([store(0x10, 0x1F, 1), store(0x30, 0x3F, 2)])
    return port


ONCE = {"fail_after": 0, "fail_count": 1}
NOWAIT = {"fail_nowait": 1}


@pytest.mark.parametrize("short", [ONCE, NOWAIT], ids=["once", "nowait"])
def test_who_asks_again_succeeds(family: str, short: dict[str, int]) -> None:
    with KernelTree(tree_of(family), rcu=True) as port:
        filled(port)
        assert port.apply(store(0x50, 0x5F, 3, **short)) == {"ret": 0}
        port.apply({"op": "mas_set", "index": 0x30})
        assert port.apply({"op": "mas_erase", **short})["entry"] == 2
        port.apply({"op": "mas_set_range", "first": 0x15, "last": 0x16})
        assert port.apply({"op": "mas_store_gfp", "entry": 4, **short}) == {"ret": 0}
        assert port.snapshot() == [(0x10, 0x14, 1), (0x15, 0x16, 4), (0x17, 0x1F, 1), (0x50, 0x5F, 3)]
        assert port.reset(alloc_range=False, rcu=False) == {"leaked": 0}


def test_a_store_that_cannot_wait_is_made_again(family: str) -> None:
    with KernelTree(tree_of(family), rcu=True) as port:
        filled(port)
        port.apply({"op": "mas_set_range", "first": 0x50, "last": 0x5F})
        assert port.apply({"op": "mas_store", "entry": 3, **NOWAIT}) == {"ret": -12}
        assert port.apply({"op": "mas_nomem", "fail_after": 0}) == {"ret": 0}
        assert port.apply({"op": "mas_nomem"}) == {"ret": 1}
        assert port.apply({"op": "mas_store", "entry": 3}) == {"ret": 0}
        assert port.snapshot()[-1] == (0x50, 0x5F, 3)
        assert port.reset(alloc_range=False, rcu=False) == {"leaked": 0}


PAIRS = [store(4 * i, 4 * i + 1, i + 1) for i in range(60)]
REFUSED = [
    {"op": "mas_set_range", "first": 2, "last": 0x80},
    {"op": "mas_preallocate", "entry": 1, "fail_after": 1},
]


@pytest.mark.parametrize(
    "later", [[], [{"op": "mas_init", "index": 0}, {"op": "mas_walk"}]], ids=["end", "init"]
)
def test_a_refused_preallocation_leaves_nothing(family: str, later: list[dict[str, object]]) -> None:
    with KernelTree(tree_of(family)) as port:
        answers = port.apply_many([*PAIRS, *REFUSED, *later])
        assert answers[len(PAIRS) + 1] == {"ret": -12}
        assert port.live_allocations() == len(port.shape())
        assert port.reset(alloc_range=False, rcu=False) == {"leaked": 0}


def test_one_that_leaves_a_node_is_seen(seeded: MakePort) -> None:
    port = seeded("prealloc-leaks")
    port.apply_many([*PAIRS, *REFUSED])
    assert port.reset(alloc_range=False, rcu=False) == {"leaked": 1}


def test_what_is_held_by_right_is_no_leak(family: str) -> None:
    with KernelTree(tree_of(family)) as port:
        port.apply_many([*PAIRS, REFUSED[0], {"op": "mas_preallocate", "entry": 1}])
        assert port.live_allocations() > len(port.shape())
        assert port.reset(alloc_range=False, rcu=False) == {"leaked": 0}


def test_an_erasure_that_is_tried_again_erases_what_was_meant(seeded: MakePort) -> None:
    port = filled(seeded("erase-retries-elsewhere", rcu=True))
    port.apply_many([{"op": "mas_set", "index": 0x30}, {"op": "mas_erase", **NOWAIT}])
    assert (0x30, 0x3F, 2) in port.snapshot()


def test_nodes_are_counted(family: str) -> None:
    """What a store over one entry of a leaf in RCU mode takes: one node, for one that is left to RCU."""
    with KernelTree(tree_of(family), rcu=True, rcu_by_hand=True) as port:
        filled(port)
        port.apply(store(0x12, 0x13, 3))
        asked, allocated, freed, retired = port.apply({"op": "nodes"})["nodes"]
        assert asked >= allocated >= 1
        assert allocated - freed - retired == 0
        port.apply(store(0x12, 0x13, 4))
        assert port.apply({"op": "nodes"})["nodes"] == [0, 0, 0, 0]
        port.apply(store(0x14, 0x15, 3, fail_after=0))
        assert port.apply({"op": "nodes"})["nodes"][1:] == [0, 0, 0]


def test_wrong_arguments_are_refused_and_change_nothing(family: str) -> None:
    with KernelTree(tree_of(family), alloc_range=True) as port:
        filled(port)
        limits = {"min": 9, "max": 5}
        for step in (
            store(9, 5, 3),
            {"op": "mtree_insert_range", "first": 9, "last": 5, "entry": 3},
            {"op": "mtree_alloc_range", "entry": 3, "size": 1, **limits},
            {"op": "mtree_alloc_rrange", "entry": 3, "size": 1, **limits},
        ):
            assert port.apply(step) == {"ret": -22}
        assert port.snapshot() == [(0x10, 0x1F, 1), (0x30, 0x3F, 2)]


@pytest.mark.parametrize(("nowait", "ret"), [(2, -12), (3, 0)], ids=["nowait", "nofail"])
def test_the_caller_says_whether_it_can_wait(family: str, nowait: int, ret: int) -> None:
    """GFP_NOWAIT: refused for good, nothing kept. __GFP_NOFAIL: had, whatever is refused to others."""
    short = {"fail_nowait": nowait}
    with KernelTree(tree_of(family), rcu=True) as port:
        filled(port)
        assert port.apply(store(0x50, 0x5F, 3, **short)) == {"ret": ret}
        port.apply({"op": "mas_set_range", "first": 0x15, "last": 0x16})
        assert port.apply({"op": "mas_preallocate", "entry": 4, **short}) == {"ret": ret}
        port.apply({"op": "mas_destroy"})
        if family != "6.1":
            assert port.apply({"op": "mtree_dup", "into": 1, **short}) == {"ret": ret}
        assert port.reset(alloc_range=False, rcu=False) == {"leaked": 0}
