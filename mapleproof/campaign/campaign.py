"""The loop of a campaign: give out lots, enter what comes back, until time is up or somebody ends it.

What cannot be entered, since the disk is full, waits in memory and is tried again; no lot is given out
meanwhile. What waits when the campaign is ended was not done, as far as the ledger goes, and is done anew.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis.database import ExampleDatabase

from mapleproof.campaign.arms import Wanted
from mapleproof.campaign.examples import Exchange
from mapleproof.campaign.farm import Farm, Finished, Lost
from mapleproof.campaign.findings import KEEP, Findings
from mapleproof.campaign.ledger import Ledger
from mapleproof.campaign.lots import Finding, Lot, Report, Shrinking
from mapleproof.campaign.plan import Plan, seconds_for

LOT_SECONDS = 2.0
"""How long a lot is to take, at the least."""

LOT_COST = 0.0025
"""Seconds from one lot to the next, at the highest rate that this process and a scheduler bear: see
docs/scaling.md."""

AHEAD = 2
"""Lots for each thread: one under way, and one that waits so that the thread need not."""

TICK = 0.05
"""Seconds between two looks at what came back."""

GRACE = 15.0
"""Seconds that lots under way are waited for at the end, at the least."""

STUCK_GRACE = 5.0
"""Seconds at the end for a disk that is full to be no longer so."""

RETRY = 2.0
"""Seconds between two attempts to write to a disk that is full."""

MOST_LOST = 3
"""Times that one lot may fail on a worker without an answer, before its arm is given up."""

MEMORY_EVERY = 30.0
"""Seconds between two notes of what a worker's process holds."""

RATE_SECONDS = 30.0
"""The time over which operations per second are counted."""


@dataclass(slots=True)
class Options:
    """What decides how a campaign runs. ``seconds`` is how long (None: until it is ended); ``even`` divides
    the budget evenly; ``keep`` is how many files of a sort are kept."""

    folder: Path
    wanted: Wanted
    seconds: float | None = None
    seed: int = 0
    seeded: str | None = None
    even: bool = False
    keep: int = KEEP


@dataclass(slots=True)
class Now:
    """How a campaign stands, besides what its ledger holds: what people watch. ``busy`` is what lots have
    taken, in seconds of threads. ``stuck`` says why nothing can be written, ``away`` why Hypothesis'
    database cannot be reached."""

    began: float = field(default_factory=time.monotonic)
    threads: int = 0
    under_way: int = 0
    waiting: int = 0
    rate: float = 0.0
    busy: float = 0.0
    lot_seconds: float = LOT_SECONDS
    lots: int = 0
    lost: int = 0
    stuck: str = ""
    away: str = ""
    connected: bool = True
    ending: bool = False


