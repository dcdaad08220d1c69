"""`mapleproof bench tree`: our tree, what a Python user would take instead, and the C tree, in one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mapleproof.bench import kernel as bench_kernel
from mapleproof.bench.layout import FEW, Layout, layout
from mapleproof.bench.measure import Figure, Limits, TooSlow, each, figure, grown, one_core, rounds, whole
from mapleproof.bench.rivals import Map, Ours
from mapleproof.bench.rivals_slow import SUBJECTS
from mapleproof.impl.maple import Cursor, MapleTree

SIZES = (21, 221, 1621, 12821, 51221)
QUICK_SIZES = (21, 221, 1621)
OURS = "mapleproof"
C_TREE = "C tree"

CALL = "a call of nothing"
"""What it costs to call something from Python, in the way in which all else is called here."""

OPERATIONS = (
    CALL,
    "build in order",
    "build at random",
    "load",
    "overwrite",
    "iterate",
    "lowest gap, near",
    "lowest gap, far",
    "lowest gap, none",
    "highest gap, near",
    "highest gap, far",
    "highest gap, none",
    "dup",
    "dup and replace",
    "copy one by one",
    "copy by bulk load",
    "memory per entry",
)
"""What is measured: nanoseconds for each entry or call, but for the last, bytes."""


@dataclass(slots=True)
class Result:
    """All figures: by n, operation and subject."""

    figures: dict[tuple[int, str, str], Figure] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    kernel: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        return (*SUBJECTS, C_TREE)


def built(make: Callable[[], Map], ranges: Sequence[tuple[int, int, int]], limits: Limits) -> Map:
    """A subject that holds these ranges. Raises TooSlow."""
    subject = make()
    each(lambda range_: subject.store(*range_), ranges, limits)
    return subject


class Bench:
    """Measures one subject at one n. ``figures`` has what was measured, by operation."""

    def __init__(self, make: Callable[[], Map], plan: Layout, limits: Limits) -> None:
        self.make = make
        self.plan = plan
        self.limits = limits
        self.figures: dict[str, Figure] = {}

    def run(self) -> dict[str, Figure]:
        """Everything, or for what there is too slow the reason."""
        plan, limits, n = self.plan, self.limits, len(self.plan.ranges)
        self._rounds("build in order", lambda: self._build(plan.ranges))
        if self.figures["build in order"].missing:
            return dict.fromkeys(OPERATIONS, self.figures["build in order"])
        self._rounds("build at random", lambda: self._build(plan.shuffled))
        subject = built(self.make, plan.ranges, replace(limits, seconds=10 * limits.seconds))
        copies = list(range(n + 1))
        new = copies.__getitem__

        def replaced() -> Map:
            copy = subject.dup()
            copy.replace_each(new)
            return copy

        self._rounds(CALL, lambda: each(lambda range_: nothing(*range_), plan.shuffled, limits))
        self._rounds("load", lambda: each(subject.load, plan.indices, limits))
        self._rounds("overwrite", lambda: self._overwrite(subject.dup()))
        self._rounds("iterate", lambda: whole(lambda: [*subject.ranges()], n, limits))
        for name, (low, high, size) in plan.searches.items():
            search = subject.lowest_gap if name.startswith("lowest") else subject.highest_gap
            self._rounds(name, lambda search=search, a=(low, high, size): self._search(search, *a))  # type: ignore[misc]
        self._rounds("dup", lambda: whole(subject.dup, n, limits))
        self._rounds("dup and replace", lambda: whole(replaced, n, limits))
        self._rounds("copy one by one", lambda: self._build((*subject.ranges(),)))
        if isinstance(subject, Ours):
            self._rounds("copy by bulk load", lambda: whole(lambda: loaded(plan.ranges), n, limits))
        else:
            self.figures["copy by bulk load"] = Figure(missing="-")
        self.figures["memory per entry"] = self._memory(subject)
        return self.figures

    def _rounds(self, name: str, measure: Callable[[], float]) -> None:
        self.figures[name] = rounds(measure, self.limits)

    def _build(self, ranges: Sequence[tuple[int, int, int]]) -> float:
        store = self.make().store
        return each(lambda range_: store(*range_), ranges, self.limits)

    def _overwrite(self, subject: Map) -> float:
        store = subject.store
        return each(lambda range_: store(*range_), self.plan.overwrites, self.limits)

    def _search(self, search: Callable[[int, int, int], Any], low: int, high: int, size: int) -> float:
        """As many searches as there is time for in one round, at least one."""
        first = whole(lambda: search(low, high, size), 2000, self.limits) * 2000
        count = int(min(FEW, max(1, 2e7 // max(1.0, first))))
        return each(lambda _: search(low, high, size), range(count), self.limits)

    def _memory(self, subject: Map) -> Figure:
        n = len(self.plan.ranges)
        if n < QUICK_SIZES[-1]:
            return Figure(missing="-")
        copies = max(1, 30_000 // n)
        try:
            found = grown(lambda: built(self.make, self.plan.ranges, self.limits), copies)
        except TooSlow as slow:
            return Figure(missing=str(slow))
        return Figure(missing="not told here") if found is None else figure([found / (copies * n)])


def nothing(_first: int, _last: int, _entry: Any) -> None:
    """Does nothing."""


def loaded(ranges: Sequence[tuple[int, int, int]]) -> MapleTree:
    """A tree loaded in order with all nodes got ahead, as fork did before __mt_dup."""
    tree = MapleTree(alloc_range=True)
    cursor = Cursor(tree)
    cursor.expected_entries(len(ranges))
    for first, last, entry in ranges:
        cursor.set_range(first, last)
        cursor.store(entry)
    cursor.destroy()
    return tree


def run(
    sizes: Sequence[int] = SIZES,
    limits: Limits | None = None,
    subjects: dict[str, Callable[[], Map]] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Result:
    """Measure everything on one core."""
    limits = limits or Limits()
    result = Result(sizes=tuple(sizes))
    with one_core(), bench_kernel.kernel() as (kernel, reason):
        result.kernel = reason
        for n in sizes:
            plan = layout(n)
            for name, make in (subjects or SUBJECTS).items():
                tell(f"n = {n:,}: {name}")
                try:
                    figures = Bench(make, plan, limits).run()
                except ImportError:
                    figures = dict.fromkeys(OPERATIONS, Figure(missing="not installed"))
                _take(result, n, name, figures)
            tell(f"n = {n:,}: {C_TREE}")
            missing = dict.fromkeys(OPERATIONS, Figure(missing="no C tree"))
            measured = bench_kernel.measure(kernel, plan, limits) if kernel else {}
            _take(result, n, C_TREE, missing | measured)
    return result


def _take(result: Result, n: int, subject: str, figures: dict[str, Figure]) -> None:
    for operation, found in figures.items():
        result.figures[n, operation, subject] = found
