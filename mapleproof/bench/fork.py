"""The mail's benchmark: forks in ten seconds by number of VMAs, inserted one by one and by __mt_dup().

On our implementation a fork is a fork and the child's exit, of so many private anonymous VMAs that nobody
has touched, as in the "spawn" of byte-unixbench that the mail used. Beside it stand the mail's own figures
and, where it can be had, the running kernel's fork with as many real mappings. Seconds depend on the
machine; nodes walked and allocated do not.

Not covered: pages, which cost both strategies the same.
"""

import gc
import importlib
import json
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mapleproof.bench.fork_live import forks_of_kernel
from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.mm import calls
from mapleproof.impl.mm.exit import drop_mm
from mapleproof.impl.mm.flags import VM_READ, VM_WRITE
from mapleproof.impl.mm.fork import fork
from mapleproof.impl.mm.machine import Machine
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.recovery import RECOVERIES

COUNTS = (21, 121, 221, 421, 821, 1621, 3221, 6421, 12821, 25621, 51221)
"""The numbers of VMAs in the mail."""

MAIL_BEFORE = (112100, 76261, 54227, 34035, 20195, 11112, 6017, 3161, 1606, 802, 393)
MAIL_AFTER = (114558, 83067, 65008, 45824, 28751, 16072, 8922, 4747, 2436, 1233, 599)
"""Forks in ten seconds: next-20231006, and with __mt_dup()."""

OLD, NEW = "bulk_insert", "unmap_in_place"
"""The recoveries that stand for the two strategies."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One strategy at one number of VMAs. ``seconds`` for a fork and the child's exit, the fastest seen;
    ``walked`` nodes gone through or copied in the fork, ``allocated`` nodes asked for in it."""

    seconds: float
    walked: int
    allocated: int

    @property
    def forks(self) -> float:
        """Forks in ten seconds."""
        return 10 / self.seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One number of VMAs."""

    vmas: int
    old: Cost
    new: Cost
    kernel: float | None

    @property
    def gain(self) -> float:
        """How many more forks the new strategy makes, 0.5 for half as many again."""
        return self.new.forks / self.old.forks - 1


def parent_of(vmas: int) -> Mm:
    """An address space of so many VMAs, a gap behind each, as mmap would place them: below the stack."""
    mm = Mm(Machine())
    base = 0x7F00_0000_0000 - 0x2000 * vmas
    for k in range(vmas):
        ret = calls.mmap(mm, base + 0x2000 * k, 0x1000, VM_READ | VM_WRITE)
        assert ret == 0
    mm.tree.synchronize_rcu()
    return mm


def spawn(mm: Mm, recovery: str) -> float:
    """One fork and the child's exit: seconds."""
    how = RECOVERIES[recovery]
    start = time.perf_counter()
    _, child = fork(mm.machine, mm, how)
    assert child is not None
    drop_mm(child, how.exit_rules)
    return time.perf_counter() - start


