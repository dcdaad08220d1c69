"""The units of the main job: small runs, each decided by its lane, the seed and its number.

Whatever order or process they run in, the same unit does the same. `find` runs one and tells a failure as it
was met; `run_unit` also makes it small and writes it as a case. `smallest` can do that anywhere.
"""

from __future__ import annotations

import contextlib
import random
import re
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hypothesis import Phase, Verbosity, seed, settings

from mapleproof.impl.compiled import is_compiled
from mapleproof.props.common import guard
from mapleproof.props.common.canary import silent
from mapleproof.props.common.difference import Difference, place_of
from mapleproof.props.common.files import Case, case_bytes
from mapleproof.props.common.found import Lost, found_case, keep, named, replay_command
from mapleproof.props.common.subject import Subject
from mapleproof.props.job.choose_port import choose_port, is_kernel
from mapleproof.props.job.examples import Examples
from mapleproof.props.maple import canaries as maple_canaries
from mapleproof.props.maple.interleavings import our_unit, threads
from mapleproof.props.maple.interleavings import unit as interleavings
from mapleproof.props.maple.interleavings.scenario import Scenario
from mapleproof.props.maple.lanes import bulk, rcu_run, tiny
from mapleproof.props.maple.lanes.machines import run_machine
from mapleproof.props.maple.lanes.maple_machine import MapleMachine
from mapleproof.props.maple.lanes.maps import Space, exercise
from mapleproof.props.maple.lanes.rcu_machine import RcuMachine
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.mixes import TALL, draw_mix
from mapleproof.props.maple.subject import MAPLE_TREE
from mapleproof.props.mm import booted_run, histories, live_run
from mapleproof.props.mm import canaries as mm_canaries
from mapleproof.props.mm import live_failing as failing
from mapleproof.props.mm.live_failing import Failing
from mapleproof.props.mm.maps import RealVma
from mapleproof.props.mm.subject import ADDRESS_SPACE
from mapleproof.props.mm.sweep import BadScenario, Swept
from mapleproof.props.mm.units import fork_unit

OPERATIONS, LOOPED = 8000, 40
"""Operations of one run of the bulk lane, and runs in one unit where the loop is compiled."""

EXAMPLES = 15
"""Runs of a state machine in one unit, and the steps in each."""
STEPS = 30

UNIT_PATIENCE = 60.0
"""Seconds of processor time that a unit may take, and as many to make small what it finds. Its steps are
limited more closely; the longest units take three."""

LIVE_HISTORIES = 40
"""Histories on the running kernel in one unit."""

HISTORIES = 60
"""Histories of our own address spaces in one unit."""


WORLDS = ((3, False), (3, True), (4, False), (4, True), (5, False), (5, True))
"""The tiny worlds: indices, RCU mode."""

IN_IMPL = re.compile(r"(/|^<seeded )impl[/.]")
"""What the file's name of code under test has in it, as it ships or with a mistake planted."""

TRACEBACK = 12
"""Lines that are shown of a mistake of the suite."""


@dataclass(frozen=True, slots=True)
class Task:
    """One unit to run, as it goes to a worker."""

    lane: str
    number: int
    seed: int
    port: str = "impl"
    out: str = "mapleproof-out"
    seeded: str | None = None
    space: Space | None = None
    recovery: str | None = None
    vmas: tuple[RealVma, ...] | None = None
    careful: bool = False
    examples: Examples | None = None
    """What takes up, for the lanes of Hypothesis, the examples that fail; none are kept where it is None."""

    @property
    def name(self) -> str:
        """A name for what the unit finds."""
        name = f"{self.lane}-{self.seed}-{self.number}"
        return f"{self.seeded}-{name}" if self.seeded else name

    @property
    def found(self) -> dict[str, object]:
        """What it takes to find it again, as a case's header holds it."""
        found: dict[str, object] = {"lane": self.lane, "seed": self.seed, "unit": self.number}
        found["port"] = self.port
        if self.seeded:
            found["seeded"] = self.seeded
        return found


