"""Others who walk address spaces while forks of a booted kernel fail: whether one of them can meet a child
that is not finished. Which of them run is chosen; what they do is in the guest's `observers.c`.

A space with many pages forks over and over, and in each fork some request is refused. What the kernel says of
it, or that it dies, is the finding.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mapleproof.impl.kernel.booted import wire
from mapleproof.impl.kernel.booted.log import KernelAlarm, alarms
from mapleproof.impl.kernel.booted.machine import GuestDied
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.booted_port import BootedPort
from mapleproof.props.mm.booted_sweep import PAGE, RW, build
from mapleproof.props.mm.scenarios import Program

PAGES = 1500
"""Pages of the first VMA, which must be swapped out for swapoff to have something to look for."""

BEHIND = 30
"""VMAs behind it: there a fork has copied what others look for, and is not finished."""

AT_A_TIME = 100
INTERVALS = (61, 47, 83, 71)
"""Each so many-th request is refused: a fork asks for some hundred, so that nearly all fail, at other
places."""


@dataclass(slots=True)
class Observed:
    """What came of it: forks, how many failed, how often each observer turned, and what the kernel said."""

    forks: int = 0
    failed: int = 0
    turns: dict[str, int] = field(default_factory=dict)
    alarms: list[KernelAlarm] = field(default_factory=list)
    seconds: float = 0.0


def parent(base: int) -> Program:
    """Who forks."""
    behind = base + (1 << 30)
    touched = [ops.Touch(0, behind + 2 * k * PAGE, PAGE) for k in range(BEHIND)]
    many = ops.MmapEach(0, behind, PAGE, 2 * PAGE, BEHIND, RW)
    return [ops.Mmap(0, base, PAGES * PAGE, RW, None), ops.Touch(0, base, PAGES * PAGE), many, *touched]


def observe(guest: BootedPort, observers: Sequence[str], seconds: float) -> Observed:
    """Let forks fail for so long, while these observers (`wire.OBSERVERS`) look on. Ends at the first
    alarm."""
    seen, spaces = Observed(), guest.spaces
    build(guest, parent(guest.region.start))
    spaces.take_log()
    began = time.monotonic()
    try:
        for observer in observers:
            spaces.observe(observer)
        while time.monotonic() - began < seconds and not seen.alarms:
            interval = INTERVALS[seen.forks // AT_A_TIME % len(INTERVALS)]
            seen.failed += spaces.failing_forks(0, AT_A_TIME, interval)
            seen.forks += AT_A_TIME
            seen.alarms = alarms(spaces.take_log())
        seen.turns = {name: turns for name, turns in spaces.unobserve().items() if name in observers}
    except GuestDied as died:
        seen.alarms = [died.alarm]
        spaces.restart()
    seen.seconds = time.monotonic() - began
    return seen


ALL = wire.OBSERVERS
