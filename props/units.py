"""The units of the main job: small runs, each decided by its lane, the seed and its number.

Whatever order or process they run in, the same unit does the same. What a unit finds is made small and
written as a case before it returns.
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

from impl.maple import Geometry
from props.cases.found import replay_command, write_found
from props.cases.report import explain
from props.choose_port import choose_port
from props.difference import Difference
from props.fork.maps import RealVma
from props.fork.report import explain_space
from props.fork.sweep import Swept
from props.fork.units import fork_unit
from props.lanes import bulk, tiny
from props.lanes.machines import run_machine
from props.lanes.machines import smallest as smallest_of_machine
from props.lanes.maple_machine import MapleMachine
from props.lanes.maps import Space, exercise
from props.lanes.mixes import TALL, draw_mix
from props.lanes.rcu_machine import RcuMachine
from props.live import failing
from props.live.failing import Failing
from props.live.run import history, write_live_case
from props.lockstep import Lockstep

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

WORLD_SHAPE = Geometry(leaf_slots=5, node_slots=4, leaf_min=2, node_min=2)


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


@dataclass(slots=True)
class Done:
    """What came of a unit.

    ``failure`` is the sort of failure, for telling several apart; ``told`` what to show of it; ``case``
    where its smallest case is; ``steps`` how many steps that has. ``swept`` is what a unit of the fork lane
    has seen of its ``recovery``.
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


def run_unit(task: Task) -> Done:
    """Run one unit. A mistake of the suite itself is told as a failure too, and ends nothing else."""
    try:
        return LANES[task.lane](task)
    except Exception as error:
        told = traceback.format_exc().splitlines()[-TRACEBACK:]
        return Done(task.lane, task.number, failure=f"{type(error).__name__} in the suite itself", told=told)


def _report(done: Done, task: Task, small: Difference, flags: dict[str, bool]) -> None:
    done.failure = small.sort
    done.steps = len(small.steps)
    name = f"{task.lane}-{task.seed}-{task.number}"
    found = {"lane": task.lane, "seed": task.seed, "unit": task.number, "port": task.port}
    if task.seeded:
        found["seeded"] = task.seeded
        name = f"{task.seeded}-{name}"
    path = write_found(small, name, flags, found=found, out=Path(task.out))
    done.case = str(path)
    done.told = [*explain(small, path.name), "replay it with: " + replay_command(path, task.port)]
    if task.seeded:
        done.told[-1] += f" --seeded {task.seeded}"


def _bulk(task: Task) -> Done:
    rng = random.Random(f"{task.seed}/{task.number}")
    number = rng.getrandbits(48)
    while task.number == 0 and not is_tall(number):
        number = rng.getrandbits(48)  # the first run has a tree of five levels
    run = bulk.run(number, OPERATIONS, choose_port(task.port), careful=task.careful)
    done = Done(task.lane, task.number, run.operations, run.events)
    if run.finding is not None:
        flags = {"alloc_range": run.finding.alloc_range, "rcu": run.finding.rcu}
        _report(done, task, run.finding.difference, flags)
    return done


def is_tall(number: int) -> bool:
    """Whether the bulk run of that seed begins with a tree of five levels."""
    mix = draw_mix(random.Random(number))
    return mix.alloc_range and mix.prefill == TALL


def _machine(task: Task, base: type[MapleMachine] | type[RcuMachine]) -> Done:
    class Machine(base):  # type: ignore[misc, valid-type]
        """Counts and port of this unit alone."""

        events: ClassVar[Counter[str]] = Counter()
        operations = 0
        make_port = staticmethod(choose_port(task.port))
        careful = task.careful

    limits = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        verbosity=Verbosity.quiet,
    )
    seed(f"{task.seed}/{task.number}")(Machine)
    difference = run_machine(Machine, limits)
    done = Done(task.lane, task.number, Machine.operations, Machine.events)
    if difference is not None:
        _report(done, task, smallest_of_machine(Machine, difference), difference.flags)
    return done


def _tiny(task: Task) -> Done:
    indices, rcu = WORLDS[task.number]
    explored = tiny.explore(indices, rcu=rcu, geometry=WORLD_SHAPE)
    done = Done(task.lane, task.number, explored.steps, explored.events)
    if explored.failure:
        done.failure = "tiny world"
        done.told = [
            f"a tree over {indices} indices, nodes of 5 and 4 slots:",
            *explored.failure.splitlines(),
        ]
    return done


def _space(task: Task) -> Done:
    assert task.space is not None
    lockstep = Lockstep(choose_port(task.port)(alloc_range=True, rcu=False), alloc_range=True, rhythm=10**6)
    done = Done(task.lane, task.number)
    try:
        for op in exercise(task.space):
            done.operations += 1
            lockstep.apply(op)
        lockstep.finish()
    except Difference as difference:
        steps = [step.op for step in difference.steps]
        small = bulk.smallest(steps, difference, choose_port(task.port), True, False)
        _report(done, task, small, {"alloc_range": True, "rcu": False})
    done.events = bulk.events_of(lockstep.port)
    lockstep.port.close()
    return done


def _live(task: Task) -> Done:
    """Histories on the running kernel; the first unit also makes forks fail, where that is permitted."""
    done = Done(task.lane, task.number)
    if task.number == 0:
        _failing_forks(done, failing.failing_forks() if not failing.why_not() else None)
    for number in range(task.number * HISTORIES, (task.number + 1) * HISTORIES):
        ran = history(f"{task.seed}/{number}")
        done.operations += ran.kinds.total()
        done.events += Counter({f"live.{kind}": count for kind, count in ran.kinds.items()})
        if ran.difference is not None:
            small = ran.difference
            found: dict[str, object] = {"lane": task.lane, "seed": task.seed, "history": number}
            path = write_live_case(Path(task.out) / f"live-{task.seed}-{number}.jsonl", small, found)
            done.failure, done.case, done.steps = small.sort, str(path), len(small.steps)
            told = list(explain_space(small, path.name))
            done.told = [*told, "replay it with: " + replay_command(path, task.port)]
            break
    return done


def _failing_forks(done: Done, came: Failing | None) -> None:
    """Count forks of the running kernel that failed half-way, and tell what they left."""
    if came is None:
        return
    done.events["live.failed fork"] += came.failed
    if came.wrong:
        done.failure = "a fork of the running kernel that failed left something"
        done.told = [f"made to fail by {came.how}:", *came.wrong]


def _fork(task: Task) -> Done:
    assert task.recovery is not None
    vmas = None if task.vmas is None else list(task.vmas)
    swept = fork_unit(task.recovery, task.number, task.seed, vmas)
    return Done(task.lane, task.number, swept.forks, recovery=task.recovery, swept=swept)


LANES: dict[str, Callable[[Task], Done]] = {
    "bulk": _bulk,
    "machine": lambda task: _machine(task, MapleMachine),
    "readers": lambda task: _machine(task, RcuMachine),
    "tiny": _tiny,
    "spaces": _space,
    "fork": _fork,
    "live": _live,
}
"""The parts of the job: random runs in bulk, Hypothesis' state machines for trees and for readers, tiny
worlds visited whole, real address spaces, forks that fail at every point under every recovery, and histories
on the running kernel."""