@dataclass(slots=True)
class Done:
    """What came of a unit.

    ``failure`` is the sort of failure, for telling several apart; ``told`` what to show of it; ``case``
    where its smallest case is; ``steps`` how many steps that has. ``met`` is the difference as it was met,
    not yet reduced. ``swept`` is what a unit of the fork lane has seen of its ``recovery``. ``suite`` is the
    traceback where not what is tested but the suite itself went wrong.
    """

    lane: str
    number: int
    operations: int = 0
    events: Counter[str] = field(default_factory=Counter)
    failure: str | None = None
    told: list[str] = field(default_factory=list)
    case: str | None = None
    steps: int = 0
    recovery: str | None = None
    swept: Swept | None = None
    met: Difference | None = None
    suite: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """A failure as it was met, before it is reduced: its sort, what to show, and its case, of so many steps,
    as the bytes of a file and the name for it."""

    sort: str
    told: list[str]
    steps: int
    name: str
    content: bytes


def run_unit(task: Task, tell: Callable[[Met], None] = lambda met: None) -> Done:
    """Run one unit; what it finds is told as it was met, then reduced and written as a case."""
    done = find(task)
    if (met := done.met) is not None:
        _guarded(done, lambda: _tell(tell, met, task))
        _guarded(done, lambda: _report(done, task, smallest(met, task)))
    done.met = None
    return done


def find(task: Task) -> Done:
    """Run one unit; a difference is left as it was met."""
    done = Done(task.lane, task.number, recovery=task.recovery)
    _guarded(done, lambda: LANES[task.lane].run(task, done))
    if done.met is not None:
        done.failure, done.steps = done.met.sort, len(done.met.steps)
    return done


def _guarded(done: Done, work: Callable[[], None]) -> None:
    """An exception ends nothing else. Where it comes out of what is tested, that is a failure of it; all else
    is a mistake of the suite itself. What is tested may not run for ever, nor fill the memory: a step that
    does is a failure of its own."""
    try:
        with guard.limited_steps(), guard.budget(UNIT_PATIENCE):
            work()
    except guard.OutOfTime as error:
        done.told = [f"unit {done.number} of {done.lane}: {error}"]
        done.failure = f"the lane {done.lane} comes to no end"
    except BadScenario as error:
        done.failure, done.told = "an alarm before the fork", [str(error)]
    except Exception as error:
        whole = traceback.format_exc()
        done.told = whole.splitlines()[-TRACEBACK:]
        if at := _place_in_impl(error):
            done.failure = f"{type(error).__name__} in {at}"
        else:
            done.failure, done.suite = f"{type(error).__name__} in the suite itself", whole


