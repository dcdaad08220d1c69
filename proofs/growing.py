"""Proofs whose bounds grow: the same program for one VMA, range or slot more each time.

`mapleproof prove` proves each claim at fixed bounds, chosen so that all of it takes minutes. Where there is a
night, the same programs are executed for larger sizes, until one comes to no answer. What holds at a size
holds for that size only; claims that hold for any number do so by induction, in `prove`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from proofs import (
    free_pgtables_gathering,
    gap_is_exact,
    model_laws,
    munmap_exact,
    recoveries_agree,
    undo_exact,
    write_kinds,
)
from proofs.claim import Refutation
from proofs.one_leaf import WIDE
from proofs.paths import Paths, Program
from proofs.registry import CLAIMS
from proofs.slots import NEW
from props.cases.files import Case


@dataclass(frozen=True, slots=True)
class Series:
    """A claim's program by size: ``first`` and ``last`` bound the sizes (None: no bound), ``unit`` is what a
    size counts, and ``make`` gives the program."""

    name: str
    claim: str
    unit: str
    make: Callable[[int], Program]
    first: int = 1
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Grown:
    """What came of one size of a series. ``verdict`` is proved, refuted or inconclusive; ``told`` says why
    it is not proved; ``case`` shows a refutation, where the claim can tell one. ``seconds`` are the
    processor's."""

    series: str
    size: int
    verdict: str
    paths: int
    queries: int
    seconds: float
    told: str = ""
    case: Case | None = None


def grow(name: str, size: int) -> Grown:
    """Prove one size of a series. Raises KeyError where there is none of that name."""
    series = SERIES[name]
    part = f"{series.name}, {size} {series.unit}"
    found = Paths(series.make(size)).explore()
    figures = (found.paths, found.queries, found.seconds)
    if found.refuted is not None:
        refutation = Refutation(part, *found.refuted)
        claim = CLAIMS[series.claim]
        case = None if claim.to_case is None else claim.to_case(part, refutation.inputs)
        if case is not None:
            case = Case(replace(case.header, name=part), case.steps)
        return Grown(name, size, "refuted", *figures, str(refutation), case)
    if not found.proved:
        told = "; ".join(found.unknown) or "not all paths were visited, or there is none"
        return Grown(name, size, "inconclusive", *figures, told)
    return Grown(name, size, "proved", *figures)


def _all() -> list[Series]:
    """Every series, by the order of the claims."""
    undo = [
        Series(f"undo_exact {name}", "undo_exact", "VMAs copied, 1 left", partial(_undo, name))
        for name in undo_exact.RIGHT
    ]
    laws = {
        "store": lambda size: model_laws.store_then_load(size, 98),
        "NULL": lambda size: model_laws.store_then_load(size, None),
        "load": model_laws.load,
        "stores commute": lambda size: model_laws.two_stores(size, False),
        "lowest gap": lambda size: model_laws.gap(size, False),
        "highest gap": lambda size: model_laws.gap(size, True),
    }
    return [
        Series("free_pgtables_gathering", "free_pgtables_gathering", "VMAs", free_pgtables_gathering.program),
        *undo,
        Series("recoveries_agree", "recoveries_agree", "VMAs copied, 1 left", _agree),
        Series("munmap_exact", "munmap_exact", "VMAs", lambda size: munmap_exact.program(size, 1, 1)),
        Series(
            "write_kinds NULL",
            "write_kinds",
            "slots in a leaf",
            lambda size: write_kinds.leaf_program(size, WIDE, None, True),
            last=WIDE.leaf_slots,
        ),
        Series(
            "write_kinds entry",
            "write_kinds",
            "slots in a leaf, NULLs among them",
            lambda size: write_kinds.leaf_program(size, WIDE, NEW, True),
            last=WIDE.leaf_slots,
        ),
        Series(
            "gap_is_exact leaf",
            "gap_is_exact",
            "slots in a leaf",
            gap_is_exact.leaf_program,
            last=WIDE.leaf_slots,
        ),
        *(Series(f"model_laws {law}", "model_laws", "ranges", make, 0) for law, make in laws.items()),
    ]


def _undo(name: str, size: int) -> Program:
    return undo_exact.program(name, size, 1)


def _agree(size: int) -> Program:
    return recoveries_agree.program("zero_marker_6_17", size, 1)


SERIES: dict[str, Series] = {series.name: series for series in _all()}
"""Every series by its name."""
