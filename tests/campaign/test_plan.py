"""Lots: every unit once, whatever is lost on the way; every failure point of a space; worlds whole."""

import random
from collections import Counter
from pathlib import Path

import pytest

from mapleproof.campaign.arms import Arm, Real, Wanted, arms_of, chunks, kept
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Lot, Report
from mapleproof.campaign.plan import Plan
from mapleproof.campaign.work import LAYOUTS, carry_out, layout_of
from mapleproof.props.job.names import CAMPAIGN_LANES
from mapleproof.props.maple.lanes import growing, tiny
from mapleproof.props.mm.maps import RealVma, kept_spaces
from mapleproof.props.mm.tiny import count_layouts, layouts, nth_layout


def small_space(vmas: int) -> Real:
    return Real(f"space-{vmas}", tuple(RealVma(8192 * k, 8192 * k + 4096, 3, None, 1) for k in range(vmas)))


def new_ledger(folder: Path) -> Ledger:
    return Ledger.create(folder, {"seed": 0})


def report_of(lot: Lot) -> Report:
    return Report(units=lot.count, operations=1, seconds=0.001 * lot.count)


def enter(ledger: Ledger, plan: Plan, lot: Lot) -> None:
    with ledger.transaction():
        ledger.enter_done(lot.arm.name, lot.first, lot.first + lot.count)
    plan.learn(lot, report_of(lot), 0, 0)


def units(ledger: Ledger, arm: str) -> list[int]:
    return [unit for first, end in ledger.done(arm) for unit in range(first, end)]


@pytest.mark.parametrize("seed", range(5))
def test_every_unit_once_whatever_is_lost(tmp_path: Path, seed: int) -> None:
    """Lots come back done, undone or not at all (the campaign is ended); it is gone on with, five times."""
    rng = random.Random(seed)
    ledger = new_ledger(tmp_path)
    wanted = Wanted(lanes=("bulk", "fork"), recoveries=("unmap_in_place",))
    given: Counter[tuple[str, int]] = Counter()
    for _ in range(5):
        plan = Plan(ledger, wanted, seed=seed)
        out: list[Lot] = []
        for _ in range(60):
            lot = plan.next_lot(0.01)
            assert lot is not None
            out.append(lot)
            if len(out) > 3:
                lot = out.pop(rng.randrange(len(out)))
                if rng.random() < 0.3:
                    plan.back(lot)
                else:
                    enter(ledger, plan, lot)
                    given.update((lot.arm.name, unit) for unit in range(lot.first, lot.first + lot.count))
    assert set(given.values()) == {1}  # done once each
    plan = Plan(ledger, wanted, seed=seed)
    while any(row.gaps for row in plan.rows.values()):  # what was under way at an end is done first
        lot = plan.next_lot(0.01)
        assert lot is not None
        enter(ledger, plan, lot)
    for name, row in plan.rows.items():
        assert units(ledger, name) == list(range(row.next))


