"""A campaign of any size, simulated from what lots cost: one scheduler, one campaign's process, N workers.

Scheduler and campaign are a server each that does one thing at a time. The campaign's loop is that of
`campaign/campaign.py`: look what came back, fetch it, enter all of it in one transaction, give out so many
lots that each worker has two, wait a tick. A lot crosses the scheduler on its way out and back, and its
report once more when it is fetched. Heartbeats come as often as Dask has them. Not simulated: Dask's moving
of lots from worker to worker (a new lot goes to a worker that has the fewest), the network's bandwidth, and
workers that go away.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import simpy

AHEAD = 2
"""Lots for each worker, as a campaign gives them out."""

TICK = 0.05
"""Seconds between two turns of the campaign's loop."""

BUSY = 0.95
"""What share of their time workers are to be busy."""

LONGEST = 600.0
"""Seconds of the longest lot that is looked at."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor seconds. Of the scheduler: for one lot (``scheduler``), a ``fetch`` of a report, a
    ``heartbeat``, a report that holds a failure (``scheduler_failure``, on top). Of the campaign's process:
    for one lot (``campaign``), a fetch (``campaign_fetch``), a failure (``campaign_failure``, on top), a turn
    of its loop in which something is written (``turn``), and looking at one lot under way (``look``).
    ``answer`` is how long a worker takes to hand over a report, ``worker`` what a lot costs it.
    ``together`` is how many reports one fetch brings; 0: all that wait."""

    scheduler: float = 0.0
    fetch: float = 0.0
    heartbeat: float = 0.0
    scheduler_failure: float = 0.0
    campaign: float = 0.0
    campaign_fetch: float = 0.0
    campaign_failure: float = 0.0
    turn: float = 0.0
    look: float = 0.0
    answer: float = 0.0
    worker: float = 0.0
    together: int = 1

    def times(self, factor: float) -> Costs:
        """All of them so many times as much."""
        names = [name for name in self.__slots__ if name != "together"]
        return replace(self, **{name: getattr(self, name) * factor for name in names})


@dataclass(frozen=True, slots=True)
class Setup:
    """``workers`` of one thread, lots of ``seconds``, of which each takes between 1 - ``spread`` and
    1 + ``spread`` of that; ``failing`` is the share of lots that report a failure. Each worker carries out
    about ``rounds`` lots, the first two of which do not count."""

    workers: int
    seconds: float
    failing: float = 0.0
    spread: float = 0.3
    rounds: int = 8
    seed: int = 0
    tick: float = TICK


@dataclass(frozen=True, slots=True)
class Outcome:
    """``busy`` is the share of the workers' time spent in lots, ``rate`` lots a second; ``scheduler`` and
    ``campaign`` the share of time that those are busy; ``queue`` the mean number of lots that are done and
    wait to be entered."""

    busy: float
    rate: float
    scheduler: float
    campaign: float
    queue: float


Steps = Generator[simpy.Event, Any, None]


