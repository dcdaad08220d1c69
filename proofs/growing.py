"""Proofs whose bounds grow: the same program for one VMA, range or slot more each time.

`mapleproof prove` proves each claim at fixed bounds, chosen so that all of it takes minutes. Where there is a
night, the same programs are executed for larger sizes, until one comes to no answer. What holds at a size
holds for that size only; claims that hold for any number do so by induction, in `prove`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mapleproof.impl.mm.geometry import X86_64
from mapleproof.proofs import (
    free_pgtables_gathering,
    gap_is_exact,
    model_laws,
    munmap_exact,
    recoveries_agree,
    undo_exact,
    write_kinds,
)
from mapleproof.proofs.engine.claim import Refutation, ToCase
from mapleproof.proofs.engine.paths import Paths, Program
from mapleproof.proofs.maple import cases as tree_cases
from mapleproof.proofs.maple.one_leaf import WIDE
from mapleproof.proofs.maple.slots import NEW
from mapleproof.proofs.mm.layouts import fork_to_case
from mapleproof.props.common.files import Case


@dataclass(frozen=True, slots=True)
class Series:
    """A claim's program by size: ``first`` and ``last`` bound the sizes (None: no bound), and ``make``
    gives the program. ``part`` is what the claim calls it, with ``{size}`` in it; ``to_case`` makes a case
    of a counterexample."""

    name: str
    claim: str
    part: str
    make: Callable[[int], Program]
    to_case: ToCase
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
    part = series.part.format(size=size)
    found = Paths(series.make(size)).explore()
    figures = (found.paths, found.queries, found.seconds)
    if found.refuted is not None:
        refutation = Refutation(part, *found.refuted)
        case = series.to_case(part, refutation.inputs)
        if case is not None:
            case = Case(replace(case.header, name=f"{series.claim}-{part}"), case.steps)
        return Grown(name, size, "refuted", *figures, str(refutation), case)
    if not found.proved:
        told = "; ".join(found.unknown) or "not all paths were visited, or there is none"
        return Grown(name, size, "inconclusive", *figures, told)
    return Grown(name, size, "proved", *figures)


def _all() -> list[Series]:
    """Every series, by the order of the claims."""
    slots = WIDE.leaf_slots
    laws: dict[str, Callable[[int], Program]] = {
        "store": lambda size: model_laws.store_then_load(size, 98),
        "NULL": lambda size: model_laws.store_then_load(size, None),
        "load": model_laws.load,
        "stores commute": lambda size: model_laws.two_stores(size, False),
        "lowest gap": lambda size: model_laws.gap(size, False),
        "highest gap": lambda size: model_laws.gap(size, True),
    }
    gathering = free_pgtables_gathering
    return [
        Series(
            gathering.CLAIM.name, gathering.CLAIM.name, "{size} VMAs", gathering.program, gathering.to_case
        ),
        *(_undo(name) for name in undo_exact.RIGHT),
        Series(
            "recoveries_agree",
            "recoveries_agree",
            "zero_marker_6_17 and unmap_in_place, {size} copied, one left",
            lambda size: recoveries_agree.program("zero_marker_6_17", size, 1),
            fork_to_case(lambda part: X86_64),
        ),
        Series(
            "munmap_exact",
            "munmap_exact",
            "{size} VMAs, 1 left, 1 right",
            lambda size: munmap_exact.program(size, 1, 1),
            munmap_exact.to_case,
        ),
        _leaf("NULL", "NULL, leaf of {size} slots", None),
        _leaf("entry", "entry, leaf of {size} slots, NULLs", NEW),
        Series(
            "gap_is_exact leaf",
            "gap_is_exact",
            "leaf of {size} slots",
            gap_is_exact.leaf_program,
            gap_is_exact.to_case,
            last=slots,
        ),
        *(_law(law, make) for law, make in laws.items()),
    ]


def _undo(name: str) -> Series:
    def make(size: int) -> Program:
        return undo_exact.program(name, size, 1)

    part = f"{name}, {{size}} copied, 1 left"
    return Series(f"undo_exact {name}", "undo_exact", part, make, fork_to_case(lambda part: X86_64))


def _leaf(name: str, part: str, entry: Any) -> Series:
    def make(size: int) -> Program:
        return write_kinds.leaf_program(size, WIDE, entry, True)

    return Series(f"write_kinds {name}", "write_kinds", part, make, tree_cases.to_case, last=WIDE.leaf_slots)


def _law(law: str, make: Callable[[int], Program]) -> Series:
    return Series(f"model_laws {law}", "model_laws", f"{law}, {{size}} ranges", make, model_laws.to_case, 0)


SERIES: dict[str, Series] = {series.name: series for series in _all()}
"""Every series by its name."""
