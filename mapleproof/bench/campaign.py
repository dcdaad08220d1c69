"""`mapleproof bench campaign`: what a campaign's lots cost, and how far that goes.

What can be measured on one machine is measured; how it is with thousands of workers is simulated from that,
and the simulation is held against a real run as large as the machine bears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from mapleproof.bench import campaign_cost as cost
from mapleproof.bench.campaign_cluster import cluster
from mapleproof.bench.campaign_count import messages_per_lot
from mapleproof.bench.campaign_samples import Message, messages
from mapleproof.bench.campaign_simulation import BUSY, Costs, Outcome, Setup, shortest, simulate
from mapleproof.bench.campaign_validate import Beside, beside
from mapleproof.campaign.campaign import LOT_COST, LOT_SECONDS
from mapleproof.campaign.plan import seconds_for

TOGETHER = 0.75
"""Calls for reports for each lot, below which one call fetches several."""


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured, and what is simulated: ``workers`` with lots of ``seconds``; reality is
    ``real_workers`` with lots of ``real_seconds``, for ``span`` seconds each. ``failing`` is the share of
    lots that report a failure in the last table."""

    cost: cost.Size = field(default_factory=cost.Size)
    counted: int = 200
    steps: int = 8_000
    workers: tuple[int, ...] = (10, 100, 300, 1000, 2000, 4000)
    seconds: tuple[float, ...] = (0.5, 2, 5, 10, 30)
    real_workers: int = 50
    real_seconds: tuple[float, ...] = (0.25, 0.5, 1, 2)
    span: float = 8.0
    failing: tuple[float, ...] = (0.0, 0.001, 0.01, 0.1)


