"""What `mapleproof bench tree` prints: a table for each n, and how far each target is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from mapleproof.bench.measure import Figure
from mapleproof.bench.tree import C_TREE, CALL, OPERATIONS, OURS, Result

FASTER = 100
"""How many times faster a search for a far gap, or for none, is to be than any rival's."""

WITHIN = 1.5
"""How many times the C tree's time ours may take. What a call of a Python function costs is taken off before,
where there is one around each of ours (all but ``load``): so it is the trees that are compared."""

CALLED = ("build in order", "build at random", "overwrite", "load", "lowest gap, near", "highest gap, near")
"""Operations that are one call each: faster than any rival, and within that of the C tree."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target at one n: ``ratio`` of ours to ``of``, which is to be at most ``limit``; None if unknown."""

    name: str
    n: int
    ratio: float | None
    limit: float
    of: str = ""

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return "not known"
        if self.ratio <= self.limit:
            return "met"
        return f"missed, {self.ratio / self.limit:.1f} times too slow"


def targets(result: Result) -> Iterator[Target]:
    """All targets that the sizes of a run allow to judge."""
    for n in result.sizes:
        if n >= 1621:
            for operation in CALLED:
                yield _against_rivals(result, n, operation, 1)
                yield _against_c_tree(result, n, operation)
            for operation in OPERATIONS:
                if "gap" in operation and operation not in CALLED:
                    yield _against_rivals(result, n, operation, 1 / FASTER)
        if n >= 12821:
            yield _against_rivals(result, n, "dup and replace", 1)
        if n == 51221:
            yield _against_c_tree(result, n, "dup")


def _against_c_tree(result: Result, n: int, operation: str) -> Target:
    def median(operation: str, subject: str) -> float | None:
        found = result.figures.get((n, operation, subject), Figure(missing="-"))
        return None if found.missing else found.median

    ours, theirs = median(operation, OURS), median(operation, C_TREE)
    call = median(CALL, OURS) if operation in CALLED and operation != "load" else 0.0
    ratio = None if ours is None or theirs is None or call is None else (ours - call) / theirs
    return Target(operation, n, ratio, WITHIN, C_TREE)


def _against_rivals(result: Result, n: int, operation: str, limit: float) -> Target:
    figures = {
        subject: figure.median
        for subject in result.subjects
        if subject not in (OURS, C_TREE)
        and (figure := result.figures.get((n, operation, subject), Figure(missing="-"))).missing == ""
    }
    ours = result.figures.get((n, operation, OURS), Figure(missing="-"))
    if not figures or ours.missing:
        return Target(operation, n, None, limit)
    fastest = min(figures, key=lambda subject: figures[subject])
    return Target(operation, n, ours.median / figures[fastest], limit, fastest)


def show(result: Result, console: Console) -> None:
    """All of it."""
    for n in result.sizes:
        table = Table(title=f"n = {n:,}: nanoseconds for each entry or call, memory in bytes")
        table.add_column("")
        for subject in result.subjects:
            table.add_column(subject, justify="right")
        for operation in OPERATIONS:
            row = [
                result.figures.get((n, operation, subject), Figure(missing="-"))
                for subject in result.subjects
            ]
            table.add_row(operation, *(str(figure) for figure in row))
        console.print(table)
    console.print(f"C tree: {result.kernel}", markup=False)
    table = Table(title="Targets")
    for name in ("n", "target", "ours is", "of", "at most", "verdict"):
        table.add_column(name)
    for target in targets(result):
        ratio = "?" if target.ratio is None else f"{target.ratio:.3g} times"
        limit = f"{target.limit:.3g} times"
        table.add_row(f"{target.n:,}", target.name, ratio, target.of, limit, target.verdict)
    console.print(table)


def as_json(result: Result) -> dict[str, Any]:
    """Every figure, for a program."""
    return {
        "kernel": result.kernel,
        "figures": [
            {"n": n, "operation": operation, "subject": subject, **figure.as_json()}
            for (n, operation, subject), figure in result.figures.items()
        ],
        "targets": [
            {"n": t.n, "target": t.name, "ratio": t.ratio, "limit": t.limit, "of": t.of, "verdict": t.verdict}
            for t in targets(result)
        ],
    }
