"""One unit of the lane `interleavings` on our own tree: trees with a writer each, readers beside them, and
what fails, made small.

It is the sources that run. Where they are compiled, another process runs them: ours.py, which
makes a kind of tree of its own, can be imported there alone.
"""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mapleproof.impl.compiled import PURE, is_compiled
from mapleproof.props.common.difference import Difference, place_of
from mapleproof.props.common.guard import WALL
from mapleproof.props.common.operation import Common
from mapleproof.props.common.reducing import Patience
from mapleproof.props.common.values import Refused
from mapleproof.props.maple.interleavings.case import difference_of
from mapleproof.props.maple.interleavings.draws import scenarios
from mapleproof.props.maple.interleavings.scenario import Scenario, scenario_of
from mapleproof.props.maple.shrink import Shrinker

WRITERS, READERS = 6, 5
"""Trees with a writer in one unit, and readers beside each: some 2,000 interleavings."""

Came = TypeVar("Came")
Ran = tuple[int, Counter[str], Difference | None]


class SourcesFailed(Exception):
    """The process that runs the sources ended without an answer."""


def run(seed: str) -> Ran:
    """Interleavings run, what was met on the way, and the first failure, made small. Raises SourcesFailed."""
    return _by_the_sources(_run, seed)


def replayed(alloc_range: bool, operations: Sequence[Common]) -> Difference | None:
    """What a case with a reader fails with at some point; None where it holds at all. Refused where it is no
    scenario that can be run here; raises SourcesFailed."""
    return _by_the_sources(_replayed, alloc_range, list(operations))


def _by_the_sources(work: Callable[..., Came], *arguments: Any) -> Came:
    """Have the sources do it, in a process of their own where this one has them compiled."""
    if not is_compiled():
        return work(*arguments)
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name],
        input=pickle.dumps((work.__name__, arguments)),
        env=os.environ | {PURE: "1"},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise SourcesFailed(done.stderr.decode(errors="replace"))
    came: Came | Refused = pickle.loads(done.stdout)
    if isinstance(came, Refused):
        raise came
    return came


def _run(seed: str) -> Ran:
    from mapleproof.props.maple.interleavings.ours import can, first_failure

    rng, runs = random.Random(f"interleavings {seed}"), 0
    for _ in range(WRITERS):
        for scenario in scenarios(rng, READERS):
            if not can(scenario):
                continue
            more, failure = first_failure(scenario)
            runs += more
            if failure is not None:
                met = smallest(scenario, failure.text)
                return runs, Counter({"interleavings.single": runs}), met
    return runs, Counter({"interleavings.single": runs}), None


def smallest(scenario: Scenario, text: str) -> Difference:
    """The smallest scenario found that fails in the same way as one that fails."""
    from mapleproof.props.maple.interleavings.ours import can, first_failure

    best = [scenario]

    def fails(candidate: Sequence[Common]) -> bool:
        try:
            smaller = scenario_of(scenario.alloc_range, candidate)
        except Refused:
            return False
        failure = first_failure(smaller)[1] if can(smaller) else None
        if failure is None or place_of(failure.text) != place_of(text):
            return False
        best.append(smaller)
        return True

    patience = Patience(clock=WALL)
    Shrinker(scenario.operations(), fails, patience=patience).shrink()
    failure = first_failure(best[-1])[1]
    assert failure is not None
    difference = difference_of(best[-1], failure)
    difference.unfinished = patience.told
    return difference


def _replayed(alloc_range: bool, operations: Sequence[Common]) -> Difference | None:
    from mapleproof.props.maple.interleavings.ours import can, first_failure

    scenario = scenario_of(alloc_range, operations)
    if not can(scenario):
        raise Refused("operations that our own tree is not explored with")
    failure = first_failure(scenario)[1]
    return None if failure is None else difference_of(scenario, failure)


def _asked(name: str, arguments: tuple[Any, ...]) -> object:
    """What the process that runs the sources is asked."""
    questions: dict[str, Callable[..., object]] = {"_run": _run, "_replayed": _replayed}
    try:
        return questions[name](*arguments)
    except Refused as refused:
        return refused


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(_asked(*pickle.load(sys.stdin.buffer))))