class _NodePlan(FailurePlan):
    """Grants all; counts nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = 0

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        if kind == "maple_node":
            self.nodes += count
        return True


def count_nodes(mm: Mm, recovery: str) -> tuple[int, int]:
    """The nodes that one fork walks or copies, and those that it asks for."""
    how, plan = RECOVERIES[recovery], _NodePlan()
    mm.machine.plan = plan
    before = mm.tree.walked
    _, child = fork(mm.machine, mm, how)
    mm.machine.plan = None
    assert child is not None
    walked = mm.tree.walked - before + child.tree.walked + child.tree.events["dup_nodes"]
    drop_mm(child, how.exit_rules)
    return walked, plan.nodes


def measure(vmas: int, seconds: float, live: bool = True) -> Row:
    """One row, in about ``seconds`` for each strategy; the strategies take turns."""
    mm = parent_of(vmas)
    counts = {recovery: count_nodes(mm, recovery) for recovery in (OLD, NEW)}
    best = dict.fromkeys((OLD, NEW), float("inf"))
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + 2 * seconds
        rounds = 0
        while rounds < 3 or time.perf_counter() < end:
            for recovery in (OLD, NEW):
                best[recovery] = min(best[recovery], spawn(mm, recovery))
            rounds += 1
    finally:
        gc.enable()
    old, new = (Cost(best[recovery], *counts[recovery]) for recovery in (OLD, NEW))
    return Row(vmas, old, new, forks_of_kernel(vmas, seconds) if live else None)


def _tables(rows: Sequence[Row]) -> Iterator[Table]:
    """The figures: forks beside the mail's, then what they cost."""
    mail = {count: pair for count, *pair in zip(COUNTS, MAIL_BEFORE, MAIL_AFTER, strict=True)}
    forks = Table(title="Forks in ten seconds")
    for name in ("VMAs", "inserted", "__mt_dup", "gain", "mail before", "with", "gain", "this kernel"):
        forks.add_column(name, justify="right")
    costs = Table(title="What a fork costs (us: with the child's exit)")
    for name in ("VMAs", "us/VMA old", "new", "nodes walked old", "new", "nodes asked for old", "new"):
        costs.add_column(name, justify="right")
    for row in rows:
        old, new = row.old, row.new
        before, after = mail.get(row.vmas, (0, 0))
        said = (f"{before}", f"{after}", f"{after / before - 1:.1%}") if before else ("-", "-", "-")
        live = f"{row.kernel:.0f}" if row.kernel else "-"
        forks.add_row(f"{row.vmas}", f"{old.forks:.0f}", f"{new.forks:.0f}", f"{row.gain:.1%}", *said, live)
        times = (f"{cost.seconds / row.vmas * 1e6:.2f}" for cost in (old, new))
        counts = (old.walked, new.walked, old.allocated, new.allocated)
        costs.add_row(f"{row.vmas}", *times, *(f"{count}" for count in counts))
    yield forks
    yield costs


def plot(rows: Sequence[Row], path: str | Path) -> None:
    """Draw forks by VMAs, both axes logarithmic, as the file's suffix says. Raises ImportError without
    matplotlib (extra ``bench``)."""
    pyplot = importlib.import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    vmas = [row.vmas for row in rows]
    axes.loglog(vmas, [row.old.forks for row in rows], "o-", label="inserted one by one")
    axes.loglog(vmas, [row.new.forks for row in rows], "s-", label="__mt_dup()")
    axes.loglog(COUNTS, MAIL_BEFORE, "o:", color="grey", label="mail, next-20231006")
    axes.loglog(COUNTS, MAIL_AFTER, "s:", color="black", label="mail, with __mt_dup()")
    kernel = [(row.vmas, row.kernel) for row in rows if row.kernel]
    if kernel:
        axes.loglog(*zip(*kernel, strict=True), "^-", label="this kernel")
    axes.set_xlabel("VMAs")
    axes.set_ylabel("forks in ten seconds")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def main(
    json_path: str | Path | None = None,
    plot_path: str | Path | None = None,
    *,
    counts: Sequence[int] = COUNTS,
    seconds: float = 1.0,
    live: bool = True,
) -> list[Row]:
    """Measure every number of VMAs, print the table, write figures and plot where a path is given.

    ``seconds`` is spent on each strategy at each number; ``live`` asks the running kernel too.
    """
    console = Console()
    rows = []
    for vmas in counts:
        rows.append(measure(vmas, seconds, live))
        if console.is_terminal:
            console.print(f"{vmas} VMAs: {rows[-1].gain:.1%} more forks")
    for table in _tables(rows):
        console.print(table)
    if json_path is not None:
        data = {
            "benchmark": "fork",
            "python": platform.python_version(),
            "rows": [{**asdict(row), "gain": row.gain} for row in rows],
            "mail": {"vmas": COUNTS, "before": MAIL_BEFORE, "after": MAIL_AFTER},
        }
        Path(json_path).write_text(json.dumps(data, indent=1) + "\n")
    if plot_path is not None:
        try:
            plot(rows, plot_path)
        except ImportError:
            console.print("no plot: matplotlib is not installed (pip install 'mapleproof[bench]')")
    return rows
