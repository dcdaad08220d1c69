"""The port: what it answers, and what it says of the trees."""

from collections.abc import Callable
from pathlib import Path

import pytest

from impl.kernel.tree import KernelTree
from tests.kernel.conftest import plain, read_case

MakePort = Callable[..., KernelTree]
TOP = 2**64 - 1
RECORDINGS = sorted((Path(__file__).parents[1] / "cases").glob("*-[0-9]*.jsonl.gz"))


def store(first: int, last: int, entry: int | None, **more: int) -> dict[str, object]:
    return {"op": "mtree_store_range", "first": first, "last": last, "entry": entry, **more}


@pytest.mark.parametrize(
    "mode", [{}, {"nowait_fails": True}, {"rcu_by_hand": True}, {"debug": True}], ids=str
)
def test_recordings(kernel: Path, mode: dict[str, bool]) -> None:
    """Recordings of 6.12 replay exactly, whatever path the memory takes."""
    if "PATCHLEVEL = 12" not in (kernel / "Makefile").read_text():
        pytest.skip("the recordings are of 6.12")
    assert len(RECORDINGS) == 28
    with KernelTree(kernel, **mode) as port:  # type: ignore[arg-type]
        for path in RECORDINGS:
            flags, steps = read_case(path)
            assert port.reset(**flags) == {"leaked": 0}
            for number, (step, actual) in enumerate(zip(steps, port.apply_many(steps), strict=True), 2):
                assert actual == plain(step.get("expect", {})), f"{path.name}:{number}: {step}"
            port.check()
        assert port.close() == 0


def test_entries_up_to_the_largest(make: MakePort) -> None:
    port = make()
    assert port.apply(store(0, TOP, 2**62 - 1)) == {"ret": 0}
    assert port.apply({"op": "mtree_load", "index": TOP}) == {"entry": 2**62 - 1}
    assert port.apply({"op": "mtree_erase", "index": 5}) == {"entry": 2**62 - 1}
    assert port.snapshot() == []
    assert port.close() == 0


def test_shape(make: MakePort) -> None:
    port = make(alloc_range=True)
    assert port.shape() == []
    port.apply(store(0, 0, 7))
    assert port.shape() == [(0, True, 0, 0, [(0, 7)])]
    port.apply(store(3, 5, 8))
    assert port.shape() == [(1, True, 0, TOP, [(0, 7), (2, None), (5, 8), (TOP, None)])]
    for i in range(40):
        port.apply(store(10 * i, 10 * i + 8, i + 1))
    root, *leaves = port.shape()
    assert root[:4] == (1, False, 0, TOP)
    assert [last for last, _ in root[4]] == [leaf[3] for leaf in leaves]
    assert [gap for _, gap in root[4]][:-1] == [1] * (len(leaves) - 1)
    assert port.borders() == [leaf[3] for leaf in leaves][:-1]
    assert port.live_allocations() == len(leaves) + 1


def test_memory_ends_within_a_step(make: MakePort) -> None:
    port = make(rcu=True)
    if "mtree_dup" in port.build.lacks:
        pytest.skip("this kernel has no mtree_dup")
    for i in range(100):
        port.apply(store(10 * i, 10 * i + 4, i + 1))
    before, nodes = port.snapshot(), port.live_allocations()
    for granted in range(nodes):
        assert port.apply({"op": "mtree_dup", "into": 1, "fail_after": granted}) == {"ret": -12}
        assert port.live_allocations() == nodes
    assert port.apply({"op": "mtree_dup", "into": 1, "fail_after": nodes}) == {"ret": 0}
    assert port.live_allocations() == 2 * nodes
    assert port.snapshot(1) == before
    assert port.shape(1) == port.shape()
    assert port.apply(store(1, 2, 5, fail_after=0)) == {"ret": -12}
    assert port.apply({"op": "mtree_erase", "index": 10, "fail_after": 0})["entry"] == 2
    assert port.snapshot() == before