def _place_in_impl(error: Exception) -> str:
    """Where in what is tested an exception was raised; empty where it was elsewhere."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.name if IN_IMPL.search(last.filename) else ""


def _tell(tell: Callable[[Met], None], met: Difference, task: Task) -> None:
    case = named(case_of(met, task), met.sort)
    name = case.header.name
    tell(Met(met.sort, explain(met, task, name), len(case.steps), name, case_bytes(case, "")))


def smallest(met: Difference, task: Task) -> Difference:
    """The smallest run found that fails in the way that a unit of this lane, port and care has met."""
    return LANES[task.lane].smallest(met, task)


def case_of(difference: Difference, task: Task) -> Case:
    """A difference that a unit has met, as a case."""
    return found_case(difference, task.name, difference.flags, task.found, LANES[task.lane].subject)


def explain(difference: Difference, task: Task, title: str) -> list[str]:
    """A difference that a unit has met, in a few lines."""
    return LANES[task.lane].subject.explain(difference, title)


def _report(done: Done, task: Task, small: Difference) -> None:
    done.failure = small.sort
    done.steps = len(small.steps)
    case = named(case_of(small, task), small.sort)
    done.told = explain(small, task, case.header.name)
    if small.unfinished:
        done.told.append(small.unfinished)
    try:
        path = keep(case_bytes(case, ""), case.header.name, Path(task.out))
    except Lost as lost:
        done.told.append(str(lost))
        return
    done.case = str(path)
    done.told.append(
        "replay it with: " + replay_command(path, task.port, task.seeded, LANES[task.lane].replayed)
    )


def _bulk(task: Task, done: Done) -> None:
    rng = random.Random(f"{task.seed}/{task.number}")
    number = rng.getrandbits(48)
    while task.number == 0 and not is_tall(number, task.careful):
        number = rng.getrandbits(48)  # the first run has a tree of five levels
    make_port = choose_port(task.port, MAPLE_TREE)
    for _ in range(LOOPED if is_compiled() and bulk.loops(make_port(False, False)) else 1):
        run = bulk.run(number, OPERATIONS, make_port, shrink=False, careful=task.careful)
        done.operations += run.operations
        done.events += run.events
        if run.finding is not None:
            done.met = run.finding.difference
            return
        number = rng.getrandbits(48)


def is_tall(number: int, careful: bool = False) -> bool:
    """Whether the bulk run of that seed begins with a tree of five levels."""
    mix = draw_mix(random.Random(number), careful)
    return mix.alloc_range and mix.prefill == TALL


def _machine(task: Task, done: Done, base: type[MapleMachine] | type[RcuMachine]) -> None:
    class Machine(base):  # type: ignore[misc, valid-type]
        """Counts and port of this unit alone."""

        events: ClassVar[Counter[str]] = Counter()
        operations = 0
        make_port = staticmethod(choose_port(task.port, MAPLE_TREE))
        careful = task.careful

    # By its name it has a key of its own in Hypothesis' database
    Machine.__name__ = Machine.__qualname__ = f"{base.__name__} on {task.port}"
    limits = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None if task.examples is None else task.examples,
        phases=(Phase.generate,) if task.examples is None else task.examples.phases,
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
    )
    seed(f"{task.seed}/{task.number}")(Machine)
    done.met = run_machine(Machine, limits)
    done.operations, done.events = Machine.operations, Machine.events


def _interleavings(task: Task, done: Done) -> None:
    seed = f"{task.seed}/{task.number}"
    if not is_kernel(task.port):
        done.operations, done.events, done.met = our_unit.run(seed)
        return
    done.operations, done.events, done.met = interleavings.run(
        choose_port(task.port, MAPLE_TREE), seed, task.careful
    )


def _threads(task: Task, done: Done) -> None:
    """What is about to run is on disk before it runs: it may take this process with it."""
    name, kept = f"{task.name}-under-way", set()

    def keep_it(scenario: Scenario) -> None:
        case = case_of(threads.under_way(scenario), task)
        with contextlib.suppress(Lost):
            kept.add(keep(case_bytes(case, ""), name, Path(task.out)))

    ran = threads.run(choose_port(task.port, MAPLE_TREE), f"{task.seed}/{task.number}", task.careful, keep_it)
    done.operations, done.events, done.met = ran.runs, ran.events, ran.met
    for path in kept:
        path.unlink(missing_ok=True)


def _tiny(task: Task, done: Done) -> None:
    indices, rcu = WORLDS[task.number]
    explored = tiny.explore(indices, rcu=rcu)
    done.operations, done.events = explored.steps, explored.events
    if explored.failure:
        done.failure = f"in a tree of {indices} indices: {place_of(explored.failure.partition(': ')[2])}"
        done.told = [
            f"a tree over {indices} indices, nodes of 5 and 4 slots:",
            *explored.failure.splitlines(),
        ]


def _space(task: Task, done: Done) -> None:
    assert task.space is not None
    lockstep = Lockstep(
        choose_port(task.port, MAPLE_TREE)(alloc_range=True, rcu=False), alloc_range=True, rhythm=10**6
    )
    try:
        for op in exercise(task.space):
            done.operations += 1
            lockstep.apply(op)
        lockstep.finish()
    except Difference as difference:
        done.met = difference
    done.events = lockstep.port.events()
    lockstep.port.close()


def _live(task: Task, done: Done) -> None:
    """Histories on the running kernel; the first unit also makes forks fail, where that is permitted."""
    if task.number == 0:
        _failing_forks(done, failing.failing_forks() if not failing.why_not() else None)
    for number in range(task.number * LIVE_HISTORIES, (task.number + 1) * LIVE_HISTORIES):
        ran = live_run.history(f"{task.seed}/{number}", shrink=False)
        done.operations += ran.kinds.total()
        done.events += Counter({f"live.{kind}": count for kind, count in ran.kinds.items()})
        if ran.difference is not None:
            done.met = ran.difference
            break


def _failing_forks(done: Done, came: Failing | None) -> None:
    """Count forks of the running kernel that failed half-way, and tell what they left."""
    if came is None:
        return
    done.events["live.failed fork"] += came.failed
    if came.wrong:
        done.failure = "a fork of the running kernel that failed left something"
        done.told = [f"made to fail by {came.how}:", *came.wrong]


def _histories(task: Task, done: Done) -> None:
    for number in range(task.number * HISTORIES, (task.number + 1) * HISTORIES):
        came = histories.history(f"{task.seed}/{number}")
        done.operations += came.done.total()
        done.events += Counter({f"space.{kind}": count for kind, count in came.done.items()})
        if came.met is not None:
            done.met = came.met
            break


def _fork(task: Task, done: Done) -> None:
    assert task.recovery is not None
    vmas = None if task.vmas is None else list(task.vmas)
    try:
        swept = fork_unit(task.recovery, task.number, task.seed, vmas)
    except BadScenario as bad:
        # It went wrong before the fork: what a history would have met
        done.met = histories.carry_out(bad.program, bad.geometry)
        if done.met is None:
            raise
        return
    done.swept = swept
    done.operations = done.swept.forks
    done.events = Counter({f"fork.refused.{kind}": n for kind, n in done.swept.refused.items()})


def _canaries(task: Task, done: Done) -> None:
    """Damage trees and spaces, and hear whether each alarm rings."""
    canaries = (*maple_canaries.CANARIES, *mm_canaries.CANARIES)
    done.operations = len(canaries)
    done.told = list(silent(canaries))
    if done.told:
        done.failure = "an alarm does not ring as it must"


def _booted(task: Task, done: Done) -> None:
    """A sweep of a booted kernel's forks, then histories on it."""
    done.swept = booted_run.unit(task.port, task.seed, task.number, Path(task.out))
    done.operations = done.swept.forks
    for ran in booted_run.histories(task.port, task.seed, task.number):
        done.operations += ran.kinds.total()
        done.events += Counter({f"booted.{kind}": count for kind, count in ran.kinds.items()})
        if ran.difference is not None:
            done.met = ran.difference
            break


