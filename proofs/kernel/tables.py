"""Page tables as C meets them: a table that stands for all, what leads to it, and things of which nothing is
kept.

Entries off the way to the table in question are empty: what is below them is some other table's matter, and
each table is decided by itself. Addresses of tables are this module's own; the code comes to them by its own
arithmetic, over page_offset_base and vmemmap_base.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import claim
from mapleproof.proofs.engine.words import choose
from mapleproof.proofs.ir.arithmetic import Value, is_not_zero, term, tidy, truth
from mapleproof.proofs.ir.machine import Machine

DIRECT_MAP, STRUCT_PAGES = 0xFFFF_8880_0000_0000, 0xFFFF_EA00_0000_0000
"""Where memory and its struct pages are mapped."""

STRUCT_PAGE = 64
PAGE = 4096
PRESENT = 0x67
"""The flags of an entry that leads to a table: _PAGE_TABLE of arch/x86."""

SHIFTS = {1: 21, 2: 30, 3: 39, 4: 48}
"""Of what a table of a level spans, from the lowest level up."""

NAMES = {1: "pte", 2: "pmd", 3: "pud", 4: "p4d", 5: "pgd"}


def address_of(level: int) -> int:
    """Where the one table of a level lies."""
    return DIRECT_MAP + (level << 12) + 0x100_0000


def struct_page_of(level: int) -> int:
    """Its struct page."""
    return STRUCT_PAGES + (address_of(level) - DIRECT_MAP) // PAGE * STRUCT_PAGE


def entry_to(level: int) -> int:
    """The entry that leads to it."""
    return (address_of(level) - DIRECT_MAP) | PRESENT


def index(address: Any, shift: int) -> Any:
    """Nine bits of an address, times the size of an entry: the offset of its entry."""
    return z3.Concat(z3.BitVecVal(0, 52), z3.Extract(shift + 8, shift, address), z3.BitVecVal(0, 3))


class Whatever:
    """A struct of whose members nothing is kept but some at known offsets: what is read may be anything."""

    size = 1 << 14

    def __init__(self, machine: Machine, name: str, members: dict[int, int] | None = None) -> None:
        self.machine, self.name, self.members = machine, name, members or {}
        self.base = machine.reserve(self.size)
        machine.place(self)

    def load(self, offset: Value, size: int) -> Value:
        if isinstance(offset, int) and size == 8 and offset in self.members:
            return self.members[offset]
        return self.machine.new(self.name, 8 * size)

    def store(self, offset: Value, size: int, value: Value) -> None:
        """It is forgotten."""


class Leading:
    """A table above the one in question: ``way`` is the offset of its one entry that leads there, None where
    none does. ``cleared`` is told when that entry, or another one, is."""

    size = PAGE

    def __init__(self, level: int, way: Any, cleared: Callable[[int, bool], None]) -> None:
        self.level, self.base, self.name = level, address_of(level), f"table of level {level}"
        self.way, self.value, self.cleared = way, entry_to(level - 1), cleared

    def load(self, offset: Value, size: int) -> Value:
        return self.value if self.way is not None and self._is_way(offset) else 0

    def store(self, offset: Value, size: int, value: Value) -> None:
        claim("an entry is cleared and nothing else", _is_zero(value))
        own = self.way is not None and self._is_way(offset)
        if own:
            self.value = 0
        self.cleared(self.level, own)

    def _is_way(self, offset: Value) -> bool:
        return truth(z3.simplify(term(offset, 64) == self.way))


class Filled:
    """The table in question: any of its entries is there or not."""

    size = PAGE

    def __init__(self, machine: Machine, level: int) -> None:
        self.machine, self.level = machine, level
        self.base, self.name = address_of(level), f"table of level {level}"
        self.seen: list[tuple[Value, int]] = []

    def load(self, offset: Value, size: int) -> Value:
        for at, value in self.seen:
            if _same(at, offset):
                return value
        self.machine.fresh += 1
        there = choose(f"entry {self.machine.fresh} of {NAMES[self.level]} is there")
        self.seen.append((offset, entry_to(self.level - 1) if there else 0))
        return self.seen[-1][1]

    def store(self, offset: Value, size: int, value: Value) -> None:
        claim("an entry is cleared and nothing else", _is_zero(value))
        self.seen = [(at, 0 if _same(at, offset) else value) for at, value in self.seen]


def _same(one: Value, other: Value) -> bool:
    """Whether two offsets are written the same way."""
    if isinstance(one, int) or isinstance(other, int):
        return bool(isinstance(one, int) and isinstance(other, int) and one == other)
    return bool(tidy(one).eq(tidy(other)))


def _is_zero(value: Value) -> Any:
    return not is_not_zero(value) if isinstance(value, int) else value == 0
