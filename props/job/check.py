"""The main job: units of all parts over several processes, round by round, until the time is up."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mapleproof.props.common.found import Lost, keep, replay_command
from mapleproof.props.common.planting import Seed, planted
from mapleproof.props.job.options import BOOTED, FORK, MOST_FAILURES, Options, Part, asked
from mapleproof.props.job.schedule import rounds
from mapleproof.props.job.units import Done, Met, Task, run_unit
from mapleproof.props.job.workers import Event, Tell, Workers
from mapleproof.props.maple import events as expected_events
from mapleproof.props.mm import booted_run
from mapleproof.props.mm.booted_port import is_booted
from mapleproof.props.mm.sweep import Swept
from mapleproof.props.mm.units import conclude
from mapleproof.props.mm.verdicts import Verdict

__all__ = ["MOST_FAILURES", "LaneResult", "Options", "Result", "View", "run"]

_seed_planted = ExitStack()
"""Keeps a seed in place for as long as a worker lives."""


SIGKILL = "SIGKILL"


@dataclass(slots=True)
class LaneResult:
    """What came of a lane."""

    units: int = 0
    operations: int = 0
    failures: list[Done] = field(default_factory=list)


@dataclass(slots=True)
class Result:
    """What came of a run.

    ``parts`` were asked for; of those in ``begun`` a whole first round was done. ``lanes`` has figures by
    lane, ``swept`` and ``verdicts`` what was seen of recoveries, ``events`` what happened in the trees.
    ``ended`` says what ended the run before its time; empty where nothing did.
    """

    parts: list[Part] = field(default_factory=list)
    lanes: dict[str, LaneResult] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    events: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    swept: dict[str, Swept] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    ended: str = ""
    interrupted: bool = False

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


class View(Protocol):
    """Who is told of a run while it goes on."""

    def met(self, task: Task, met: Met) -> None:
        """A failure was met; it is not reduced yet."""

    def broke(self, recovery: str, promise: str, what: str) -> None:
        """A recovery broke a promise, for the first time in this run."""

    def tell(self, done: Done, result: Result) -> None:
        """One more unit is done."""


def begin_worker(seed: Seed | None) -> None:
    """What a worker process does first: plant the seed that the run is to find."""
    if seed is not None:
        _seed_planted.enter_context(planted(seed))


def work(task: Task | _Conclusion, tell: Tell) -> Any:
    """What a worker does with a task."""
    if isinstance(task, Task):
        return run_unit(task, tell)
    return _conclude(task)


def _conclude(task: _Conclusion, reduced: bool = True) -> list[Verdict]:
    """The verdicts on a recovery, or on the kernel behind a port, which is asked itself what is smallest."""
    if is_booted(task.recovery):
        return booted_run.conclude(task.recovery, task.swept, Path(task.out))
    return conclude(task.recovery, task.swept, task.out, reduced)


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """The verdicts on a recovery, to be made in a worker."""

    recovery: str
    swept: Swept
    out: str


def run(options: Options, view: View) -> Result:
    """Run units until ``options.seconds`` have passed, and the first round at any rate.

    Units that have begun are finished. A run with ``options.most_failures`` sorts of failure ends early, and
    so does one that is interrupted: then what was met by then is kept as it was met.
    """
    result = Result(asked(options))
    result.lanes = {part.lane: LaneResult() for part in result.parts}
    began = time.monotonic()
    begin = partial(begin_worker, options.planted)
    job = _Job(options, view, result, began)
    try:
        with Workers(options.jobs, work, begin) as job.workers:
            job.rounds()
            job.conclude()
    except KeyboardInterrupt:
        result.ended, result.interrupted = "interrupted", True
        job.keep_what_was_met()
    result.seconds = time.monotonic() - began
    return result


@dataclass(slots=True)
class _Job:
    """A run under way. ``met`` are failures that are being reduced, ``left`` the tasks of the first round
    that are not done, by part."""

    options: Options
    view: View
    result: Result
    began: float
    workers: Workers = field(init=False)
    met: dict[str, tuple[Task, Met]] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    broken: set[tuple[str, str]] = field(default_factory=set)

    def rounds(self) -> None:
        for number, tasks in enumerate(rounds(self.options, self.result.parts)):
            if number == 0:
                self.left = Counter(_part_name(task) for task in tasks)
            for task in tasks:
                while not self.workers.idle:
                    self._collect()
                if self._is_over(number):
                    break
                self.workers.submit(task)
            else:
                continue
            break
        self._drain()

    def conclude(self) -> None:
        """The verdicts on the recoveries that were judged."""
        result = self.result
        for recovery, swept in result.swept.items():
            while not self.workers.idle:
                self._collect()
            self.workers.submit(_Conclusion(recovery, swept, self.options.out))
        self._drain()
        order = [part.recovery for part in result.parts]
        result.verdicts.sort(key=lambda verdict: order.index(verdict.recovery))

    def keep_what_was_met(self) -> None:
        """Write what there was no time to reduce."""
        result = self.result
        for task, met in self.met.values():
            result.lanes[task.lane].failures.append(_lost(task, met, "the run was interrupted"))
        judged = {verdict.recovery for verdict in result.verdicts}
        for recovery, swept in result.swept.items():
            if recovery not in judged:
                result.verdicts += _conclude(_Conclusion(recovery, swept, self.options.out), reduced=False)

    def _is_over(self, number: int) -> bool:
        if len(self.result.failures) >= self.options.most_failures:
            self.result.ended = f"ended after {self.options.most_failures} sorts of failure"
            return True
        return number > 0 and time.monotonic() - self.began > self.options.seconds

    def _drain(self) -> None:
        while self.workers.busy:
            self._collect()

    def _collect(self) -> None:
        for event in self.workers.wait():
            if event.told is not None:
                self.met[_unit_name(event.task)] = (event.task, event.told)
                self.view.met(event.task, event.told)
            elif isinstance(event.task, Task):
                event.must_not_fail()
                self._take(event)
            elif event.result is not None:
                self.result.verdicts += event.result
            else:
                self._keep_unreduced(event.task, event.failed)

    def _keep_unreduced(self, task: _Conclusion, failed: str) -> None:
        """What a recovery has broken could not be reduced: keep it as it was met."""
        if failed:
            done = Done(FORK, 0, failure="reducing went wrong in the suite itself", suite=failed)
            done.recovery, done.told = task.recovery, failed.splitlines()[-1:]
            self.result.lanes[BOOTED if is_booted(task.recovery) else FORK].failures.append(done)
        self.result.verdicts += _conclude(task, reduced=False)

    def _take(self, event: Event) -> None:
        task: Task = event.task
        name = _part_name(task)
        _, met = self.met.pop(_unit_name(task), (task, None))
        done: Done = event.result or _lost(task, met, event.lost)
        result, lane = self.result, self.result.lanes[task.lane]
        lane.units += 1
        lane.operations += done.operations
        result.events += done.events
        self.left[name] -= 1
        if self.left[name] == 0:
            result.begun.add(name)
        if task.recovery is not None and done.swept is not None:
            result.swept.setdefault(task.recovery, Swept()).add(done.swept)
            for promise, broken in done.swept.broken.items():
                if (task.recovery, promise) not in self.broken:
                    self.broken.add((task.recovery, promise))
                    self.view.broke(task.recovery, promise, broken.what)
        if done.failure is not None:
            lane.failures.append(done)
        self.view.tell(done, result)


def _part_name(task: Task) -> str:
    return Part(task.lane, task.recovery).name


def _unit_name(task: Task) -> str:
    return f"{_part_name(task)}: unit {task.number}"


def _lost(task: Task, met: Met | None, how: str) -> Done:
    """What is known of a unit whose worker ended."""
    done = Done(task.lane, task.number, recovery=task.recovery)
    if met is None:
        done.failure = f"{_unit_name(task)}: {how}"
        done.told = [f"{done.failure}; the same seed, {task.seed}, does the same again"]
        if SIGKILL in how:
            done.suite = how  # the machine was short of memory, or somebody ended it
        return done
    done.failure, done.told, done.steps = met.sort, [*met.told, f"not reduced: {how}"], met.steps
    try:
        path = keep(met.content, met.name, Path(task.out))
    except Lost as lost:
        done.told.append(str(lost))
        return done
    done.case = str(path)
    done.told.append("replay it with: " + replay_command(path, task.port, task.seeded))
    return done
