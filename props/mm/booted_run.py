"""Units of the main job on a booted kernel: sweeps of scenarios, and histories beside the reference and ours.

A process keeps one guest for each port it works on. What a sweep breaks is made small on the guest and
written as a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from mapleproof.impl.mm.promises import PROMISES
from mapleproof.props.common.guard import WALL
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import NotOffered
from mapleproof.props.common.reducing import Patience
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.booted_sweep import PAGE, scenarios, sweep, write_booted_case
from mapleproof.props.mm.live_lockstep import LiveLockstep
from mapleproof.props.mm.live_run import LiveRun, history
from mapleproof.props.mm.shrink import ScenarioShrinker
from mapleproof.props.mm.sweep import Broken, Swept
from mapleproof.props.mm.verdicts import Verdict

HISTORIES = 4
"""Histories in one unit, beside the sweep of one scenario."""

SHRINKING = 20.0
"""Seconds that it may take to make one break small."""


@lru_cache(maxsize=4)
def port(name: str) -> BootedPort:
    """This process's guest for a port's name. Raises KernelBuildError."""
    return BootedPort(name)


class BootedLockstep(LiveLockstep):
    """A history on a booted kernel: the guest goes on afterwards."""

    def __init__(self, name: str) -> None:
        self.guest = port(name)
        self.guest.reset()
        super().__init__(self.guest, self.guest.geometry)

    def close(self) -> None:
        """Nothing: the next history begins anew."""


def begins(name: str) -> Callable[[], LiveLockstep]:
    """What begins a history on a port."""
    return lambda: BootedLockstep(name)


def unit(name: str, seed: int, number: int, out: Path) -> Swept:
    """Sweep the scenario of this number."""
    guest = port(name)
    program = next(islice(scenarios(guest.geometry, guest.spaces.region.start, seed), number, None))
    try:
        return sweep(guest, program, out=out)
    except NotOffered:
        return Swept()


def histories(name: str, seed: int, number: int) -> Iterator[LiveRun]:
    """The histories of one unit."""
    for one in range(number * HISTORIES, (number + 1) * HISTORIES):
        yield history(f"booted/{seed}/{one}", shrink=False, begin=begins(name))


def conclude(name: str, swept: Swept, out: Path) -> list[Verdict]:
    """The verdicts on a kernel, one for each promise; what it broke is made small and written."""
    counts = (swept.forks, swept.failed, swept.points)
    verdicts = []
    for promise in PROMISES:
        broken = swept.broken.get(promise)
        if broken is None:
            verdicts.append(Verdict(name, promise, True, *counts))
            continue
        small = smallest(port(name), broken)
        case = f"booted-{promise.replace(' ', '-')}"
        path = write_booted_case(out / f"{case}.jsonl", case, small.program, promise, name)
        verdicts.append(Verdict(name, promise, False, *counts, path, small.what, len(small.program)))
    return verdicts


def smallest(guest: BootedPort, broken: Broken) -> Broken:
    """The smallest scenario found whose fork breaks the same promise; the one that is known, where it does
    not come again."""
    best = broken
    patience = Patience(SHRINKING, WALL)

    def fails(candidate: Sequence[Common]) -> bool:
        nonlocal best
        try:
            found = sweep(guest, candidate, both=False, only=broken.promise).broken.get(broken.promise)
        except (NotOffered, KeyError, StopIteration):
            return False
        if found is not None:
            best = found
        return found is not None

    ScenarioShrinker(broken.program[:-1], fails, PAGE, patience).shrink()
    return replace(best, unfinished=patience.told)
