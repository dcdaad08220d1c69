"""Whole histories, reference and implementation side by side."""

from collections import Counter

import pytest

from props.fork.check import random_scenarios
from props.fork.lockstep import SpacesLockstep
from props.ops.answers import ABSENT


def run(seed: int, count: int) -> Counter[str]:
    """Random histories in lockstep; how often each kind of operation went well."""
    done: Counter[str] = Counter()
    for (program, geometry), _ in zip(random_scenarios(seed), range(count), strict=False):
        lockstep = SpacesLockstep(geometry)
        for op in program:
            if lockstep.apply(op).ret in (0, ABSENT):
                done[type(op).__name__] += 1
        lockstep.finish()
    return done


def test_they_agree_and_everything_was_done() -> None:
    done = run(7, 400)
    for name in ("Mmap", "Munmap", "Mprotect", "Mremap", "Madvise", "Touch", "Fork"):
        assert done[name] > 15, (name, done)


@pytest.mark.deep
def test_they_agree_for_long() -> None:
    run(8, 30_000)