class Simulation:
    """One run."""

    def __init__(self, costs: Costs, setup: Setup) -> None:
        self.costs, self.setup = costs, setup
        self.env = simpy.Environment()
        self.rng = random.Random(setup.seed)
        self.scheduler = simpy.Resource(self.env)
        self.stores = [simpy.Store(self.env) for _ in range(setup.workers)]
        self.has = [0] * setup.workers
        self.free = deque(list(range(setup.workers)) * AHEAD)
        """A place for a lot each: those of idle workers come first, as they become free first."""
        self.done: deque[int] = deque()
        """Workers whose lot has come back and is not entered."""
        self.under_way = 0
        self.worked = self.scheduled = self.entered = self.waited = 0.0
        self.finished = 0
        self._working = 0
        self._beats = 0
        self._since = 0.0

    def run(self) -> Outcome:
        """Carry it out."""
        setup, env = self.setup, self.env
        for number in range(setup.workers):
            env.process(self._worker(number))
        env.process(self._campaign())
        if self.costs.heartbeat:
            env.process(self._heartbeats())
        warm = 2 * setup.workers
        self._until(warm)
        before = (self.worked, self.scheduled, self.entered, self.waited, self.finished, env.now)
        self._until(setup.rounds * setup.workers)
        after = (self.worked, self.scheduled, self.entered, self.waited, self.finished, env.now)
        worked, scheduled, entered, waited, finished, span = (
            late - early for early, late in zip(before, after, strict=True)
        )
        return Outcome(
            min(1.0, worked / (span * setup.workers)),
            finished / span,
            min(1.0, scheduled / span),
            min(1.0, entered / span),
            waited / span,
        )

    def _until(self, lots: int) -> None:
        while self.finished < lots:
            self.env.step()
        self._count()

    def _serve(self, seconds: float) -> Steps:
        """Have the scheduler do something."""
        with self.scheduler.request() as turn:
            yield turn
            yield self.env.timeout(seconds)
            self.scheduled += seconds

    def _heartbeats(self) -> Steps:
        from distributed.scheduler import heartbeat_interval

        every = heartbeat_interval(self.setup.workers) / self.setup.workers
        while True:
            yield self.env.timeout(every)
            # A worker sends none before the last one is answered
            if self._beats < self.setup.workers:
                self._beats += 1
                self.env.process(self._heartbeat())

    def _heartbeat(self) -> Steps:
        yield from self._serve(self.costs.heartbeat)
        self._beats -= 1

    def _worker(self, number: int) -> Steps:
        env, setup, store = self.env, self.setup, self.stores[number]
        while True:
            yield store.get()
            if self.costs.worker:
                yield env.timeout(self.costs.worker)
            seconds = setup.seconds * self.rng.uniform(1 - setup.spread, 1 + setup.spread)
            self._count()
            self._working += 1
            yield env.timeout(seconds)
            self._count()
            self._working -= 1
            env.process(self._back(number))

    def _back(self, number: int) -> Steps:
        """Half of what a lot costs the scheduler is its way out, half its way back."""
        yield from self._serve(self.costs.scheduler / 2)
        self._count()
        self.done.append(number)

    def _count(self) -> None:
        """Bring what is summed over time up to now: before it changes."""
        passed = self.env.now - self._since
        self.waited += len(self.done) * passed
        self.worked += self._working * passed
        self._since = self.env.now

    def _out(self, number: int) -> Steps:
        yield from self._serve(self.costs.scheduler / 2)
        yield self.stores[number].put(None)

    def _spend(self, seconds: float) -> Steps:
        yield self.env.timeout(seconds)
        self.entered += seconds

    def _campaign(self) -> Steps:
        costs, setup = self.costs, self.setup
        while True:
            while self.free:
                if costs.campaign:
                    yield from self._spend(costs.campaign / 2)
                self.under_way += 1
                self.env.process(self._out(self.free.popleft()))
            yield from self._spend(costs.look * self.under_way)
            came = len(self.done)
            at_once = costs.together or max(1, came)
            for _ in range(0, came, at_once):
                yield from self._fetch()
            failures = 0
            for _ in range(came):
                failures += self.rng.random() < setup.failing
            if came:
                spent = came * costs.campaign / 2 + costs.turn + failures * costs.campaign_failure
                yield from self._spend(spent)
                if failures:
                    yield from self._serve(failures * costs.scheduler_failure)
            self._count()
            for _ in range(came):
                self.free.append(self.done.popleft())
            self.under_way -= came
            self.finished += came
            yield self.env.timeout(setup.tick)

    def _fetch(self) -> Steps:
        """The campaign's process waits for a report meanwhile."""
        yield from self._spend(self.costs.campaign_fetch)
        yield from self._serve(self.costs.fetch)
        yield self.env.timeout(self.costs.answer)


def simulate(costs: Costs, setup: Setup) -> Outcome:
    """What such a campaign comes to. The same for the same costs and setup."""
    return Simulation(costs, setup).run()


def shortest(costs: Costs, setup: Setup, busy: float = BUSY) -> float | None:
    """The shortest lot, in seconds, with which workers are so busy, to a tenth of it; None where LONGEST is
    too short. ``setup.seconds`` does not count."""
    low, high = 0.05, LONGEST
    if simulate(costs, replace(setup, seconds=high)).busy < busy:
        return None
    while high > low * 1.1:
        middle = (low * high) ** 0.5
        if simulate(costs, replace(setup, seconds=middle)).busy < busy:
            low = middle
        else:
            high = middle
    return high
