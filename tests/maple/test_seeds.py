"""Does it find bugs? Every seeded mistake must be met, made small, and fail on replay only while planted."""

from pathlib import Path

import pytest
from hypothesis import Phase, seed, settings

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.found import found_case, write_found
from mapleproof.props.common.planting import Edit, Seed, StaleSeed, as_shipped, planted
from mapleproof.props.job.replay import replay_file
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lanes.machines import run_machine, smallest
from mapleproof.props.maple.lanes.rcu_machine import RcuMachine
from mapleproof.props.maple.seeds import EQUIVALENT, SEEDS
from mapleproof.props.maple.subject import MAPLE_TREE

pytestmark = pytest.mark.source

MOST_OPERATIONS = 400_000
"""Within so many operations of the bulk lane each of its seeds must be met."""

IN_BULK = [known for known in SEEDS if known.lane == "bulk"]
AMONG_READERS = [known for known in SEEDS if known.lane == "rcu"]


def replays(path: Path) -> Difference | None:
    return replay_file(path).difference


def found_in_bulk(known: Seed) -> bulk.Finding:
    done = 0
    for number in range(1000):
        run = bulk.run(number, 3000)
        done += run.operations
        if run.finding is not None:
            return run.finding
        assert done < MOST_OPERATIONS, f"{known.name} was not met in {done} operations"
    raise AssertionError(known.name)


LONG = ("G02_limits_not_moved", "C05_wrong_slot_after_going_up")
"""Seeds that hang, or need thousands of ranges: they take long to be made small."""

QUICK = {known.name[0]: known.name for known in IN_BULK if known.name not in LONG}.values()
"""One of each letter of the catalogue: the others are looked for in the second step."""


@pytest.mark.parametrize(
    "known",
    [pytest.param(known, marks=[] if known.name in QUICK else [pytest.mark.late]) for known in IN_BULK],
    ids=lambda known: known.name,
)
def test_the_bulk_lane_finds_it(known: Seed, tmp_path: Path) -> None:
    with planted(known):
        finding = found_in_bulk(known)
        flags = {"alloc_range": finding.alloc_range, "rcu": finding.rcu}
        case = found_case(finding.difference, known.name, flags, {"seed": finding.seed}, MAPLE_TREE)
        path = write_found(case, tmp_path)
        assert replays(path) is not None
    assert replays(path) is None
    assert len(finding.difference.steps) <= known.steps


@pytest.mark.parametrize("known", AMONG_READERS, ids=lambda known: known.name)
def test_the_readers_find_it(known: Seed, tmp_path: Path) -> None:
    @seed(1)
    class Machine(RcuMachine):
        pass

    limits = settings(max_examples=400, stateful_step_count=40, database=None, phases=(Phase.generate,))
    with planted(known):
        met = run_machine(Machine, limits)
        assert met is not None
        small = smallest(Machine, met)
        path = write_found(found_case(small, known.name, met.flags, {"seed": 1}, MAPLE_TREE), tmp_path)
        assert replays(path) is not None
    assert replays(path) is None
    assert len(small.steps) <= known.steps


def test_seeds_cover_the_catalogue() -> None:
    bugs = {known.bug for known in SEEDS}
    assert len(bugs) >= 40
    assert not bugs & set(EQUIVALENT)
    assert len({known.name for known in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("known", SEEDS, ids=lambda known: known.name)
def test_a_seed_is_taken_out_again(known: Seed) -> None:
    before = bulk.run(7, 300).events
    with planted(known):
        pass
    assert bulk.run(7, 300).events == before


def test_a_stale_seed_is_refused() -> None:
    stale = Seed("x", "x", "x", (Edit("impl.maple.classify:nodes_needed", "no such text", "x"),))
    with pytest.raises(StaleSeed, match="is there 0 times"), planted(stale):
        pass


def test_what_is_right_is_asked_of_shipped_code() -> None:
    """Two mistakes planted one in the other, in one function: for a while neither is there, then both
    again."""
    one = Seed("one", "", "", (Edit("tests.maple.test_seeds:sum_of", "first + second", "first - second"),))
    other = Seed("other", "", "", (Edit("tests.maple.test_seeds:product_of", "first * second", "0"),))
    with planted(one), planted(other):
        assert (sum_of(5, 3), product_of(5, 3)) == (2, 0)
        with as_shipped():
            assert (sum_of(5, 3), product_of(5, 3)) == (8, 15)
        assert (sum_of(5, 3), product_of(5, 3)) == (2, 0)
    assert (sum_of(5, 3), product_of(5, 3)) == (8, 15)


def sum_of(first: int, second: int) -> int:
    return first + second


def product_of(first: int, second: int) -> int:
    return first * second
