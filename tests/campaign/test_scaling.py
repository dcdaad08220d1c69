"""What docs/scaling.md says of many workers: the simulation, the length of lots, the measurement."""

import json
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest

from mapleproof.campaign.campaign import LOT_COST, LOT_SECONDS
from mapleproof.campaign.plan import seconds_for

simulation = pytest.importorskip("mapleproof.bench.campaign_simulation", reason="simpy is not installed")

from mapleproof.bench import campaign as bench_campaign  # noqa: E402
from mapleproof.bench.campaign_samples import messages  # noqa: E402
from mapleproof.bench.campaign_simulation import BUSY, Costs, Setup, shortest, simulate  # noqa: E402

COSTS = Costs(
    scheduler=0.0007,
    fetch=0.00065,
    heartbeat=0.0006,
    scheduler_failure=0.039,
    campaign=0.0,
    campaign_fetch=0.00075,
    campaign_failure=0.236,
    turn=0.00096,
    look=1.6e-6,
    answer=0.00026,
    worker=0.0017,
    together=0,
)
"""What docs/scaling.md has."""


def test_a_seed_decides_all() -> None:
    setup = Setup(30, 1.0, failing=0.1)
    assert simulate(COSTS, setup) == simulate(COSTS, setup)
    assert simulate(COSTS, setup) != simulate(COSTS, replace(setup, seed=1))


@pytest.mark.parametrize("workers", [1, 10, 300])
def test_workers_are_always_busy_where_nothing_costs_anything(workers: int) -> None:
    outcome = simulate(Costs(), Setup(workers, 1.0))
    assert outcome.busy == pytest.approx(1.0)
    assert (outcome.scheduler, outcome.campaign) == (0.0, 0.0)


@pytest.mark.parametrize("workers", [10, 100, 400])
@pytest.mark.parametrize("together", [0, 1])
def test_what_costs_twice_as_much_never_goes_faster(workers: int, together: int) -> None:
    costs = replace(COSTS, together=together)
    rates = [simulate(costs.times(factor), Setup(workers, 1.0, spread=0.0)).rate for factor in (1, 2, 4)]
    # A window of time cuts off a lot more or less
    assert all(slower <= rate * 1.01 for rate, slower in pairwise(rates)), rates


def test_utilisation_as_computed_by_hand() -> None:
    """10 workers, lots of 2 s, 10 ms of the scheduler for each: 5 lots a second, 5% of its time."""
    outcome = simulate(Costs(scheduler=0.01), Setup(10, 2.0, spread=0.0, rounds=200))
    assert outcome.rate == pytest.approx(5.0, rel=0.02)
    assert outcome.scheduler == pytest.approx(0.05, rel=0.02)
    assert outcome.busy == pytest.approx(1.0, rel=0.02)


def test_a_scheduler_that_is_too_slow_as_computed_by_hand() -> None:
    """100 workers, lots of 1 s, 100 ms of the scheduler for each: 10 lots a second, workers busy a tenth."""
    outcome = simulate(Costs(scheduler=0.1), Setup(100, 1.0, spread=0.0, rounds=100))
    assert outcome.scheduler == pytest.approx(1.0, rel=0.02)
    assert outcome.rate == pytest.approx(10.0, rel=0.03)
    assert outcome.busy == pytest.approx(0.1, rel=0.03)


def test_a_campaign_that_waits_for_each_report_as_computed_by_hand() -> None:
    """50 ms for each report: 20 lots a second at the most; those that are fetched together do not wait."""
    setup = Setup(100, 1.0, rounds=20)
    one_by_one = simulate(Costs(answer=0.05), setup)
    assert one_by_one.rate == pytest.approx(20.0, rel=0.05)
    assert one_by_one.queue > 50
    assert simulate(Costs(answer=0.05, together=0), setup).busy > 0.95


def test_heartbeats_take_their_share() -> None:
    """400 workers, a heartbeat of each every 3 s, as Dask has it, of 1.5 ms: a fifth of the scheduler."""
    outcome = simulate(Costs(heartbeat=0.0015), Setup(400, 5.0))
    assert outcome.scheduler == pytest.approx(0.2, rel=0.05)


