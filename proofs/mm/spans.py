"""Formulas about tables and ranges. An end or a ceiling of 0 is the top: ends are compared by what lies
just below them.

``exact`` is the sentence about free_pgd_range() that `free_pgd_range_exact` proves and that stands for the
call in the claims about whole teardowns. The base of a table is a multiple of its span, so ``base |
(span - 1)`` is its last address, which costs the solver nothing.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.words import term_of


def last_of(base: Any, span: int) -> Any:
    """The last address of the table at ``base``."""
    return term_of(base) | (span - 1)


def meets(base: Any, span: int, addr: Any, end: Any) -> Any:
    """The table at ``base`` and [addr, end), which is not empty, have an address in common."""
    return z3.And(z3.ULE(term_of(addr), last_of(base, span)), z3.ULE(term_of(base), term_of(end) - 1))


def inside(base: Any, span: int, floor: Any, ceiling: Any) -> Any:
    """The table's span lies inside [floor, ceiling)."""
    return z3.And(z3.ULE(term_of(floor), term_of(base)), z3.ULE(last_of(base, span), term_of(ceiling) - 1))


def exact(base: Any, span: int, addr: Any, end: Any, floor: Any, ceiling: Any) -> Any:
    """A table goes: it meets [addr, end) and lies inside [floor, ceiling)."""
    return z3.And(meets(base, span, addr, end), inside(base, span, floor, ceiling))


def proper(addr: Any, end: Any, floor: Any, ceiling: Any) -> Any:
    """What free_pgd_range() may be called with: floor <= addr < end <= ceiling."""
    addr, end, floor, ceiling = (term_of(word) for word in (addr, end, floor, ceiling))
    return z3.And(z3.ULE(floor, addr), z3.ULE(addr, end - 1), z3.ULE(end - 1, ceiling - 1))


def holds(addr: Any, start: Any, end: Any) -> Any:
    """``addr`` lies in [start, end), an end of 0 being the top."""
    addr, start, end = term_of(addr), term_of(start), term_of(end)
    return z3.And(z3.ULE(start, addr), z3.ULE(addr, end - 1))