def test_callbacks_run_when_the_readers_left(make: MakePort) -> None:
    port = make(rcu=True)
    port.apply(store(5, 9, 1))
    port.apply({"op": "rcu_read_lock"})
    port.apply(store(15, 19, 2))
    assert port.live_allocations() == 2
    port.apply({"op": "rcu_barrier"})
    assert port.live_allocations() == 2
    port.apply({"op": "rcu_read_unlock"})
    assert port.live_allocations() == 1


def test_callbacks_by_hand(make: MakePort) -> None:
    port = make(rcu=True, rcu_by_hand=True)
    port.apply(store(5, 9, 1))
    for i in range(1, 4):
        port.apply(store(10 * i, 10 * i + 3, i))
    assert port.apply({"op": "live_allocations"}) == {"live": 4, "pending": 3, "warnings": 0}
    port.apply({"op": "rcu_barrier"})
    assert port.live_allocations() == 1


def test_several_trees_and_cursors(make: MakePort) -> None:
    port = make()
    port.apply(store(1, 2, 3))
    port.apply(store(1, 2, 4, tree=1))
    port.apply({"op": "mas_init", "cursor": 9, "tree": 1, "index": 0})
    assert port.apply({"op": "mas_find", "max": TOP})["entry"] == 3
    assert port.apply({"op": "mas_find", "max": TOP, "cursor": 9})["entry"] == 4
    port.apply({"op": "mtree_destroy", "tree": 1})
    assert (port.snapshot(0), port.snapshot(1)) == ([(1, 2, 3)], [])


def test_storing_with_memory_got_ahead(make: MakePort) -> None:
    port = make(rcu=True)
    port.apply(store(5, 9, 1))
    held = port.live_allocations()
    steps: list[dict[str, object]] = [
        {"op": "mas_set_range", "first": 20, "last": 29},
        {"op": "mas_preallocate", "entry": 2},
        {"op": "live_allocations"},
        {"op": "mas_store_prealloc", "entry": 2, "fail_after": 0},
        {"op": "live_allocations"},
    ]
    answers = port.apply_many(steps)
    assert answers[2]["live"] > held
    assert answers[4]["live"] == held
    assert port.snapshot() == [(5, 9, 1), (20, 29, 2)]


def test_bulk_insertion(make: MakePort) -> None:
    port = make()
    assert port.apply({"op": "mas_expected_entries", "count": 200}) == {"ret": 0}
    for i in range(200):
        port.apply({"op": "mas_set_range", "first": 10 * i, "last": 10 * i + 4})
        assert port.apply({"op": "mas_store", "entry": i + 1, "fail_after": 0}) == {"ret": 0}
    port.apply({"op": "mas_destroy"})
    port.check()
    assert len(port.snapshot()) == 200
    assert port.live_allocations() == len(port.shape())


def test_a_store_without_memory_and_then_with(make: MakePort) -> None:
    port = make(rcu=True)
    port.apply(store(5, 9, 1))
    port.apply({"op": "mas_set_range", "first": 20, "last": 29})
    assert port.apply({"op": "mas_store", "entry": 2, "fail_after": 0}) == {"ret": -12}
    assert port.apply({"op": "cursor"})["status"] == "error"
    assert port.apply({"op": "mas_nomem"}) == {"ret": 1}
    assert port.apply({"op": "mas_store", "entry": 2, "fail_after": 0}) == {"ret": 0}
    assert port.snapshot() == [(5, 9, 1), (20, 29, 2)]


def test_nothing_is_left_behind(make: MakePort) -> None:
    port = make()
    for i in range(50):
        port.apply(store(10 * i, 10 * i + 4, i + 1))
    assert port.reset(alloc_range=True, rcu=False) == {"leaked": 0}
    assert port.live_allocations() == 0
    assert port.close() == 0
    assert port.close() == 0
