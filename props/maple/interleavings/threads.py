"""Scenarios with two threads of the machine: what the explorer finds is confirmed where the hardware can show
it, and all else that is drawn is tried too.

What is met was met for real; how often is told with the runs and the seconds. What is not met says nothing:
a window of a few instructions may need hours, or another processor.
"""

from __future__ import annotations

import platform
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mapleproof.impl.kernel.explorer import Explorer, Policy
from mapleproof.impl.kernel.scenario import Choice, Failure, ProcessEnded
from mapleproof.impl.kernel.stress import Stress, Stressed
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.guard import WALL
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import MakePort, PortError
from mapleproof.props.common.reducing import Patience
from mapleproof.props.common.values import Refused
from mapleproof.props.maple.interleavings.case import difference_of, first_failure
from mapleproof.props.maple.interleavings.draws import scenarios
from mapleproof.props.maple.interleavings.explorers import explorer_of, stress_of
from mapleproof.props.maple.interleavings.known import is_known, is_known_held_back
from mapleproof.props.maple.interleavings.scenario import Scenario, scenario_of
from mapleproof.props.maple.interleavings.search import READERS, SINGLE
from mapleproof.props.maple.shrink import Shrinker

WRITERS = 4
"""Trees with a writer in one unit."""

DRAWN = 0.05
"""Seconds for a scenario in which the explorer met nothing with a single preemption."""

FOUND = 2.0
"""Seconds for one in which it did, and for one that was made small."""

QUESTION = 0.5
"""Seconds for one question while a scenario is made small."""

KEEPS_ORDER = platform.machine() in ("x86_64", "AMD64")
"""Whether this machine's processors let others see their stores in order."""


@dataclass(slots=True)
class Ran:
    """What came of a unit: runs, what was met on the way, and the first failure."""

    runs: int = 0
    events: Counter[str] = field(default_factory=Counter)
    met: Difference | None = None


def stressed(stress: Stress, scenario: Scenario, seconds: float, first_only: bool = False) -> Stressed:
    """A scenario with two threads. Where their process ends, that is what was met."""
    stress.load(scenario.stage)
    try:
        return stress.run(scenario.reader, seconds, random.getrandbits(32), first_only)
    except ProcessEnded as ended:
        failure = Failure(str(ended), False, 1, scenario.uses_cursor, Choice("threads"))
        return Stressed(1, 1, 0.0, (failure,), ())


def met_with_threads(scenario: Scenario, came: Stressed) -> Difference | None:
    """What was met first, with how often that and all else was; None where nothing was."""
    if not came.failures:
        return None
    told = [f"met {_times(came.failures[0])} in {came}"]
    told += [f"besides, {_times(failure)}: {failure.sort}" for failure in came.failures[1:]]
    return difference_of(scenario, came.failures[0], told)


def _times(failure: Failure) -> str:
    return "once" if failure.times == 1 else f"{failure.times:,} times"


def under_way(scenario: Scenario) -> Difference:
    """A scenario that is about to run, told as a difference, to be kept should this process end too."""
    return difference_of(scenario, Failure("the run was under way", False, 1, 0, Choice("threads")))


def run(make_port: MakePort, seed: str, careful: bool, keep: Callable[[Scenario], None]) -> Ran:
    """One unit of the lane: scenarios drawn, and each run with threads, until one fails. ``keep`` is told of
    each before it runs. Raises PortError."""
    stress, explorer = stress_of(make_port), _explorer(make_port)
    ran = Ran()
    for scenario in _drawn(random.Random(f"threads {seed}"), stress):
        if careful and (known := _known(stress, scenario)):
            ran.events[f"threads.known.{known}"] += 1
            continue
        found = explorer is not None and first_failure(explorer, scenario, [SINGLE]) is not None
        keep(scenario)
        came = stressed(stress, scenario, FOUND if found else DRAWN)
        ran.runs += came.runs
        ran.events["threads.run"] += came.runs
        ran.events["threads.both inside"] += came.together
        if found:
            ran.events["threads.confirmed" if came.failures else "threads.not confirmed"] += 1
        ran.met = met_with_threads(scenario, came)
        if ran.met is not None:
            break
    return ran


def _drawn(rng: random.Random, stress: Stress) -> Iterator[Scenario]:
    for _ in range(WRITERS):
        for scenario in scenarios(rng, READERS):
            if not stress.lacks & {form_of(op).name for op in (*scenario.writes, *scenario.reads)}:
                yield scenario


def _explorer(make_port: MakePort) -> Explorer | None:
    """The explorer; None on a machine that has none."""
    try:
        return explorer_of(make_port)
    except PortError:
        return None


def _known(stress: Stress, scenario: Scenario) -> str:
    paths = stressed(stress, scenario, 0).paths
    known = is_known(scenario, paths, stress.build.capabilities)
    return known or ("" if KEEPS_ORDER else is_known_held_back(paths))


def smallest(met: Difference, make_port: MakePort, careful: bool) -> Difference:
    """The smallest scenario found that fails in the same way with threads; as it was, where it does not fail
    again. Where the explorer meets the same, it is asked while the scenario is made small: it is quicker."""
    text = met.detail.partition("\n")[0]
    stress, explorer = stress_of(make_port), _explorer(make_port)
    try:
        scenario = scenario_of(met.flags["alloc_range"], [step.op for step in met.steps])
    except Refused:
        return met

    def explored(candidate: Scenario) -> bool:
        if explorer is None:
            return False
        explorer.load(candidate.stage)
        failures = explorer.explore(candidate.reader, Policy("single")).failures
        return any(failure.text == text for failure in failures)

    def ran(candidate: Scenario) -> bool:
        came = stressed(stress, candidate, QUESTION, first_only=True)
        return any(failure.text == text for failure in came.failures)

    fails = explored if explored(scenario) else ran
    best = [scenario]

    def still(candidate: Sequence[Common]) -> bool:
        try:
            smaller = scenario_of(scenario.alloc_range, candidate)
            if not fails(smaller) or (careful and _known(stress, smaller)):
                return False
        except (Refused, ProcessEnded, ValueError):
            return False
        best.append(smaller)
        return True

    patience = Patience(clock=WALL)
    Shrinker(scenario.operations(), still, patience=patience).shrink()
    for small in (best[-1], scenario):
        again = met_with_threads(small, stressed(stress, small, FOUND))
        if again is not None and again.detail.partition("\n")[0] == text:
            again.unfinished = patience.told if small is best[-1] else ""
            return again
    return met
