"""The units of the main job: small runs, each decided by its lane, the seed and its number.

Whatever order or process they run in, the same unit does the same. `find` runs one and tells a failure as it
was met; `run_unit` also makes it small and writes it as a case. `smallest` can do that anywhere.
"""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hypothesis import Phase, Verbosity, seed, settings

from props.cases.files import Case
from props.cases.found import found_case, replay_command, write_found
from props.cases.report import explain
from props.choose_port import choose_port
from props.difference import Difference
from props.fork.maps import RealVma
from props.fork.report import explain_space
from props.fork.sweep import Swept
from props.fork.units import fork_unit
from props.lanes import bulk, rcu_run, tiny
from props.lanes.examples import Examples
from props.lanes.machines import run_machine
from props.lanes.maple_machine import MapleMachine
from props.lanes.maps import Space, exercise
from props.lanes.mixes import TALL, draw_mix
from props.lanes.rcu_machine import RcuMachine
from props.live import failing
from props.live import run as live_run
from props.live.failing import Failing
from props.lockstep import Lockstep
from props.ops.subjects import ADDRESS_SPACE, MAPLE_TREE

OPERATIONS = 8000
"""Operations of one unit of the bulk lane."""

EXAMPLES = 15
"""Runs of a state machine in one unit, and the steps in each."""
STEPS = 30

HISTORIES = 40
"""Histories on the running kernel in one unit."""

WORLDS = ((3, False), (3, True), (4, False), (4, True), (5, False), (5, True))
"""The tiny worlds: indices, RCU mode."""

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
    not yet small. ``swept`` is what a unit of the fork lane has seen of its ``recovery``.
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


def run_unit(task: Task) -> Done:
    """Run one unit; what it finds is made small and written as a case."""
    done = find(task)
    if (met := done.met) is not None:
        _guarded(done, lambda: _report(done, task, smallest(met, task)))
    done.met = None
    return done


def find(task: Task) -> Done:
    """Run one unit; a difference is left as it was met."""
    done = Done(task.lane, task.number)
    _guarded(done, lambda: LANES[task.lane](task, done))
    if done.met is not None:
        done.failure, done.steps = done.met.sort, len(done.met.steps)
    return done


def _guarded(done: Done, work: Callable[[], None]) -> None:
    """A mistake of the suite itself is told as a failure too, and ends nothing else."""
    try:
        work()
    except Exception as error:
        done.told = traceback.format_exc().splitlines()[-TRACEBACK:]
        done.failure = f"{type(error).__name__} in the suite itself"


def smallest(met: Difference, task: Task) -> Difference:
    """The smallest run found that fails in the way that a unit of this lane, port and care has met."""
    ops = [step.op for step in met.steps]
    if task.lane == "live":
        return live_run.smallest(ops, met)
    make_port, alloc_range = choose_port(task.port), met.flags["alloc_range"]
    if task.lane == "readers":
        return rcu_run.smallest(met, make_port, alloc_range)
    return bulk.smallest(ops, met, make_port, alloc_range, met.flags["rcu"], task.careful)


def case_of(difference: Difference, task: Task) -> Case:
    """A difference that a unit has met, as a case."""
    subject = ADDRESS_SPACE if task.lane == "live" else MAPLE_TREE
    flags = live_run.FLAGS if task.lane == "live" else difference.flags
    return found_case(difference, task.name, flags, task.found, subject)


def explain_any(difference: Difference, task: Task, title: str) -> list[str]:
    """A difference that a unit has met, in a few lines."""
    return list((explain_space if task.lane == "live" else explain)(difference, title))


def _report(done: Done, task: Task, small: Difference) -> None:
    done.failure = small.sort
    done.steps = len(small.steps)
    path = write_found(case_of(small, task), Path(task.out))
    done.case = str(path)
    done.told = [*explain_any(small, task, path.name), "replay it with: " + replay_command(path, task.port)]
    if task.seeded:
        done.told[-1] += f" --seeded {task.seeded}"


def _bulk(task: Task, done: Done) -> None:
    rng = random.Random(f"{task.seed}/{task.number}")
    number = rng.getrandbits(48)
    while task.number == 0 and not is_tall(number, task.careful):
        number = rng.getrandbits(48)  # the first run has a tree of five levels
    run = bulk.run(number, OPERATIONS, choose_port(task.port), shrink=False, careful=task.careful)
    done.operations, done.events = run.operations, run.events
    if run.finding is not None:
        done.met = run.finding.difference


def is_tall(number: int, careful: bool = False) -> bool:
    """Whether the bulk run of that seed begins with a tree of five levels."""
    mix = draw_mix(random.Random(number), careful)
    return mix.alloc_range and mix.prefill == TALL


def _machine(task: Task, done: Done, base: type[MapleMachine] | type[RcuMachine]) -> None:
    class Machine(base):  # type: ignore[misc, valid-type]
        """Counts and port of this unit alone."""

        events: ClassVar[Counter[str]] = Counter()
        operations = 0
        make_port = staticmethod(choose_port(task.port))
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


def _tiny(task: Task, done: Done) -> None:
    indices, rcu = WORLDS[task.number]
    explored = tiny.explore(indices, rcu=rcu)
    done.operations, done.events = explored.steps, explored.events
    if explored.failure:
        done.failure = "tiny world"
        done.told = [
            f"a tree over {indices} indices, nodes of 5 and 4 slots:",
            *explored.failure.splitlines(),
        ]


def _space(task: Task, done: Done) -> None:
    assert task.space is not None
    lockstep = Lockstep(choose_port(task.port)(alloc_range=True, rcu=False), alloc_range=True, rhythm=10**6)
    try:
        for op in exercise(task.space):
            done.operations += 1
            lockstep.apply(op)
        lockstep.finish()
    except Difference as difference:
        done.met = difference
    done.events = bulk.events_of(lockstep.port)
    lockstep.port.close()


def _live(task: Task, done: Done) -> None:
    """Histories on the running kernel; the first unit also makes forks fail, where that is permitted."""
    if task.number == 0:
        _failing_forks(done, failing.failing_forks() if not failing.why_not() else None)
    for number in range(task.number * HISTORIES, (task.number + 1) * HISTORIES):
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


def _fork(task: Task, done: Done) -> None:
    assert task.recovery is not None
    vmas = None if task.vmas is None else list(task.vmas)
    done.recovery = task.recovery
    done.swept = fork_unit(task.recovery, task.number, task.seed, vmas)
    done.operations = done.swept.forks
    done.events = Counter({f"fork.refused.{kind}": n for kind, n in done.swept.refused.items()})


LANES: dict[str, Callable[[Task, Done], None]] = {
    "bulk": _bulk,
    "machine": lambda task, done: _machine(task, done, MapleMachine),
    "readers": lambda task, done: _machine(task, done, RcuMachine),
    "tiny": _tiny,
    "spaces": _space,
    "fork": _fork,
    "live": _live,
}
"""The parts of the job: random runs in bulk, Hypothesis' state machines for trees and for readers, tiny
worlds visited whole, real address spaces, forks that fail at every point under every recovery, and histories
on the running kernel."""
