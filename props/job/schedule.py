"""In which order the units of a run are done: in rounds, each over all that was asked for.

What is meant to be right comes first in a round, what is known to be broken last. The first round is always
made whole, so that nothing that was asked for is left out for want of time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from mapleproof.props.job.options import FORK, Options, Part, is_known_broken
from mapleproof.props.job.units import WORLDS, Task

EARLY = ("canaries", "histories", "bulk", "machine", "readers")
"""Lanes that come first in a round, what finds most in a second before what finds less: over random one-line
mistakes (`python -m tests.mutants`) these five find nine in ten of those that are found at all, each within
its first unit or two."""

AT_FIRST = {"bulk": 4, "histories": 2, "readers": 2}
"""Units of a lane in the first round, where that is more than one: these are short."""

AGAIN = {"bulk": 8, "machine": 2, "readers": 2, "histories": 2}
"""Units of a lane in each round but the first, so that its share of the time is worth its while."""


def rounds(options: Options, parts: Sequence[Part]) -> Iterator[list[Task]]:
    """The rounds of a run, without end unless all its parts are finite."""
    doable = [part for part in parts if not part.why_not]
    units = {part: _units(part, options) for part in doable}
    for number in itertools.count():
        tasks = [
            task
            for part in _in_order(doable)
            for task in itertools.islice(units[part], _how_many(part, number, options))
        ]
        if not tasks:
            return
        yield tasks


def _in_order(parts: Sequence[Part]) -> list[Part]:
    """What is meant to be right first; of that what finds most in a second, and `tiny`, which takes longest,
    last."""
    return sorted(parts, key=lambda part: (is_known_broken(part.recovery), _rank(part.lane)))


def _rank(lane: str) -> int:
    return EARLY.index(lane) if lane in EARLY else len(EARLY) + (lane == "tiny")


def _how_many(part: Part, number: int, options: Options) -> int:
    """How many units of a part are in the round of this number."""
    if number:
        return AGAIN.get(part.lane, 1)
    if part.lane == "tiny":
        return len(WORLDS)
    if options.every_space and part.lane == "spaces":
        return len(options.spaces)
    if options.every_space and part.lane == FORK:
        return 1 + len(options.vmas)
    return AT_FIRST.get(part.lane, 1)


def _units(part: Part, options: Options) -> Iterator[Task]:
    """The units of a part, in their order."""
    if part.lane == "tiny":
        numbers: Iterator[int] = iter(range(len(WORLDS)))
    elif part.lane == "canaries":
        numbers = iter(range(1))
    elif part.lane == "spaces":
        numbers = iter(range(len(options.spaces)))
    else:
        numbers = itertools.count()
    for number in numbers:
        yield _task(part, number, options)


def _task(part: Part, number: int, options: Options) -> Task:
    space = options.spaces[number] if part.lane == "spaces" else None
    vmas = None
    if part.lane == FORK and 0 < number <= len(options.vmas):
        vmas = options.vmas[number - 1]
    return Task(
        part.lane,
        number,
        options.seed,
        options.port,
        options.out,
        options.seeded,
        space,
        part.recovery,
        vmas,
        options.careful,
    )
