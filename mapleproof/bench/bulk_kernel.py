"""`mapleproof bench kernel`: how fast the bulk lane runs on a kernel's own tree.

The same runs twice: with the C tree within the process that draws, models and compares, by its processor
time, which is that of all; and with the C tree in a process of its own behind a pipe, by the clock on the
wall. All kinds of steps are drawn.
"""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from mapleproof.bench.measure import Figure, figure
from mapleproof.impl.compiled import which
from mapleproof.impl.kernel.build import Build
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.loop.seat import Ran, driven, piped, wanted_of
from mapleproof.props.maple.mixes import draw_mix

TARGET = 2_000_000
"""Operations per second of processor time, the C tree and the comparison with the model included."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: runs of so many operations, so many rounds."""

    runs: int = 60
    operations: int = 8000
    rounds: int = 5


QUICK = Size(runs=12, rounds=3)


@dataclass(slots=True)
class Parts:
    """Operations per second: of processor time, with the tree in the same process; of the clock on the wall,
    behind a pipe."""

    within: Figure
    piped: Figure

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"target": TARGET}


def run(build: Build, size: Size | None = None) -> Parts:
    """Measure on a build. Every run is `careful`: none may end early. Raises AssertionError where one
    does."""
    size = size or Size()
    within, through = [], []
    for _ in range(size.rounds):
        within.append(_rate(build, size, False))
        through.append(_rate(build, size, True))
    return Parts(figure(within), figure(through))


def _rate(build: Build, size: Size, pipe: bool) -> float:
    done, seconds = 0, 0.0
    for number in range(size.runs):
        mix = draw_mix(random.Random(number), careful=True)
        port = KernelPort(build, alloc_range=mix.alloc_range, rcu=mix.rcu)
        wanted = wanted_of(port, number, size.operations, careful=True)
        if pipe:
            port.live_allocations()  # the process is there before it counts
        began = time.perf_counter()
        ran = piped(port, wanted) if pipe else driven(port, wanted)
        took = time.perf_counter() - began
        port.close()
        assert isinstance(ran, Ran), f"run {number} met a difference"
        done += ran.operations
        seconds += took if pipe else ran.seconds
    return done / seconds


def show(parts: Parts, console: Console) -> None:
    """The parts as a table."""
    table = Table("bulk lane on the C tree", title_justify="left")
    table.add_column("operations per second", justify="right")
    table.add_row("tree, model and comparison in one process, of its processor time", str(parts.within))
    table.add_row("the tree behind a pipe, of the clock on the wall", str(parts.piped))
    console.print(table)
    rate = parts.within.median
    met = "met" if rate >= TARGET else f"missed by {1 - rate / TARGET:.0%}"
    console.print(
        f"{rate:,.0f} operations per second of processor time; target {TARGET:,}: {met} ({which()})"
    )
