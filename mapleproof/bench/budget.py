"""Budget that goes where news come from, beside an even split: which finds more known mistakes in equal time.

A known mistake is planted, and the plan of a campaign runs as it would on one worker, with a real ledger,
until something is found or the time is up. Time is that of the processor. Proofs are left out, as one unit of
them may take longer than a whole run here; and lots are short, so that a short
run has many of them.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mapleproof.campaign.arms import Real, Wanted, kept
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Finding, Lot, Report
from mapleproof.campaign.plan import Plan
from mapleproof.campaign.work import carry_out
from mapleproof.cli.known_seeds import KNOWN, known_seed
from mapleproof.props.common.planting import planted
from mapleproof.props.job.names import CAMPAIGN_LANES

LANES = tuple(lane for lane in CAMPAIGN_LANES if lane not in ("proofs", "live"))

LOT = 0.25
"""Seconds of a lot."""

LATE = 4.0
"""Seconds after which a mistake was not found at once: by then each arm has had a turn."""

NAMES = tuple(sorted(name for name, seed in KNOWN.items() if seed.lane != "unit"))
"""The mistakes of tree and fork, but for those that only a test of their own meets."""


@dataclass(frozen=True, slots=True)
class Race:
    """One run: a planted mistake, a campaign's seed, and how budget is divided; ``seconds`` is its limit."""

    seeded: str
    seed: int
    even: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: the processor seconds until something was found, None where nothing was, and the
    arm that found it."""

    race: Race
    found: float | None
    arm: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How one way to divide did: of ``runs``, how many ``found``; processor seconds to find, the median over
    all runs (one that did not find counts its whole limit) and the mean."""

    runs: int
    found: int
    median: float
    mean: float


@dataclass(frozen=True, slots=True)
class Size:
    """Which mistakes, with which campaign's seeds, for how many processor seconds each."""

    names: tuple[str, ...] = NAMES
    seeds: tuple[int, ...] = (1, 2)
    seconds: float = 15.0


QUICK = Size(("W02_both_edges_not_merged", "F04_cursor_not_moved"), (1,), 3.0)


@dataclass(frozen=True, slots=True)
class Result:
    """All runs."""

    outcomes: list[Outcome]

    def late(self) -> list[Outcome]:
        """Those of mistakes that some run did not find within LATE seconds."""
        names = {one.race.seeded for one in self.outcomes if one.found is None or one.found > LATE}
        return [one for one in self.outcomes if one.race.seeded in names]


class Met(BaseException):
    """Something was found: the run is over. No Exception, which a unit would take for its own."""


def run_race(race: Race) -> Outcome:
    """Carry out one run, in this process, which has the mistake in it meanwhile."""
    with tempfile.TemporaryDirectory() as folder, planted(known_seed(race.seeded)):
        ledger = Ledger.create(Path(folder), {})
        try:
            return _raced(race, ledger)
        finally:
            ledger.close()


def _raced(race: Race, ledger: Ledger) -> Outcome:
    spaces = tuple(Real(name, vmas) for name, vmas in kept().items())
    wanted = Wanted(lanes=LANES, spaces=spaces)
    plan = Plan(ledger, wanted, seed=race.seed, even=race.even)
    began = time.process_time()
    while (spent := time.process_time() - began) < race.seconds:
        lot = plan.next_lot(LOT)
        if lot is None:
            break
        try:
            report = carry_out(lot, tell=_stop)
        except Met:
            spent = time.process_time() - began
            return Outcome(race, spent if spent <= race.seconds else None, lot.arm.name)
        # Other processes do not count: seconds are those of the processor here
        report.seconds = time.process_time() - began - spent
        plan.learn(lot, report, _enter(ledger, plan, lot, report), 0)
    return Outcome(race, None)


def _stop(finding: Finding) -> None:
    raise Met


def _enter(ledger: Ledger, plan: Plan, lot: Lot, report: Report) -> int:
    """Enter a report as a campaign does; its news."""
    new = 0 if plan.world is None or lot.arm.lane != "worlds" else len(dict(plan.world.new(lot, report)))
    with ledger.transaction():
        new += ledger.enter_features(plan.news(report))
        return new + len(ledger.enter_events(lot.arm.name, report.events))


def races(names: Sequence[str], seeds: Sequence[int], seconds: float) -> list[Race]:
    """Both ways to divide, for each mistake and each campaign's seed."""
    return [Race(name, seed, even, seconds) for name in names for seed in seeds for even in (False, True)]


def run(todo: Sequence[Race], jobs: int, tell: Callable[[Outcome], None] = lambda one: None) -> list[Outcome]:
    """Carry out runs, each in a process of its own, so many at a time."""
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        return [_told(one, tell) for one in pool.imap(run_race, todo)]


def _told(one: Outcome, tell: Callable[[Outcome], None]) -> Outcome:
    tell(one)
    return one


def score(outcomes: Sequence[Outcome], even: bool) -> Score:
    """How one way to divide did. Raises StatisticsError where there is no run of it."""
    mine = [one for one in outcomes if one.race.even == even]
    times = [one.race.seconds if one.found is None else one.found for one in mine]
    found = sum(one.found is not None for one in mine)
    return Score(len(mine), found, statistics.median(times), statistics.mean(times))


def show(result: Result, console: Console) -> None:
    """Both ways beside each other; the mistakes that took either of them longer than a round of all arms."""
    table = Table(title="Known mistakes found in equal time")
    for name in ("", "runs", "found", "median s", "mean s", "of those not found at once: median", "mean"):
        table.add_column(name, justify="right" if name else "left")
    for even, name in ((False, "by what is new"), (True, "evenly")):
        all_runs, slow = score(result.outcomes, even), score(result.late() or result.outcomes, even)
        figures = (f"{one:.2f}" for one in (all_runs.median, all_runs.mean, slow.median, slow.mean))
        table.add_row(name, f"{all_runs.runs}", f"{all_runs.found}", *figures)
    console.print(table)
    table = Table(title=f"Mistakes not found within {LATE:g} s: seconds by campaign's seed")
    for name in ("mistake", "by what is new", "evenly"):
        table.add_column(name)
    late = result.late()
    for name in dict.fromkeys(one.race.seeded for one in late):
        ways = [
            ", ".join(_seconds(one) for one in late if (one.race.seeded, one.race.even) == (name, even))
            for even in (False, True)
        ]
        table.add_row(name, *ways)
    console.print(table)


def _seconds(one: Outcome) -> str:
    return "-" if one.found is None else f"{one.found:.1f}"


def as_json(result: Result) -> dict[str, Any]:
    """Every figure, for a program."""
    return {
        "scores": {
            name: asdict(score(result.outcomes, even)) for name, even in (("news", False), ("even", True))
        },
        "runs": [{**asdict(one.race), "found": one.found, "arm": one.arm} for one in result.outcomes],
    }


def compare(size: Size, jobs: int = 1, tell: Callable[[str], None] = lambda line: None) -> Result:
    """Run all of it."""

    def told(one: Outcome) -> None:
        way = "evenly" if one.race.even else "by what is new"
        tell(f"{one.race.seeded} {one.race.seed} {way}: {_seconds(one)}")

    return Result(run(races(size.names, size.seeds, size.seconds), jobs, told))
