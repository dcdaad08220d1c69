"""The port: what it answers, and what it says of the trees."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mapleproof.cli.cli import main
from mapleproof.impl.kernel import build
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.probe import probe
from mapleproof.impl.kernel.seeds import body_of
from mapleproof.impl.kernel.tree import KernelTree
from mapleproof.props.job.choose_port import choose_port
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.rules import Rules
from mapleproof.props.maple.subject import MAPLE_TREE
from tests.kernel.conftest import plain, read_case, tree_of

MakePort = Callable[..., KernelTree]
TOP = 2**64 - 1
RECORDINGS = sorted((Path(__file__).parents[1] / "maple" / "cases").glob("*-[0-9]*.jsonl.gz"))


def store(first: int, last: int, entry: int | None, **more: int) -> dict[str, object]:
    return {"op": "mtree_store_range", "first": first, "last": last, "entry": entry, **more}


@pytest.mark.parametrize(
    "mode", [{}, {"nowait_fails": True}, {"rcu_by_hand": True}, {"debug": True}], ids=str
)
@pytest.mark.parametrize("exact", ["6.12", "7.2", "7.3"])
def test_recordings(exact: str, mode: dict[str, bool]) -> None:
    """Recordings of 6.12 replay exactly on each kernel that has the calls, whatever path the memory takes."""
    assert len(RECORDINGS) == 28
    with KernelTree(tree_of(exact), **mode) as port:  # type: ignore[arg-type]
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


MADE_WITHOUT = {"6.1": {"mtree_dup", "mtree_alloc_cyclic", "mas_find_range", "__mas_set_range"}}
LACKS = {
    "6.12": {"mas_for_each_rev", "mas_nomem_nofail"},
    "7.2": {"mas_expected_entries", "mas_nomem_nofail"},
}
LACKS |= {"7.3": {"mas_expected_entries"}}


def test_what_each_kernel_lacks(family: str) -> None:
    lacks = set(build.build(tree_of(family)).lacks)
    assert lacks >= MADE_WITHOUT.get(family, set())
    assert lacks == LACKS.get(family, lacks)


def test_a_function_is_looked_for_where_it_is_defined(copy_of_kernel: Path) -> None:
    """The header of about 6.19 declares one whose code is gone."""
    text = (copy_of_kernel / "lib/maple_tree.c").read_text()
    assert "mas_expected_entries" in probe(copy_of_kernel)
    start, end = body_of(text, "mas_expected_entries")
    head = text.rindex("\nint mas_expected_entries(", 0, start)
    (copy_of_kernel / "lib/maple_tree.c").write_text(text[:head] + text[end + 2 :])
    assert "mas_expected_entries" in (copy_of_kernel / "include/linux/maple_tree.h").read_text()
    assert "mas_expected_entries" not in probe(copy_of_kernel)


def test_what_a_kernel_lacks_is_not_drawn_and_replay_says_so(tmp_path: Path) -> None:
    """Where a case needs it, the step is named and the exit status says that there is no answer."""
    port = f"kernel:{tree_of('7.3')}"
    rules = Rules(False, traits=choose_port(port, MAPLE_TREE)().traits)
    assert rules.refusal(ops.MasExpectedEntries(5), ModelPort()) == "the port has no such operation"
    case = tmp_path / "bulk.jsonl"
    header = {"format": "mapleproof-case", "version": 1, "subject": "maple_tree", "name": "bulk"}
    header |= {"tree": {"alloc_range": False, "rcu": False}, "origin": "by hand"}
    steps = [{"op": "mtree_load", "index": "0x0", "expect": {"entry": None}}]
    steps += [{"op": "mas_expected_entries", "count": 5, "expect": {"ret": 0}}]
    case.write_text("".join(json.dumps(line) + "\n" for line in (header, *steps)))
    done = CliRunner().invoke(main, ["replay", str(case), "--port", port])
    assert done.exit_code == 3
    told = r": step 2 cannot be carried out: Linux 7\.3\.\d+ has no mas_expected_entries\(\)"
    assert re.search(told, done.output)


def test_a_build_of_32_bits(family: str) -> None:
    """The other layout: 32 slots in a leaf, and the top of the tree at 2**32 - 1."""
    try:
        build.check_32_bits(build.compiler())
    except KernelBuildError as error:
        pytest.skip(str(error))
    port = KernelTree(tree_of(family), bits=32)
    top = 2**32 - 1
    with port:
        for i in range(0, 64, 2):
            assert port.apply(store(i, i, i + 1)) == {"ret": 0}
        root, *leaves = port.shape()
        assert root[3] == top
        assert max(len(leaf[4]) for leaf in leaves) > 16
        port.check()
        assert port.apply(store(0, top, None)) == {"ret": 0}
        assert port.snapshot() == []


def test_a_compiler_without_32_bits_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrapper = tmp_path / "cc"
    refusing = 'case "$*" in *-m32*) echo "error: no -m32 here" >&2; exit 1;; esac'
    wrapper.write_text(f'#!/bin/sh\n{refusing}\nexec gcc "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CC", str(wrapper))
    with pytest.raises(KernelBuildError, match=r"no 32-bit build: .* no -m32 here .*install gcc-multilib"):
        KernelTree(tree_of("6.12"), bits=32)


@pytest.mark.parametrize(
    ("seed", "step", "told"),
    [
        ("load-unlocked", {"op": "mtree_load", "index": 6}, "a walk without the lock and without RCU"),
        ("store-unlocked", store(7, 8, 3), "a write without the lock"),
        (
            "nomem-keeps-lock",
            store(20, 29, 3, fail_nowait=1),
            "a request that may sleep, with a spinlock held or under RCU",
        ),
    ],
)
def test_rules_about_locks(
    seeded: Callable[..., KernelTree], seed: str, step: dict[str, object], told: str
) -> None:
    """A tree that breaks one is told by its function and line."""
    port = seeded(seed, rcu=True)
    port.apply_many([{"op": "reset", "flags": 2, "mode": 0}])
    if seed != "store-unlocked":
        port.apply(store(5, 9, 1))
    answers = [port.apply(step), port.apply(step)]
    assert any(answer.get("crash", "").startswith("lockdep in ") for answer in answers)
    assert port.crash is not None
    assert told in port.crash.detail