QUICK = Size(
    cost=cost.QUICK,
    counted=8,
    steps=200,
    workers=(5, 20),
    seconds=(0.5, 2),
    real_workers=2,
    real_seconds=(0.25,),
    span=1.0,
    failing=(0.0, 0.1),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a campaign does with so many ``workers``: lots of ``seconds``, and what comes of it."""

    workers: int
    seconds: float
    failing: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Result:
    """All figures."""

    messages: list[Message]
    counts: dict[str, float]
    measured: cost.Measured
    costs: Costs
    beside: list[Beside]
    grid: dict[tuple[int, float], Outcome]
    shortest: dict[int, float | None]
    planned: list[Planned]

    def as_json(self) -> dict[str, Any]:
        """Every figure, for a program."""
        measured = self.measured
        return {
            "messages": [asdict(one) for one in self.messages],
            "messages_per_lot": self.counts,
            "lots": [
                {"workers": workers, "asked": lots, **asdict(spent)}
                for (workers, lots), spent in measured.busy.items()
            ],
            "idle": [{"workers": workers, **asdict(spent)} for workers, spent in measured.idle.items()],
            "fetch": asdict(measured.fetch),
            "turns": [asdict(turn) for turn in measured.turns],
            "failing": asdict(measured.failing),
            "written": asdict(measured.written),
            "costs": asdict(self.costs),
            "beside": [{**asdict(one), "busy": one.busy, "off": one.off} for one in self.beside],
            "simulated": [
                {"workers": workers, "seconds": seconds, **asdict(outcome)}
                for (workers, seconds), outcome in self.grid.items()
            ],
            "shortest": [{"workers": n, "seconds": seconds} for n, seconds in self.shortest.items()],
            "planned": [
                {
                    "workers": one.workers,
                    "seconds": one.seconds,
                    "failing": one.failing,
                    **asdict(one.outcome),
                }
                for one in self.planned
            ],
        }


def run(size: Size | None = None, tell: Callable[[str], None] = lambda line: None) -> Result:
    """Measure and simulate. Raises ClusterError."""
    size = size or Size()
    tell("messages")
    counts = messages_per_lot(size.counted)
    together = counts.get("call gather", 0.0) < TOGETHER  # rare ones are left out
    measuring = cost.Measuring(size.cost, tell)
    measuring.alone()
    for workers in sorted({workers for workers, _ in size.cost.lots}, reverse=True):
        with cluster(workers) as on:
            measuring.on(on)
    measured = measuring.result(together)
    costs = measured.costs()
    with cluster(size.real_workers) as on:
        real = beside(costs, on, size.real_seconds, size.span, tell)
    grid, least, planned = {}, {}, []
    for workers in size.workers:
        tell(f"{workers} workers, simulated")
        for seconds in size.seconds:
            grid[workers, seconds] = simulate(costs, Setup(workers, seconds))
        least[workers] = shortest(costs, Setup(workers, 1.0, rounds=5))
        seconds = seconds_for(workers, LOT_COST, LOT_SECONDS)
        for failing in size.failing:
            setup = Setup(workers, seconds, failing)
            planned.append(Planned(workers, seconds, failing, simulate(costs, setup)))
    return Result(messages(size.steps), counts, measured, costs, real, grid, least, planned)


def show(result: Result, console: Console) -> None:
    """All of it, as tables."""
    for table in (*_measured(result), *_simulated(result)):
        console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    return table


def _measured(result: Result) -> list[Table]:
    sizes = _table("Messages", "message", "way", "bytes")
    for message in result.messages:
        sizes.add_row(message.name, message.way, f"{message.size:,}")
    counts = _table("Messages for each lot", "message", "times")
    for name, times in result.counts.items():
        counts.add_row(name, f"{times:.2f}")
    lots = _table(
        "Processor ms for each lot that does nothing",
        *("workers", "lots", "a second", "scheduler", "campaign", "worker", "scheduler grows by, bytes"),
    )
    for (workers, _), spent in result.measured.busy.items():
        each = [1000 * one / spent.lots for one in (spent.scheduler, spent.campaign, spent.worker)]
        grown = f"{spent.grown / spent.lots:,.0f}"
        row = (f"{workers}", f"{spent.lots:,}", f"{spent.rate:.0f}", *(f"{one:.2f}" for one in each), grown)
        lots.add_row(*row)
    idle = _table("Idle: processor ms a second", "workers", "scheduler", "campaign", "workers, each")
    for workers, spent in result.measured.idle.items():
        each = [
            1000 * one / spent.wall
            for one in (spent.scheduler, spent.campaign, spent.worker / max(1, workers))
        ]
        idle.add_row(f"{workers}", *(f"{one:.1f}" for one in each))
    costs = _table("What the simulation takes", "cost", "ms")
    for name, value in asdict(result.costs).items():
        costs.add_row(name, str(value) if name == "together" else f"{1000 * value:.3f}")
    for turn in result.measured.turns:
        costs.add_row(f"transaction of {turn.reports}, wall", f"{1000 * turn.wall:.3f}")
    written = result.measured.written
    costs.add_row(f"failure written, {written.size:,} bytes", f"{1000 * written.wall:.3f}")
    return [sizes, counts, lots, idle, costs]


def _simulated(result: Result) -> list[Table]:
    real = _table("The simulation beside reality", "workers", "lots of", "busy", "lots/s", "simulated", "off")
    for one in result.beside:
        figures = (f"{one.busy:.0%}", f"{one.real:.1f}", f"{one.simulated:.1f}", f"{one.off:+.0%}")
        real.add_row(f"{one.workers}", f"{one.seconds:g} s", *figures)
    lengths = list(dict.fromkeys(seconds for _, seconds in result.grid))
    busy = _table(
        f"Share of workers' time in lots, by their length; the shortest for {BUSY:.0%}",
        *("workers", *(f"{seconds:g} s" for seconds in lengths), "shortest"),
    )
    for workers, least in result.shortest.items():
        row = [f"{result.grid[workers, seconds].busy:.0%}" for seconds in lengths]
        busy.add_row(f"{workers:,}", *row, "longer" if least is None else f"{least:.1f} s")
    planned = _table(
        "What a campaign does",
        *("workers", "lots of", "failing", "lots/s", "busy", "scheduler", "campaign", "waiting"),
    )
    for plan in result.planned:
        out = plan.outcome
        shares = (f"{one:.0%}" for one in (out.busy, out.scheduler, out.campaign))
        first = (f"{plan.workers:,}", f"{plan.seconds:g} s", f"{plan.failing:.1%}", f"{out.rate:.1f}")
        planned.add_row(*first, *shares, f"{out.queue:.1f}")
    return [real, busy, planned]