def test_an_arm_that_has_an_end_is_done_once_and_no_more(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    spaces = tuple(small_space(n) for n in (2, 5, 9))
    plan = Plan(ledger, Wanted(lanes=("spaces",), spaces=spaces), seed=0)
    seen = []
    while (lot := plan.next_lot(60.0)) is not None:
        assert len(lot.spaces) == lot.count
        seen += [real.name for real in lot.spaces]
        enter(ledger, plan, lot)
    assert sorted(seen) == sorted(real.name for real in spaces)
    assert plan.exhausted()
    assert Plan(ledger, Wanted(lanes=("spaces",), spaces=spaces), seed=0).exhausted()


def test_lots_take_about_the_time_that_is_asked_for(tmp_path: Path) -> None:
    plan = Plan(new_ledger(tmp_path), Wanted(lanes=("bulk",)), seed=0)
    first = plan.next_lot(2.0)
    assert first is not None
    assert first.count == 1  # nothing is known of its pace
    plan.learn(first, Report(units=1, seconds=0.05), 0, 0)
    second = plan.next_lot(2.0)
    assert second is not None
    assert second.count == 40  # 2.0 / 0.05


def test_sweeps_cover_every_failure_point_once() -> None:
    spaces = [small_space(3), small_space(400), small_space(900)]
    pieces = chunks(spaces)
    assert len(pieces) == len(set(pieces))
    # 400 * 400 * 7 / 60000 = 18.7, 900 * 900 * 7 / 60000 = 94.5
    assert Counter(at for at, _, _ in pieces) == {0: 1, 1: 18, 2: 94}
    for at in range(3):
        points = [p for space, first, step in pieces if space == at for p in range(first, 5000, step)]
        assert sorted(points) == list(range(5000))
    assert [at for at, _, _ in pieces[:3]] == [0, 1, 2]  # all begin before any goes on


def test_layouts_are_numbered_and_each_is_in_one_unit() -> None:
    for pages in (2, 3, 4):
        every = [nth_layout(number, pages) for number in range(count_layouts(pages))]
        assert every == list(layouts(pages))
    with pytest.raises(IndexError):
        nth_layout(count_layouts(2), 2)
    seen: Counter[tuple[int, int, int]] = Counter()
    for unit in range(60):
        place = layout_of(unit)
        assert place is not None
        pages, shape, numbers = place
        assert len(numbers) <= LAYOUTS
        seen.update((pages, shape.levels, number) for number in numbers)
    assert set(seen.values()) == {1}
    assert sum(pages == 2 for pages, _, _ in seen) == 2 * count_layouts(2)
    assert sum(pages == 3 for pages, _, _ in seen) == 2 * count_layouts(3)


def test_every_lane_has_an_arm_where_all_ports_are_asked_for() -> None:
    wanted = Wanted(("impl", "live", "kernel:tree"), spaces=(small_space(3),))
    arms = arms_of(wanted)
    assert {arm.lane for arm in arms} == set(CAMPAIGN_LANES)
    assert len({arm.name for arm in arms}) == len(arms)
    assert {arm.lane for arm in arms if arm.port == "kernel:tree"} == {
        "bulk",
        "machine",
        "readers",
        "interleavings",
        "spaces",
    }
    assert {arm.lane for arm in arms if arm.port == "live"} == {"live"}
    careful = arms_of(Wanted(("kernel:tree",), careful=True))
    assert {arm.lane for arm in careful} == {"bulk", "machine", "interleavings", "spaces"}


def test_a_space_that_comes_with_the_project_travels_by_name() -> None:
    import pickle

    big = Real("python-12000", kept()["python-12000"])
    assert len(pickle.dumps(big)) < 200
    assert pickle.loads(pickle.dumps(big)) == big
    own = small_space(4)
    assert pickle.loads(pickle.dumps(own)) == own
    assert [*kept()] == [*kept_spaces()]


def visit(plan: Plan, ledger: Ledger, worlds: int, rng: random.Random) -> None:
    """Expand the states of that many worlds; some lots are lost on the way."""
    assert plan.world is not None
    while plan.world.number < worlds:
        lot = plan.next_lot(0.05)
        assert lot is not None
        if rng.random() < 0.2:
            plan.back(lot)
            continue
        report = carry_out(lot, tell=lambda finding: pytest.fail(str(finding)))
        with ledger.transaction():
            new = dict(plan.world.new(lot, report))
            ledger.enter_states(lot.world, [*lot.states, *new.items()])
            ledger.expanded(lot.world, [digest for digest, _ in lot.states])
        plan.learn(lot, report, 0, 0)


def test_worlds_are_visited_whole_in_pieces_and_over_restarts(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    rng = random.Random(1)
    for worlds in (1, 2, 4, 5):
        visit(Plan(ledger, Wanted(lanes=("worlds",)), seed=0), ledger, worlds, rng)
    met = {number: count for number, count, _ in ledger.worlds()}
    for number, world in enumerate(growing.WORLDS[:5]):
        assert met[number] == tiny.explore(world.indices, rcu=world.rcu, geometry=world.geometry).states
    assert all(count == expanded for number, count, expanded in ledger.worlds() if number < 5)


def test_a_world_refuses_a_path_that_it_does_not_have() -> None:
    with pytest.raises(ValueError, match="no operation 250"):
        growing.expand(growing.WORLDS[0], [bytes([250])])


def test_proofs_of_one_series_come_one_after_the_other(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    plan = Plan(ledger, Wanted(lanes=("proofs",)), seed=0)
    out = list(iter(lambda: plan.next_lot(1.0), None))
    assert len(out) == len(plan.rows)  # no second one of any while the first is under way
    assert {lot.count for lot in out} == {1}
    assert Arm("proofs", subject="model_laws load") in [lot.arm for lot in out]


def test_what_a_proof_does_not_prove_ends_its_series(tmp_path: Path) -> None:
    from mapleproof.proofs.growing import Grown

    ledger = new_ledger(tmp_path)
    plan = Plan(ledger, Wanted(lanes=("proofs",)), seed=0)
    lot = plan.next_lot(1.0)
    assert lot is not None
    grown = Grown(lot.arm.subject, 1, "inconclusive", 3, 3, 1.0, "a query")
    plan.learn(lot, Report(units=1, seconds=1.0, grown=[grown]), 0, 0)
    assert plan.rows[lot.arm.name].ended == "inconclusive at 1"
    with ledger.transaction():
        ledger.end_arm(lot.arm.name, "inconclusive at 1")
    again = Plan(ledger, Wanted(lanes=("proofs",)), seed=0)
    assert again.rows[lot.arm.name].ended
    assert lot.arm.name not in [one.arm.name for one in iter(lambda: again.next_lot(1.0), None)]
