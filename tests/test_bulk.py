"""The bulk lane: the same seed makes the same run, driven directly or on record."""

import random

import pytest

from props.lanes import bulk
from props.lanes.bulk import NEVER, run
from props.lanes.draws import Draws
from props.lanes.mixes import draw_mix
from props.lanes.sides_direct import DirectSides
from props.lanes.sides_recorded import RecordedSides
from props.lockstep import Lockstep
from props.ports import ImplPort
from props.rules import Rules
from props.seeded.seeding import planted
from props.seeded.seeds import BY_NAME

RUNS = range(40)


class OnRecord(ImplPort):
    """The implementation as any other port, which is not driven directly."""


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
        trees.append((sides.done, [(twin.number, [*twin.model.entries()]) for twin in sides.twins]))
    assert trees[0] == trees[1]
    assert bulk.events_of(port) == bulk.events_of(lockstep.port)


def test_the_same_seed_is_the_same_run() -> None:
    assert run(3, 500) == run(3, 500)


def test_another_port_does_the_same() -> None:
    assert run(5, 500).events == run(5, 500, OnRecord).events


@pytest.mark.parametrize("name", ["W03_split_far_right", "G12_trailing_null_ignored"])
def test_what_is_found_is_found_again(name: str) -> None:
    with planted(BY_NAME[name]):
        number = next(number for number in range(100) if run(number, 2000, shrink=False).finding)
        first, second = run(number, 2000).finding, run(number, 2000).finding
    assert first is not None
    assert second is not None
    assert [step.op for step in first.difference.steps] == [step.op for step in second.difference.steps]
    assert first.after == second.after


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