def _smallest_run(met: Difference, task: Task) -> Difference:
    return bulk.reduced(met, choose_port(task.port, MAPLE_TREE), task.careful)


def _smallest_with_readers(met: Difference, task: Task) -> Difference:
    return rcu_run.smallest(met, choose_port(task.port, MAPLE_TREE), met.flags["alloc_range"])


def _smallest_interleaving(met: Difference, task: Task) -> Difference:
    if not is_kernel(task.port):
        return met  # the sources made it small, wherever they ran
    return interleavings.smallest(met, choose_port(task.port, MAPLE_TREE), task.careful)


def _smallest_with_threads(met: Difference, task: Task) -> Difference:
    return threads.smallest(met, choose_port(task.port, MAPLE_TREE), task.careful)


def _smallest_history(met: Difference, task: Task) -> Difference:
    return histories.smallest(met)


def _smallest_live(met: Difference, task: Task) -> Difference:
    return live_run.smallest([step.op for step in met.steps], met)


def _smallest_booted(met: Difference, task: Task) -> Difference:
    return live_run.smallest([step.op for step in met.steps], met, booted_run.begins(task.port))


@dataclass(frozen=True, slots=True)
class Lane:
    """One part of the job: how a unit of it runs, what it is about, and how what it meets is made small."""

    run: Callable[[Task, Done], None]
    subject: Subject = MAPLE_TREE
    smallest: Callable[[Difference, Task], Difference] = _smallest_run
    replayed: tuple[str, ...] = ()
    """Options for the replay of its cases."""


LANES: dict[str, Lane] = {
    "canaries": Lane(_canaries),
    "bulk": Lane(_bulk),
    "machine": Lane(lambda task, done: _machine(task, done, MapleMachine)),
    "readers": Lane(lambda task, done: _machine(task, done, RcuMachine), smallest=_smallest_with_readers),
    "interleavings": Lane(_interleavings, smallest=_smallest_interleaving),
    "threads": Lane(_threads, smallest=_smallest_with_threads, replayed=("--threads",)),
    "tiny": Lane(_tiny),
    "spaces": Lane(_space),
    "histories": Lane(_histories, ADDRESS_SPACE, _smallest_history),
    "fork": Lane(_fork, ADDRESS_SPACE, _smallest_history),
    "live": Lane(_live, ADDRESS_SPACE, _smallest_live),
    "booted": Lane(_booted, ADDRESS_SPACE, _smallest_booted),
}
"""The parts of the job: damage that alarms must tell of, random runs in bulk, Hypothesis' state machines for
trees and for readers, every interleaving of a reader and a writer, the same with threads, tiny worlds visited
whole, real address spaces, histories of address spaces, forks that fail at every point under every recovery,
histories on the running kernel, and forks of a booted kernel that fail at every point."""
