"""What one lot of a campaign costs apart from its own work, measured on real schedulers and light workers."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil
from distributed import Client
from distributed.scheduler import heartbeat_interval

from mapleproof.bench.campaign_cluster import (
    LANES,
    Cluster,
    Spent,
    cluster,
    run_lots,
    run_seconds,
    used,
    watch,
)
from mapleproof.bench.campaign_samples import BULK, raw_finding, real_report
from mapleproof.bench.campaign_simulation import AHEAD, TICK, Costs
from mapleproof.campaign import worker
from mapleproof.campaign.arms import Wanted
from mapleproof.campaign.findings import Findings
from mapleproof.campaign.folder import Folder
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Lot
from mapleproof.campaign.plan import Plan


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: pairs of workers and ``lots``; ``idle`` workers for so many ``seconds``, and a
    scheduler without any; ``fetches`` of a report; ``turns`` of the ledger; ``failures`` from
    ``failing`` workers. A pair is measured
    in so many ``rounds``, of which the median counts."""

    lots: tuple[tuple[int, int], ...] = ((1, 150), (10, 600), (50, 900), (100, 900), (100, 2100))
    idle: tuple[int, ...] = (1, 100)
    seconds: float = 10.0
    fetches: int = 200
    turns: int = 100
    failures: int = 12
    failing: int = 1
    rounds: int = 3


QUICK = Size(lots=((2, 8),), idle=(2,), failing=2, seconds=0.5, fetches=10, turns=5, failures=1, rounds=1)


@dataclass(frozen=True, slots=True)
class Fetch:
    """One report fetched from a worker that has it: ``wall`` seconds, processor seconds of both ends."""

    wall: float
    campaign: float
    scheduler: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Processor and wall seconds: of a transaction with ``reports`` reports in it."""

    reports: int
    processor: float
    wall: float


@dataclass(frozen=True, slots=True)
class Written:
    """Processor and wall seconds, and bytes of the file, of a failure as it was met, written down."""

    processor: float
    wall: float
    size: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All of it. ``busy`` by workers and lots; ``idle`` by workers, 0 for a scheduler alone; ``fetch`` from
    where it was quickest; ``failing`` is a run in which each lot reports a failure. ``together`` says whether
    one fetch brings all reports that wait."""

    busy: dict[tuple[int, int], Spent]
    idle: dict[int, Spent]
    fetch: Fetch
    turns: tuple[Turn, ...]
    failing: Spent
    written: Written
    together: bool

    def costs(self) -> Costs:
        """What the simulation takes: costs of a lot are those with the most workers that there were.
        Of a worker it is the least: here many are in one process and wait for each other."""
        workers, _ = max(self.busy)
        run = self.busy[max(self.busy)]
        many, alone, most = max(self.idle), self.idle[0], self.idle[max(self.idle)]
        for_workers = most.scheduler / most.wall - alone.scheduler / alone.wall
        heartbeat = max(0.0, for_workers / (many / heartbeat_interval(many)))
        look = most.campaign / most.wall * TICK / (AHEAD * many)
        turn, more = self.turns
        each = (more.wall - turn.wall) / (more.reports - turn.reports)
        # What the runs spent on other things than lots is taken out of them
        idle_campaign = look * AHEAD * workers / TICK * run.wall
        idle_scheduler = heartbeat * workers / heartbeat_interval(workers) * run.wall
        return Costs(
            scheduler=_left(run.scheduler - idle_scheduler, run.lots, self.fetch.scheduler),
            fetch=self.fetch.scheduler,
            heartbeat=heartbeat,
            scheduler_failure=_left(self.failing.scheduler, self.failing.lots, run.scheduler / run.lots),
            campaign=_left(run.campaign - idle_campaign, run.lots, self.fetch.campaign),
            campaign_fetch=self.fetch.campaign,
            campaign_failure=_left(self.failing.campaign, self.failing.lots, run.campaign / run.lots),
            turn=max(0.0, turn.wall - each),
            look=look,
            answer=max(0.0, self.fetch.wall - self.fetch.campaign - self.fetch.scheduler),
            worker=min(one.worker / one.lots for one in self.busy.values()),
            together=0 if self.together else 1,
        )


def _left(seconds: float, lots: int, other: float) -> float:
    return max(0.0, seconds / lots - other)


Tell = Callable[[str], None]


