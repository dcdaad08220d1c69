"""The main job: units of all lanes over several processes, until the time is up."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field

from props import events as expected_events
from props.choose_port import LIVE
from props.fork.check import Verdict
from props.fork.maps import RealVma
from props.fork.sweep import Swept
from props.fork.units import NAMES, conclude
from props.lanes.maps import Space
from props.seeded.planting import known_seed
from props.seeded.seeding import planted
from props.units import LANES, WORLDS, Done, Task, run_unit

MOST_FAILURES = 5
"""Distinct failures after which a run ends, unless told otherwise: there is enough to look at."""

_seed_planted = ExitStack()
"""Keeps a seed in place for as long as a worker lives."""


@dataclass(slots=True)
class Options:
    """What a user asks for. ``spaces`` are the address spaces to exercise; ``lanes`` the parts to run."""

    seconds: float = 60
    jobs: int = 1
    seed: int = 0
    port: str = "impl"
    out: str = "mapleproof-out"
    seeded: str | None = None
    spaces: tuple[Space, ...] = ()
    lanes: tuple[str, ...] = tuple(LANES)
    recoveries: tuple[str, ...] = NAMES
    vmas: tuple[tuple[RealVma, ...], ...] = ()
    most_failures: int = MOST_FAILURES
    careful: bool = False


@dataclass(slots=True)
class LaneResult:
    """What came of a lane."""

    units: int = 0
    operations: int = 0
    failures: list[Done] = field(default_factory=list)


@dataclass(slots=True)
class Result:
    """What came of a run: by lane, the events met, how long it took, and the verdicts on recoveries."""

    lanes: dict[str, LaneResult]
    events: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    swept: dict[str, Swept] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    def broken(self, names: Iterable[str]) -> list[Verdict]:
        """The promises that these recoveries broke."""
        return [verdict for verdict in self.verdicts if not verdict.holds and verdict.recovery in names]

    @property
    def failures(self) -> list[Done]:
        """All failures, each sort once, the smallest case of it."""
        best: dict[str, Done] = {}
        for lane in self.lanes.values():
            for done in lane.failures:
                sort = done.failure or ""
                if sort not in best or done.steps < best[sort].steps:
                    best[sort] = done
        return list(best.values())

    def missing_events(self) -> list[str]:
        """Interesting events that never happened, in the trees that the run was on."""
        return expected_events.missing(self.events, expected_events.wanted(self.events))


def tasks(options: Options) -> Iterator[Task]:
    """The units of a run in their order: first what is finite, the endless lanes by turns."""

    def task(lane: str, number: int, space: Space | None = None) -> Task:
        careful = options.careful
        return Task(
            lane, number, options.seed, options.port, options.out, options.seeded, space, careful=careful
        )

    finite = []
    if "tiny" in options.lanes and options.port == "impl":
        finite += [task("tiny", number) for number in range(len(WORLDS))]
    if "spaces" in options.lanes and options.port != LIVE:
        finite += [task("spaces", number, space) for number, space in enumerate(options.spaces)]
    forks = _fork_tasks(options)
    endless = ["bulk", "fork", "machine", "fork", "bulk", "fork", "readers", "fork", "live"]
    # The 6.12 kernel goes wrong under readers in more ways than could be kept away from
    live = options.port == LIVE
    left_out = dict.fromkeys(("bulk", "machine", "readers"), live)
    left_out |= {"fork": options.port != "impl", "live": not live}
    left_out["readers"] |= options.careful
    endless = [lane for lane in endless if lane in options.lanes and not left_out.get(lane)]
    if not endless:
        yield from finite
        return
    numbers = {lane: itertools.count() for lane in LANES}
    for turn in itertools.count():
        for lane in endless:
            yield next(forks) if lane == "fork" else task(lane, next(numbers[lane]))
        if turn < len(finite):
            yield finite[turn]


def _fork_tasks(options: Options) -> Iterator[Task]:
    """The units of the fork lane, each for all recoveries in turn: corners, real spaces, histories."""
    for number in itertools.count():
        vmas = options.vmas[number - 1] if 0 < number <= len(options.vmas) else None
        for name in options.recoveries:
            yield Task("fork", number, options.seed, out=options.out, recovery=name, vmas=vmas)


def begin_worker(seeded: str | None) -> None:
    """What a worker process does first: plant the seed that the run is to find."""
    if seeded is not None:
        _seed_planted.enter_context(planted(known_seed(seeded)))


def run(options: Options, tell: Callable[[Done, Result], None]) -> Result:
    """Run units until ``options.seconds`` have passed; ``tell`` hears of each that is done.

    Units that have begun are finished. A run with ``options.most_failures`` sorts of failure ends early.
    """
    result = Result({lane: LaneResult() for lane in options.lanes})
    began = time.monotonic()
    todo = tasks(options)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(options.jobs, context, begin_worker, (options.seeded,)) as pool:
        running: set[Future[Done]] = set()
        for task in todo:
            running.add(pool.submit(run_unit, task))
            if len(running) < 2 * options.jobs:
                continue
            running = _collect(running, result, tell)
            if time.monotonic() - began > options.seconds or len(result.failures) >= options.most_failures:
                break
        while running:
            running = _collect(running, result, tell)
        concluded = [pool.submit(conclude, name, swept, options.out) for name, swept in result.swept.items()]
        for verdicts in concluded:
            result.verdicts += verdicts.result()
    result.seconds = time.monotonic() - began
    return result


def _collect(
    running: set[Future[Done]], result: Result, tell: Callable[[Done, Result], None]
) -> set[Future[Done]]:
    finished, left = wait(running, return_when=FIRST_COMPLETED)
    for future in finished:
        done = future.result()
        lane = result.lanes[done.lane]
        lane.units += 1
        lane.operations += done.operations
        result.events += done.events
        if done.recovery is not None and done.swept is not None:
            result.swept.setdefault(done.recovery, Swept()).add(done.swept)
        if done.failure is not None:
            lane.failures.append(done)
        tell(done, result)
    return left