def test_failures_take_their_share() -> None:
    """20 lots a second, of which a tenth fails, 0.2 s each: 40% of the campaign's process."""
    outcome = simulate(Costs(campaign_failure=0.2), Setup(40, 2.0, failing=0.1, rounds=250))
    assert outcome.campaign == pytest.approx(0.4, rel=0.15)


def test_the_shortest_lot_is_just_long_enough() -> None:
    costs, setup = Costs(scheduler=0.02), Setup(100, 1.0, spread=0.0)
    least = shortest(costs, setup)
    # 100 workers, 50 lots a second at the most: 2 s
    assert least == pytest.approx(2.0, rel=0.15)
    assert simulate(costs, replace(setup, seconds=least)).busy >= BUSY
    assert simulate(costs, replace(setup, seconds=least / 1.2)).busy < BUSY


def test_no_lot_is_long_enough_for_too_slow_a_scheduler() -> None:
    assert shortest(Costs(scheduler=60.0), Setup(20, 1.0, rounds=4)) is None


@pytest.mark.parametrize("workers", [1, 10, 100, 1000, 4000])
def test_lots_come_at_a_fifth_of_the_rate_that_can_be_borne(workers: int) -> None:
    seconds = seconds_for(workers, LOT_COST, LOT_SECONDS)
    assert seconds >= LOT_SECONDS
    assert workers / seconds * LOT_COST <= 0.2 + 1e-9


def test_lots_are_no_longer_than_that() -> None:
    assert [seconds_for(workers, LOT_COST, LOT_SECONDS) for workers in (10, 100, 1000)] == [2.0, 2.0, 12.5]


def test_the_cost_of_a_lot_is_what_the_simulation_needs() -> None:
    """Lots of LOT_COST for each worker are long enough, those of a quarter of it are not."""
    just = Setup(400, 400 * LOT_COST, rounds=6)
    assert simulate(COSTS, just).busy > BUSY
    assert simulate(COSTS, replace(just, seconds=just.seconds / 4)).busy < BUSY
    longer = replace(just, seconds=seconds_for(400, LOT_COST, LOT_SECONDS), failing=0.01)
    assert simulate(COSTS, longer).busy > 0.98


def test_each_message_has_a_row() -> None:
    rows = {message.name: message for message in messages(steps=100)}
    assert list(rows) == [
        "lot of units",
        "lot of a kept address space",
        "lot of another one, 12059 VMAs",
        "lot of 200 states of a tiny world",
        "report",
        "report with 2,000 states",
        "report with a failure of 100 steps",
        "failure to make small",
        "failure made small, 8 steps",
    ]
    assert all(message.size > 100 for message in rows.values())
    # A kept space travels by its name; a failure is mostly its steps
    assert rows["lot of a kept address space"].size < rows["lot of another one, 12059 VMAs"].size / 100
    steps = {row.name: row.size for row in messages(steps=800)}
    assert steps["report with a failure of 800 steps"] > 4 * rows["report with a failure of 100 steps"].size


@pytest.mark.deep
def test_the_measurement_says_all_that_the_document_shows(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from mapleproof.cli.cli import main

    file = tmp_path / "campaign.json"
    done = CliRunner().invoke(main, ["bench", "campaign", "--quick", "--json", str(file)])
    assert done.exit_code == 0, done.output
    figures = json.loads(file.read_text())
    assert set(figures) == {
        *("messages", "messages_per_lot", "lots", "idle", "fetch", "turns", "failing", "written", "costs"),
        *("beside", "simulated", "shortest", "planned"),
    }
    size = bench_campaign.QUICK
    assert [row["workers"] for row in figures["shortest"]] == list(size.workers)
    assert len(figures["simulated"]) == len(size.workers) * len(size.seconds)
    assert len(figures["planned"]) == len(size.workers) * len(size.failing)
    assert {"busy", "rate", "scheduler", "campaign", "queue"} <= set(figures["planned"][0])
    assert set(figures["costs"]) == set(asdict(Costs()))
    assert [row["workers"] for row in figures["idle"]] == [0, *size.cost.idle]
    lots = figures["lots"][0]
    assert lots["lots"] >= size.cost.lots[0][1]
    assert min(lots["scheduler"], lots["campaign"], lots["worker"]) > 0
    assert figures["messages_per_lot"]["compute-task"] == figures["messages_per_lot"]["task-finished"] == 1.0
    assert figures["beside"][0]["real"] > 0
    assert figures["written"]["size"] > 1000
