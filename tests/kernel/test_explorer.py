"""The explorer of interleavings: what it runs, what it refuses, and that it outlives what it tests."""

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from mapleproof.impl.kernel.build import Variant, build
from mapleproof.impl.kernel.explorer import Explored, Explorer, Policy
from mapleproof.impl.kernel.scenario import Choice, ProcessEnded, Reader, Stage
from mapleproof.impl.kernel.tree import KernelTree
from mapleproof.props.common.guard import WALL, budget

TOP = 2**64 - 1


def store(first: int, last: int, entry: int | None) -> dict[str, object]:
    return {"op": "mtree_store_range", "first": first, "last": last, "entry": entry}


def fill(length: int, count: int) -> dict[str, object]:
    return {"op": "fill", "first": 0, "stride": 1, "length": length, "count": count}


def explored_of(explorer: Explorer, scenario: Stage, reader: Reader) -> Explored:
    explorer.load(scenario)
    return explorer.explore(reader, Policy("single"))


ROW = tuple((10 * i, 10 * i + 4, i + 1) for i in range(5))
STORES = tuple(store(*range_) for range_ in ROW)
AFTER = (ROW[0], (10, 11, 2), (12, 13, 9), (14, 14, 2), *ROW[2:])
WIDE = Stage(True, True, STORES, (store(12, 13, 9),), (ROW, AFTER))
"""A store in the middle of a range: the node is copied."""

LOAD = Reader(({"op": "mtree_load", "index": 12},))
WALK = Reader(({"op": "mas_set", "index": 12}, {"op": "mas_walk"}))
ALL = Reader(({"op": "mas_set", "index": 0}, {"op": "mas_for_each", "max": TOP}))


@pytest.fixture(scope="module")
def explorer(kernel: Path) -> Iterator[Explorer]:
    with Explorer(build(kernel, Variant(beside="coroutines"))) as made:
        yield made


def test_every_single_preemption_is_run(explorer: Explorer) -> None:
    """Before each store of the writer and after the last, before each access of the reader, both orders."""
    explorer.load(WIDE)
    for reader in (LOAD, WALK, ALL):
        explored = explorer.explore(reader, Policy("single"))
        assert explored.complete
        assert explored.runs == (explored.stores + 1) + explored.accesses + 2
        assert explored.stores > 20
        assert explored.accesses > 3
        assert explored.failures == ()
        assert "mas_wr_node_store" in explored.paths


def test_every_pair_is_run_where_there_is_room(explorer: Explorer) -> None:
    explorer.load(WIDE)
    explored = explorer.explore(LOAD, Policy("pairs", most=100_000))
    assert explored.complete
    assert explored.runs == 2 * (explored.stores + 1) * (explored.accesses + 1) + 2
    part = explorer.explore(LOAD, Policy("pairs", most=50))
    assert not part.complete
    assert part.runs < explored.runs / 3


def test_drawn_policies_draw_and_say_so(explorer: Explorer) -> None:
    explorer.load(WIDE)
    for how in ("random", "priorities"):
        explored = explorer.explore(WALK, Policy(how, most=200, depth=3, seed=5))  # type: ignore[arg-type]
        assert (explored.runs, explored.complete) == (202, False)


def test_a_reader_is_stopped_where_the_policy_says(explorer: Explorer) -> None:
    explorer.load(WIDE)
    traced = explorer.trace(WALK, Choice("at-access", access=3))
    who = [access.reader for access in traced.accesses]
    assert who[:4] == [True, True, True, False]
    assert sum(a != b for a, b in pairwise(who)) == 2
    traced = explorer.trace(WALK, Choice("within", stores=7))
    before = traced.accesses[: next(i for i, access in enumerate(traced.accesses) if access.reader)]
    assert sum(access.write for access in before) == 7


def test_stores_are_held_back_past_later_ones(explorer: Explorer) -> None:
    explorer.load(WIDE)
    explored = explorer.explore(LOAD, Policy("held-back", most=100_000))
    assert explored.complete
    assert explored.runs > explored.stores
    assert explored.failures == ()


