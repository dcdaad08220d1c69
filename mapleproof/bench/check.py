"""`mapleproof bench check`: checked operations per second, and whether memory stays flat.

An empty Hypothesis state machine is the measure: one rule that draws nothing and does nothing, so each of its
steps is what Hypothesis itself costs. A rule of our machine does several operations.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from rich.console import Console
from rich.table import Table

from mapleproof.bench.measure import Figure, figure, one_core, resident
from mapleproof.props.job.units import OPERATIONS
from mapleproof.props.maple.lanes import bulk
from mapleproof.props.maple.lanes.maple_machine import MapleMachine

STEPS = 50
SHARE_OF_EMPTY = 0.8
TIMES_EMPTY = 10
POINTS = 6
"""At so many points of a long run the memory is looked at."""

GROWTH = 1.1
"""What memory may grow by after the first of them, as a factor: caches fill, and lists are rounded up."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 5
    examples: int = 100
    bulk_runs: int = 40
    long_runs: int = 300


QUICK = Size(rounds=3, examples=30, bulk_runs=10, long_runs=30)


@dataclass(slots=True)
class Pace:
    """Per second: steps of the empty machine, with and without a number drawn; steps and operations of ours;
    operations of the bulk lane. ``memory`` is bytes at several points of a long bulk run."""

    empty: Figure
    drawing: Figure
    machine_steps: Figure
    machine: Figure
    bulk: Figure
    memory: list[int]

    @property
    def machine_share(self) -> float:
        """Operations of our machine for each step of the empty one."""
        return self.machine.median / self.empty.median

    @property
    def bulk_times(self) -> float:
        return self.bulk.median / self.empty.median

    @property
    def flat(self) -> bool:
        return not self.memory or max(self.memory) <= self.memory[0] * GROWTH

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "machine_share": self.machine_share,
            "bulk_times": self.bulk_times,
            "flat": self.flat,
        }


class Empty(RuleBasedStateMachine):
    """Does nothing."""

    done = 0

    @rule()
    def step(self) -> None:
        Empty.done += 1


class Drawing(RuleBasedStateMachine):
    """Draws one number and does nothing with it."""

    done = 0

    @rule(number=st.integers(0, 2**64 - 1))
    def step(self, number: int) -> None:
        Drawing.done += 1


class Ours(MapleMachine):
    """Our machine, its steps counted."""

    events = type(MapleMachine.events)()
    operations = 0
    done = 0

    def check_invariants(self, *arguments: Any, **more: Any) -> None:
        """Hypothesis calls this once for each step."""
        Ours.done += 1
        super().check_invariants(*arguments, **more)


def machine_pace(machine: Any, examples: int, count: Callable[[], tuple[int, ...]]) -> list[float]:
    """How much of each count there is per second."""
    limits = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    before = count()
    start = time.thread_time()
    run_state_machine_as_test(machine, settings=limits)
    spent = time.thread_time() - start
    return [(now - then) / spent for now, then in zip(count(), before, strict=True)]


def bulk_pace(first: int, runs: int) -> float:
    """Operations per second of so many runs of the bulk lane."""
    start = time.thread_time()
    done = sum(bulk.run(number, OPERATIONS).operations for number in range(first, first + runs))
    return done / (time.thread_time() - start)


def memory(runs: int) -> list[int]:
    """What this process holds at several points of a long run of the bulk lane."""
    found: list[int] = []
    for point in range(POINTS):
        for number in range(runs // POINTS):
            bulk.run(point * runs + number, OPERATIONS)
        held = resident()
        if held is not None:
            found.append(held)
    return found


def run(size: Size | None = None) -> Pace:
    """Measure everything on one core, each in turn in every round."""
    size = size or Size()
    empty, drawing, ours, bulk_ = [], [], [], []
    with one_core():
        for number in range(size.rounds):
            for machine in (Empty, Drawing, Ours):
                seed(number)(machine)
            empty += machine_pace(Empty, size.examples, lambda: (Empty.done,))
            drawing += machine_pace(Drawing, size.examples, lambda: (Drawing.done,))
            ours.append(machine_pace(Ours, size.examples, lambda: (Ours.done, Ours.operations)))
            bulk_.append(bulk_pace(number * size.bulk_runs, size.bulk_runs))
        held = memory(size.long_runs)
    return Pace(
        empty=figure(empty),
        drawing=figure(drawing),
        machine_steps=figure([steps for steps, _ in ours]),
        machine=figure([operations for _, operations in ours]),
        bulk=figure(bulk_),
        memory=held,
    )


def show(pace: Pace, console: Console) -> None:
    """The table."""
    table = Table(title="Checked operations per second")
    for name in ("", "per second", "of the empty machine", "target", "verdict"):
        table.add_column(name, justify="left" if name in ("", "verdict") else "right")

    def verdict(met: bool) -> str:
        return "met" if met else "missed"

    base = pace.empty.median
    table.add_row("empty state machine", str(pace.empty), "", "", "")
    table.add_row("one that draws a number", str(pace.drawing), f"{pace.drawing.median / base:.2f}", "", "")
    table.add_row("ours, steps", str(pace.machine_steps), f"{pace.machine_steps.median / base:.2f}", "", "")
    share, times = pace.machine_share, pace.bulk_times
    table.add_row(
        "ours, operations", str(pace.machine), f"{share:.2f}", "0.80", verdict(share >= SHARE_OF_EMPTY)
    )
    table.add_row(
        "bulk lane, operations", str(pace.bulk), f"{times:.1f}", "10", verdict(times >= TIMES_EMPTY)
    )
    console.print(table)
    points = ", ".join(f"{held / 2**20:.1f}" for held in pace.memory) or "not told here"
    state = "flat" if pace.flat else "it grows"
    console.print(f"Memory along a long bulk run, in MiB: {points}: {state}", markup=False)