class Campaign:
    """One run of a campaign, in a folder whose ledger is open for writing. ``database`` is Hypothesis'."""

    def __init__(self, options: Options, ledger: Ledger, farm: Farm, database: ExampleDatabase) -> None:
        self.options, self.ledger, self.farm = options, ledger, farm
        self.plan = Plan(ledger, options.wanted, seed=options.seed, seeded=options.seeded, even=options.even)
        arms = [row.arm for row in self.plan.rows.values()]
        self.findings = Findings(
            options.folder,
            ledger,
            arms,
            keep=options.keep,
            seeded=options.seeded,
            careful=options.wanted.careful,
        )
        self.exchange = Exchange(database, ledger)
        for key, arm in ledger.setting("keys", {}).items():
            self.exchange.keys[bytes.fromhex(key)] = arm
        self.now = Now()
        self.stop = False
        self.new_cases: list[str] = []
        """Sorts of failure that were met for the first time and not told yet."""
        self._unentered: list[Finished] = []
        self._retry = 0.0
        self._lost: Counter[str] = Counter()
        self._operations: deque[tuple[float, int]] = deque()
        self._noted: dict[int, float] = {}
        self._shrinking: set[int] = set()

    def run(self, tell: Callable[[Campaign], None] = lambda campaign: None) -> None:
        """Run until time is up, `stop` is set, or there is nothing left to do. ``tell`` is called now and
        then."""
        with self.ledger.transaction():
            self.ledger.compact()
            self.ledger.begin_run()
        while not self._over():
            self._give_out()
            self._take_in()
            tell(self)
            time.sleep(TICK)
        self._end(tell)

    def _over(self) -> bool:
        if self.stop:
            return True
        seconds = self.options.seconds
        if seconds is not None and time.monotonic() - self.now.began >= seconds:
            return True
        idle = not self.farm and not self.findings.waiting and not self._unentered and self.farm.threads() > 0
        return idle and self.plan.exhausted()

    def _end(self, tell: Callable[[Campaign], None]) -> None:
        """Wait a little for the lots under way, and enter them; what is not small by then is made small next
        time."""
        self.now.ending = True
        begun = time.monotonic()
        grace = max(GRACE, 2 * self.now.lot_seconds)
        while (self.farm.lots() or self._unentered) and self.now.threads:
            waited = time.monotonic() - begun
            if waited > grace or (self.now.stuck and waited > STUCK_GRACE):
                break
            self._take_in()
            tell(self)
            time.sleep(TICK)
        how = "stopped" if self.stop else "time was up" if self.options.seconds is not None else "all done"
        try:
            with self.ledger.transaction():
                self._exchange()
                self.ledger.goes_on(how)
        except (OSError, sqlite3.OperationalError) as error:
            self.now.stuck = str(error)

    def _give_out(self) -> None:
        self.now.threads = self.farm.threads()
        self.now.connected = self.farm.connected()
        if self._unentered:
            return
        seconds = self.now.lot_seconds = seconds_for(self.now.threads, LOT_COST, LOT_SECONDS)
        while len(self.farm) < AHEAD * self.now.threads:
            work: Lot | Shrinking | None = self.findings.next(
                len(self._shrinking), self.now.threads, self.now.busy
            )
            if isinstance(work, Shrinking):
                self._shrinking.add(work.number)
            else:
                work = self.plan.next_lot(seconds)
            if work is None:
                return
            self.farm.submit(work)

    def _take_in(self) -> None:
        now = time.monotonic()
        self._unentered += self.farm.finished()
        self.now.under_way, self.now.waiting = len(self.farm), len(self._unentered)
        if not self._unentered and not self.exchange.due():
            return
        if self.now.stuck and now < self._retry:
            return
        todo, after = self._unentered, []
        try:
            with self.ledger.transaction():
                for one in todo:
                    after.append(self._enter(one))
                self._exchange()
                self.ledger.goes_on()
        except (OSError, sqlite3.OperationalError) as error:
            # Nothing of it counts: what is in memory is taken from the ledger again
            self.findings.reload(frozenset(self._shrinking))
            self.now.stuck, self._retry = str(error), now + RETRY
            return
        self.now.stuck = ""
        self._unentered = []
        for act in after:
            act()

    def _exchange(self) -> None:
        if self.exchange.due():
            for arm, values in self.exchange.exchange().items():
                self.plan.examples.setdefault(arm, []).extend(values)
            self.now.away = self.exchange.away

    def _enter(self, one: Finished) -> Callable[[], None]:
        """Write down what came back; what is to be done once all of it is written for good."""
        work, result = one.work, one.result
        if isinstance(work, Shrinking):
            return self._enter_small(work, result)
        if isinstance(result, Report):
            return self._enter_report(work, result)
        assert isinstance(result, Exception)
        return self._enter_lost(work, result)

    def _enter_report(self, lot: Lot, report: Report) -> Callable[[], None]:
        arm, ledger = lot.arm.name, self.ledger
        new = [finding.sort for finding in report.findings if self.findings.take(lot, finding)]
        features = self.plan.news(report)
        states = self._enter_states(lot, report)
        # States of a world come by the thousand, and each says little: they count by their order of magnitude
        news = ledger.enter_features(features) + len(ledger.enter_events(arm, report.events))
        news += states.bit_length()
        failures = len(report.findings)
        units = 0 if lot.examples else report.units
        ledger.enter_figures(arm, units, report.operations, report.seconds, news, failures)
        if not lot.examples:
            ledger.enter_done(arm, lot.first, lot.first + lot.count)
        if report.swept is not None:
            ledger.enter_swept(lot.arm.subject, report.swept.forks, report.swept.failed, report.swept.points)
        for grown in report.grown:
            figures = (grown.paths, grown.queries, grown.seconds, grown.told)
            ledger.enter_proof(grown.series, grown.size, grown.verdict, *figures)
            if grown.verdict != "proved":
                ledger.end_arm(arm, f"{grown.verdict} at {grown.size}")
        self._enter_examples(lot, report)
        noted = self._noted.get(report.process, 0.0)
        if time.monotonic() - noted > MEMORY_EVERY and report.process:
            self._noted[report.process] = time.monotonic()
            ledger.enter_worker(str(report.process), report.memory)

        def after() -> None:
            self.plan.learn(lot, report, news, len(new))
            self.new_cases += new
            self._lost.pop(arm, None)
            self._count(report)

        return after

    def _enter_states(self, lot: Lot, report: Report) -> int:
        """The states of a tiny world; how many are new."""
        if lot.arm.lane != "worlds" or self.plan.world is None:
            return 0
        new = dict(self.plan.world.new(lot, report))
        self.ledger.enter_states(lot.world, [*lot.states, *new.items()])
        self.ledger.expanded(lot.world, [digest for digest, _ in lot.states])
        return len(new)

    def _enter_examples(self, lot: Lot, report: Report) -> None:
        if not report.key:
            return
        if report.key not in self.exchange.keys:
            self.exchange.keys[report.key] = lot.arm.name
            self.ledger.change("keys", {key.hex(): arm for key, arm in self.exchange.keys.items()})
        self.ledger.enter_examples(report.key, report.saved, kept=False)
        self.ledger.enter_examples(report.key, lot.examples, kept=True)

    def _enter_small(self, work: Shrinking, result: object) -> Callable[[], None]:
        if not isinstance(result, Finding):

            def again() -> None:
                self.now.lost += 1
                self._shrinking.discard(work.number)
                self._lost[work.name] += 1
                if self._lost[work.name] < MOST_LOST:
                    self.findings.waiting.append(work)

            return again
        new = self.findings.made_small(work, result)

        def after() -> None:
            self._shrinking.discard(work.number)
            if new:
                self.new_cases.append(result.sort)

        return after

    def _enter_lost(self, lot: Lot, why: Exception) -> Callable[[], None]:
        """A lot without an answer goes back. One that was lost with its worker or scheduler is not to
        blame; an arm whose lots fail in another way is given up for this run, and that is a finding."""
        arm = lot.arm.name
        blamed = 0 if isinstance(why, Lost) else 1
        given_up = blamed and self._lost[arm] + blamed >= MOST_LOST
        if given_up:
            told = [
                f"no worker can do it: {type(why).__name__}: {why}",
                *getattr(why, "words", "").splitlines(),
            ]
            self.findings.take(lot, Finding(lot.first, f"{type(why).__name__} on a worker: {why}", told))

        def after() -> None:
            self.plan.back(lot)
            self.now.lost += 1
            self._lost[arm] += blamed
            if given_up:
                self.plan.rows[arm].ended = "no worker can do it"
                self.new_cases.append(f"{arm}: {told[0]}")

        return after

    def _count(self, report: Report) -> None:
        now = time.monotonic()
        self.now.lots += 1
        self.now.busy += report.seconds
        self._operations.append((now, report.operations))
        while self._operations and now - self._operations[0][0] > RATE_SECONDS:
            self._operations.popleft()
        span = min(RATE_SECONDS, max(1.0, now - self.now.began))
        self.now.rate = sum(count for _, count in self._operations) / span
