"""The bulk lane: the same seed makes the same run, driven directly or on record."""

import random
from collections.abc import Sequence

import pytest

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.operation import Common
from mapleproof.props.common.planting import Edit, Seed, planted
from mapleproof.props.common.port import Traits
from mapleproof.props.common.reducing import Patience
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lanes.bulk import NEVER, run
from mapleproof.props.maple.lanes.draws import Draws
from mapleproof.props.maple.lanes.reduce import smallest
from mapleproof.props.maple.lanes.sides_direct import DirectSides
from mapleproof.props.maple.lanes.sides_recorded import RecordedSides
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.mixes import draw_mix
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.rules import Rules
from mapleproof.props.maple.seeds import BY_NAME
from mapleproof.props.maple.shrink import Shrinker

RUNS = range(40)


class OnRecord(ImplPort):
    """The implementation as any other port, which is not driven directly."""


class Coarse(ImplPort):
    """The implementation as a port whose cursors have no status of their own."""

    traits = Traits(coarse=True)


def test_a_careful_search_from_the_top_never_begins_at_the_last_index() -> None:
    """Coarse cursors need a window of two: it is widened below the last index."""
    tops = set()
    for number in (14, 18, 39, 42):  # which come to such a window
        done = run(number, 3000, Coarse, careful=True)
        assert done.finding is None
        tops |= {step.op.max for step in done.steps if isinstance(step.op, ops.MasEmptyAreaRev)}
    assert 2**64 - 2 in tops
    assert 2**64 - 1 not in tops


@pytest.mark.parametrize("number", RUNS)
def test_direct_and_recorded_runs_are_the_same(number: int) -> None:
    """And none breaks a rule of use, which the recorded run would tell."""
    mix = draw_mix(random.Random(number))
    trees = []
    port = ImplPort(mix.alloc_range, mix.rcu)
    lockstep = Lockstep(
        ImplPort(mix.alloc_range, mix.rcu), alloc_range=mix.alloc_range, rcu=mix.rcu, rhythm=NEVER
    )
    for sides in (
        DirectSides(port, mix.alloc_range, mix.rcu),
        RecordedSides(lockstep, Rules(mix.alloc_range, mix.rcu)),
    ):
        rng = random.Random(number)
        Draws(rng, draw_mix(rng), sides).run(400)
        trees.append((sides.done, [(pair.number, [*pair.model.entries()]) for pair in sides.pairs]))
    assert trees[0] == trees[1]
    assert port.events() == lockstep.port.events()


def test_the_same_seed_is_the_same_run() -> None:
    assert run(3, 500) == run(3, 500)


@pytest.mark.source  # what is compiled is driven by the loop, which draws a run of its own
def test_another_port_does_the_same() -> None:
    assert run(5, 500).events == run(5, 500, OnRecord).events


@pytest.mark.source
@pytest.mark.parametrize("name", ["W03_split_far_right", "G12_trailing_null_ignored"])
def test_what_is_found_is_found_again(name: str) -> None:
    with planted(BY_NAME[name]):
        number = next(number for number in range(100) if run(number, 2000, shrink=False).finding)
        first, second = run(number, 2000).finding, run(number, 2000).finding
    assert first is not None
    assert second is not None
    assert [step.op for step in first.difference.steps] == [step.op for step in second.difference.steps]
    assert first.after == second.after


@pytest.mark.source
@pytest.mark.parametrize("seed", [19, 20, 21])
def test_a_careful_run_is_the_same_on_record(seed: int) -> None:
    """Seed 19 draws a search from a cursor that met its limit, which a careful run tells by another sign."""
    direct = bulk.run(seed, 1500, careful=True)
    recorded = bulk.run(seed, 1500, lambda alloc_range, rcu: Recorded(alloc_range, rcu), careful=True)
    assert direct.finding is None
    assert recorded.finding is None
    assert recorded.events == direct.events


class Recorded(ImplPort):
    """Our tree, not driven directly: whatever is no ImplPort itself goes on record."""


@pytest.mark.source
def test_a_copy_that_asks_for_more_nodes_than_it_has_is_found() -> None:
    """No answer counts nodes; the plan does."""
    edit = Edit("impl.maple.dup:copy_nodes", 'ask("maple_node", 1)', 'ask("maple_node", 2)')
    with planted(Seed("more", "", "", (edit,))):
        findings = (bulk.run(number, 800, shrink=False).finding for number in range(60))
        finding = next(filter(None, findings))
    assert "has asked for" in str(finding.difference.actual.crash)


@pytest.mark.source
def test_a_long_run_is_reduced_by_way_of_a_short_one() -> None:
    """The same failure is looked for in runs of a few operations, which take no time to make small."""
    with planted(BY_NAME["W05_final_pivot_missing"]):
        runs = (bulk.run(number, 3000, shrink=False).finding for number in range(100))
        met = next(
            one.difference for one in runs if one is not None and len(one.difference.steps) > bulk.LONG
        )
        small = bulk.reduced(met, ImplPort)
    assert len(small.steps) <= 4
    assert not small.unfinished


@pytest.mark.source
def test_reducing_that_had_to_leave_off_says_so() -> None:
    with planted(BY_NAME["W05_final_pivot_missing"]):
        runs = (bulk.run(number, 3000, shrink=False).finding for number in range(100))
        met = next(one.difference for one in runs if one is not None and len(one.difference.steps) > 20)
        small = smallest(met, ImplPort, patience=Patience(0.0))
    assert small.unfinished == "not reduced to the end: 0 seconds were over"


def test_a_load_without_a_range_is_made_small_too() -> None:
    """Stores through a cursor whose range stands no longer before them, as shrinking may leave them."""
    stores = [ops.MasStore(entry) for entry in (1, 2, 3)]

    def fails(candidate: Sequence[Common]) -> bool:
        return sum(isinstance(op, ops.MasStore) for op in candidate) >= 2

    shrinker = Shrinker(stores, fails, list, Patience(5))
    shrinker.shrink()
    assert len(shrinker.best) == 2


def test_a_fill_of_one_store_is_a_store() -> None:
    run = [ops.Fill(2, 5, 2, 1), ops.MtreeLoad(3)]
    answers = [(op, Answer(ret=0)) for op in run]
    shrinker = Shrinker(run, lambda candidate: len(candidate) == 2, lambda: answers, Patience(5))
    assert isinstance(shrinker.shrink()[0], ops.MtreeStoreRange)


@pytest.mark.parametrize(
    ("least", "reached"), [(3, (3, 3)), (1000, (1000, 1000)), (2**40, (2**40, 2**40 + 2**36))]
)
def test_small_numbers_are_lowered_exactly_and_large_ones_roughly(
    least: int, reached: tuple[int, int]
) -> None:
    tries = 0

    def fails(candidate: Sequence[Common]) -> bool:
        nonlocal tries
        tries += 1
        return bool(candidate) and getattr(candidate[0], "last", 0) >= least

    best = Shrinker([ops.MtreeStoreRange(0, 2**50 - 7, 1)], fails, None, Patience(5)).shrink()
    assert reached[0] <= getattr(best[0], "last", 0) <= reached[1]
    assert tries < 400
