"""What `mapleproof bench tree` prints: a table for each n, and how far each target is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from props.bench.measure import Figure
from props.bench.tree import C_TREE, OPERATIONS, OURS, Result

FASTER = 20
"""How many times faster a search for a gap is to be than any rival's."""

WITHIN = 2
"""How many times the fastest rival's time a write or load may take, and the C tree's dup a copy."""


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
            for operation in OPERATIONS:
                if "gap" in operation:
                    yield _against_rivals(result, n, operation, 1 / FASTER)
        if n >= 12821:
            for operation in ("overwrite", "load", "build at random"):
                yield _against_rivals(result, n, operation, WITHIN)
        if n == 51221:
            for operation in ("dup", "dup and replace"):
                c_dup = result.figures[n, "dup", C_TREE]
                ours = result.figures[n, operation, OURS]
                ratio = None if c_dup.missing or ours.missing else ours.median / c_dup.median
                yield Target(operation, n, ratio, WITHIN, f"{C_TREE}'s dup")


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
