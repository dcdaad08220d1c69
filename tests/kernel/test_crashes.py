"""A step that does not end well is an answer, and the next step meets a new process."""

from collections.abc import Callable

import pytest

from mapleproof.impl.kernel.tree import KernelTree

MakePort = Callable[..., KernelTree]


def fill(port: KernelTree, entries: int) -> None:
    for i in range(entries):
        port.apply({"op": "mtree_store_range", "first": 10 * i, "last": 10 * i + 4, "entry": i + 1})


def test_a_segmentation_fault(seeded: MakePort) -> None:
    port = seeded("dup-forgets-slot")
    fill(port, 100)
    assert port.apply({"op": "mtree_dup", "into": 1}) == {"crash": "SIGSEGV in mtree_dup"}
    assert port.crash is not None
    assert "mas_dup_build" in port.crash.place
    assert port.crash.signature == ("SIGSEGV", "mtree_dup", port.crash.place)
    assert port.snapshot() == []
    assert port.apply({"op": "mtree_store_range", "first": 1, "last": 2, "entry": 3}) == {"ret": 0}
    assert port.snapshot() == [(1, 2, 3)]


def test_a_crash_ends_its_batch(seeded: MakePort) -> None:
    port = seeded("dup-forgets-slot")
    fill(port, 100)
    load = {"op": "mtree_load", "index": 0}
    answers = port.apply_many([load, {"op": "mtree_dup", "into": 1}, load])
    assert answers == [{"entry": 1}, {"crash": "SIGSEGV in mtree_dup"}]


def test_a_warning_of_the_kernel(seeded: MakePort) -> None:
    port = seeded("no-node-to-pop", rcu=True)
    port.apply({"op": "mtree_store_range", "first": 5, "last": 9, "entry": 1})
    answer = port.apply({"op": "mtree_store_range", "first": 15, "last": 19, "entry": 2})
    assert answer == {"crash": "WARN in mtree_store_range"}
    assert port.crash is not None
    assert port.crash.place.startswith("mas_pop_node < ")


def test_an_assertion_of_the_debug_build(seeded: MakePort) -> None:
    port = seeded("node-too-empty", debug=True)
    fill(port, 100)
    answers = [port.apply({"op": "mtree_erase", "index": 10 * i}) for i in range(99) if i % 3]
    assert {"crash": "WARN in mtree_erase"} in answers
    assert port.crash is not None
    assert port.crash.detail.startswith("mas_wr_store_type line ")
    assert "maple_tree(" in port.crash.said  # the kernel dumped the tree


def test_a_loop_that_never_ends(seeded: MakePort) -> None:
    port = seeded("dup-forgets-height", hang_seconds=0.5)
    fill(port, 300)
    port.apply({"op": "mtree_dup", "into": 1})
    hung = [port.apply({"op": "mtree_erase", "tree": 1, "index": 10 * i}) for i in range(20)]
    assert {"crash": "hang in mtree_erase"} in hung


def test_asking_for_memory_for_ever(make: MakePort) -> None:
    """A split asks for several nodes; when only some can be had, the store tries again for ever."""
    port = make(rcu=True)
    fill(port, 8)  # 15 of 16 slots: one more entry, and the node splits
    answer = port.apply({"op": "mtree_store_range", "first": 77, "last": 77, "entry": 9, "fail_after": 1})
    assert answer in ({"crash": "hang in mtree_store_range"}, {"ret": -12})


@pytest.mark.parametrize("sanitize", ["address", "undefined", "address,undefined"])
def test_sanitizers(seeded: MakePort, sanitize: str) -> None:
    port = seeded("dup-forgets-slot", sanitize=sanitize, hang_seconds=30)
    fill(port, 100)
    assert port.apply({"op": "mtree_load", "index": 0}) == {"entry": 1}
    answer = port.apply({"op": "mtree_dup", "into": 1})
    assert answer["crash"].endswith(" in mtree_dup")
    assert answer["crash"].startswith("undefined" if "undefined" in sanitize else "SEGV")
    assert port.crash is not None
    assert "maple_tree.c" in port.crash.place