class Measuring:
    """Measures one thing after the other, on as few clusters as there can be."""

    def __init__(self, size: Size, tell: Tell = lambda line: None) -> None:
        self.size, self.tell = size, tell
        self.busy: dict[tuple[int, int], Spent] = {}
        self.idle: dict[int, Spent] = {}
        self.fetches: list[Fetch] = []
        self.failing: Spent | None = None

    def alone(self) -> None:
        """A scheduler without workers."""
        self.tell("a scheduler alone")
        with cluster(0) as on:
            self.idle[0] = watch(on, self.size.seconds)

    def on(self, on: Cluster) -> None:
        """All that is to be measured with so many workers. Raises ClusterError."""
        size, workers = self.size, on.count
        for count, lots in size.lots:
            if count == workers:
                self.tell(f"{workers} workers, {lots} lots that do nothing")
                runs = (run_lots(on, max(1, lots // size.rounds)) for _ in range(size.rounds))
                self.busy[workers, lots] = median(runs)
        self.fetches.append(_fetch(on, size.fetches))
        if workers in size.idle:
            self.tell(f"{workers} idle workers")
            on.set(600.0)
            self.idle[workers] = run_seconds(on, size.seconds, 0)
        if workers == size.failing:
            self.tell("failures of many steps")
            on.set(0.0, 1.0)
            self.failing = run_lots(on, size.failures)
        on.set(0.0)

    def result(self, together: bool) -> Measured:
        """What was measured; the ledger is looked at now."""
        self.tell("the ledger")
        assert self.failing is not None
        turns = tuple(_turns(self.size.turns, reports) for reports in (1, 20))
        fetch = min(self.fetches, key=lambda one: one.wall)
        written = _written(self.size.failures)
        return Measured(self.busy, self.idle, fetch, turns, self.failing, written, together)


def median(runs: Iterable[Spent]) -> Spent:
    """The median of several runs: of each figure for itself, by lot."""
    every = list(runs)
    middle = sorted(every, key=lambda run: run.wall / max(1, run.lots))[len(every) // 2]

    def of(name: str) -> float:
        each = statistics.median(getattr(run, name) / max(1, run.lots) for run in every)
        return float(each * max(1, middle.lots))

    wall, scheduler, campaign, worker_seconds = map(of, ("wall", "scheduler", "campaign", "worker"))
    return Spent(middle.lots, wall, scheduler, campaign, worker_seconds, round(of("grown")))


def _fetch(on: Cluster, times: int) -> Fetch:
    """As a campaign does it: one after the other, through the scheduler."""
    with Client(on.address, set_as_default=False) as client:
        future = client.submit(worker.work, Lot(BULK, 0, 1), pure=False)
        future.result()
        both = [psutil.Process()], [on.scheduler]
        before = [used(one) for one in both]
        began = time.monotonic()
        for _ in range(times):
            future.result()
        wall = time.monotonic() - began
        campaign, scheduler = ((used(one) - early) / times for one, early in zip(both, before, strict=True))
        return Fetch(wall / times, campaign, scheduler)


def _turns(turns: int, reports: int) -> Turn:
    """Transactions of a campaign, each with so many reports: the median of all, with the disk's fsync."""
    report = real_report()
    wall, processor = [], []
    with tempfile.TemporaryDirectory() as name:
        ledger = Ledger.create(Path(name), {})
        plan = Plan(ledger, Wanted(lanes=LANES), seed=0)
        for turn in range(turns):
            began, spent = time.monotonic(), time.process_time()
            with ledger.transaction():
                for number in range(turn * reports, (turn + 1) * reports):
                    ledger.enter_features(plan.news(report))
                    ledger.enter_events(BULK.name, report.events)
                    ledger.enter_figures(BULK.name, 1, report.operations, report.seconds, 0, 0)
                    ledger.enter_done(BULK.name, number, number + 1)
                ledger.goes_on()
            wall.append(time.monotonic() - began)
            processor.append(time.process_time() - spent)
        ledger.close()
    return Turn(reports, statistics.median(processor), statistics.median(wall))


def _written(failures: int) -> Written:
    """Failures of many steps written to `found`, and entered."""
    wall, processor = [], []
    raw_finding(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name))
        ledger = Ledger.create(Path(name), {})
        findings = Findings(Path(name), ledger, [BULK])
        for unit in range(failures):
            began, spent = time.monotonic(), time.process_time()
            with ledger.transaction():
                findings.take(Lot(BULK, unit, 1), raw_finding(unit))
            wall.append(time.monotonic() - began)
            processor.append(time.process_time() - spent)
        sizes = [path.stat().st_size for path in (Path(name) / "found").iterdir()]
        ledger.close()
        folder.close()
    return Written(statistics.median(processor), statistics.median(wall), max(sizes))
