"""`mapleproof bench kernel`: how fast the bulk lane runs on a kernel's own tree, and what each part costs.

Three measurements of the same runs, in wall-clock time, since the C tree is a process of its own: all of it;
generator and model alone, with a pipe that answers what is expected; the C tree alone, given what was sent.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from mapleproof.bench.measure import Figure, figure
from mapleproof.impl.kernel.build import Build
from mapleproof.impl.kernel.tree import KernelTree
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.lanes.draws import Draws
from mapleproof.props.maple.lanes.mixes import draw_mix
from mapleproof.props.maple.lanes.sides_piped import PipedSides

TARGET = 3_000_000
"""Operations per minute, comparison with the model included."""

Exchange = Callable[[int, bytes], tuple[bytes, str]]


class Batch(NamedTuple):
    """What went over the pipe to a tree made with ``flags``: so many steps, and their answers."""

    flags: dict[str, bool]
    number: int
    steps: bytes
    answers: bytes


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: runs of so many operations, so many rounds."""

    runs: int = 30
    operations: int = 8000
    rounds: int = 5


QUICK = Size(runs=6, rounds=3)


@dataclass(slots=True)
class Parts:
    """Operations per second: of all, of generator and model alone, of the C tree alone (its steps)."""

    whole: Figure
    without_tree: Figure
    tree: Figure

    @property
    def per_minute(self) -> float:
        return self.whole.median * 60

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"per_minute": self.per_minute, "target": TARGET}


def run(build: Build, size: Size | None = None) -> Parts:
    """Measure on a build. Every run is `careful`: none may end early."""
    size = size or Size()
    whole, without, alone = [], [], []
    for _ in range(size.rounds):
        sent: list[Batch] = []
        done, seconds = _timed(build, size, partial(_noting, sent))
        whole.append(done / seconds)
        answers = iter([batch.answers for batch in sent])
        done, seconds = _timed(build, size, partial(_answering, answers))
        without.append(done / seconds)
        alone.append(_alone(build, sent))
    return Parts(figure(whole), figure(without), figure(alone))


def _timed(build: Build, size: Size, exchange: Callable[[KernelPort], Exchange]) -> tuple[int, float]:
    """Operations done by all runs, and how long they took without starting processes."""
    done, seconds = 0, 0.0
    for number in range(size.runs):
        mix = draw_mix(random.Random(number), careful=True)
        port = KernelPort(build, alloc_range=mix.alloc_range, rcu=mix.rcu)
        with _exchanging(port.kernel, exchange(port)):
            began = time.perf_counter()
            sides = PipedSides(port, mix.alloc_range, mix.rcu)
            rng = random.Random(number)
            Draws(rng, draw_mix(rng, careful=True), sides, careful=True).run(size.operations)
            sides.finish()
            seconds += time.perf_counter() - began
        done += sides.done
        port.close()
    return done, seconds


@contextmanager
def _exchanging(tree: KernelTree, exchange: Exchange) -> Any:
    tree.exchange = exchange  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del tree.exchange


def _noting(sent: list[Batch], port: KernelPort) -> Exchange:
    """The pipe, and a note of what went through it."""
    original, flags = port.kernel.exchange, port.kernel.flags

    def exchange(count: int, steps: bytes) -> tuple[bytes, str]:
        data, text = original(count, steps)
        sent.append(Batch(flags, count, steps, data))
        return data, text

    return exchange


def _answering(answers: Iterator[bytes], port: KernelPort) -> Exchange:
    """A pipe with nobody behind it, that knows what was answered."""
    return lambda count, steps: (next(answers), "")


def _alone(build: Build, sent: list[Batch]) -> float:
    """Steps per second of the C tree, given the batches of all runs once more."""
    steps, seconds = 0, 0.0
    flags: dict[str, bool] | None = None
    tree = KernelTree(build)
    for wanted, number, batch, _ in sent:
        if wanted is not flags:
            tree.close()
            flags = wanted
            tree = KernelTree(
                build, alloc_range=wanted["alloc_range"], rcu=wanted["rcu"], rcu_by_hand=wanted["rcu"]
            )
            tree.exchange(0, b"")
        began = time.perf_counter()
        tree.exchange(number, batch)
        seconds += time.perf_counter() - began
        steps += number
    tree.close()
    return steps / seconds


def show(parts: Parts, console: Console) -> None:
    """The parts as a table."""
    table = Table("bulk lane on the C tree", title_justify="left")
    table.add_column("per second", justify="right")
    table.add_row("all of it, operations", str(parts.whole))
    table.add_row("generator, model and comparison alone, operations", str(parts.without_tree))
    table.add_row("the C tree alone, steps", str(parts.tree))
    console.print(table)
    met = "met" if parts.per_minute >= TARGET else f"missed by {1 - parts.per_minute / TARGET:.0%}"
    console.print(f"{parts.per_minute:,.0f} operations a minute on one core; target {TARGET:,}: {met}")