def test_the_same_is_run_from_the_same_state(explorer: Explorer) -> None:
    explorer.load(WIDE)
    first = explorer.explore(ALL, Policy("random", most=300, seed=9))
    assert explorer.explore(ALL, Policy("random", most=300, seed=9)) == first


def test_races_are_told_by_line_and_marked_ones_are_not_plain(explorer: Explorer) -> None:
    explorer.load(WIDE)
    races = explorer.races(explorer.explore(WALK, Policy("single")))
    assert races
    assert all(":" in race.writer and ":" in race.reader for race in races)
    assert not any(race.writer_marked and race.reader_marked for race in races)
    assert any(not race.writer_marked and "dead" in race.reader for race in races)


def test_a_reference_that_says_otherwise_is_a_failure(explorer: Explorer) -> None:
    for number, states in enumerate(((ROW[1:], WIDE.states[1]), (ROW, ROW))):
        explorer.load(Stage(True, True, STORES, WIDE.writes, states))
        failure = explorer.explore(LOAD, Policy("single")).failures[0]
        assert failure.text.startswith("without a reader: the tree does not hold what it must")
        assert ("before" in failure.text) == (number == 0)


@pytest.mark.parametrize(
    ("scenario", "reader"),
    [
        (Stage(True, True, ({"op": "mtree_dup", "into": 70_000, "x": 1},) * 2, (), ((),)), LOAD),
        (Stage(True, True, (store(0, 2**64, 1),), (store(0, 0, 1),), ((), ())), LOAD),
        (Stage(True, True, ({"op": "system"},), (store(0, 0, 1),), ((), ())), LOAD),
        (Stage(True, True, (), (store(0, 0, 1),), ((),)), LOAD),
        (Stage(True, True, (), (store(0, 0, 1),), (((5, 4, 1),), ())), LOAD),
        (Stage(True, True, (), (store(0, 0, 1),), ((), ((3, 4, 1), (4, 5, 1)))), LOAD),
        (Stage(True, True, (), (store(0, 0, 1),) * 17, ((),) * 18), LOAD),
        (Stage(True, True, (), ({"op": "mtree_load", "index": 0},), ((), ())), LOAD),
        (Stage(True, True, (), (store(0, 0, 1),), ((), ((0, 0, 1),))), Reader((store(0, 0, 1),))),
        (Stage(True, True, (), (store(0, 0, 1),), ((), ((0, 0, 1),))), Reader(())),
        (Stage(True, True, (fill(2, 3),), (store(0, 0, 1),), ((), ())), LOAD),
        (Stage(True, True, (fill(1, 2**30),), (store(0, 0, 1),), ((), ())), LOAD),
    ],
)
def test_what_is_no_scenario_is_refused(explorer: Explorer, scenario: Stage, reader: Reader) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        explored_of(explorer, scenario, reader)
    explorer.load(WIDE)
    assert explorer.explore(LOAD, Policy("single")).failures == ()


def test_it_is_started_anew_where_it_ended(explorer: Explorer) -> None:
    explorer.load(WIDE)
    before = explorer.explore(LOAD, Policy("single"))
    assert explorer._process is not None
    os.kill(explorer._process.pid, signal.SIGKILL)
    explorer._process.wait()
    with pytest.raises(ProcessEnded, match="the explorer ended with status -9"):
        explorer.explore(LOAD, Policy("single"))
    assert explorer.explore(LOAD, Policy("single")) == before


def test_it_ends_beside_processes_that_were_forked_since(kernel: Path) -> None:
    """Which hold its pipes open."""
    explorer, tree = Explorer(build(kernel, Variant(beside="coroutines"))), KernelTree(kernel)
    explored_of(explorer, WIDE, LOAD)
    tree.apply({"op": "mtree_load", "index": 0})
    other = os.fork()
    if other == 0:
        signal.pause()
    try:
        with budget(20, WALL):
            explorer.close()
            tree.close()
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)


def test_a_server_cannot_explore(kernel: Path) -> None:
    with pytest.raises(ValueError, match="none for the explorer"):
        Explorer(build(kernel))
