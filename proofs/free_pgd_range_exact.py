"""free_pgd_range() frees a populated table if and only if it meets the range and lies between the limits.

One arbitrary table at a time: each is decided by itself. The table stands right below the topmost one; what
the tables between them would hand down is their own part of the range, and cut to this table's span that is
the same ("parts of parts" below). ``met()`` is a formula here; what the shipped one hands down rests on
``step_end``, which is proved as well.

Not covered: calls that break floor <= addr < end <= ceiling, and the dictionary look-ups of Table.met().
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.flags import VM_HUGETLB, VM_READ, VM_WRITE
from mapleproof.impl.mm.free_range import free_pgd_range
from mapleproof.impl.mm.geometry import X86_64, X86_64_LA57, PageGeometry
from mapleproof.impl.mm.limits import step_end
from mapleproof.proofs.engine.cases import space_case
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.paths import Program, assume, claim
from mapleproof.proofs.engine.words import FULL, Condition, Word, term_of
from mapleproof.proofs.mm.layouts import between
from mapleproof.proofs.mm.spans import exact, meets, proper
from mapleproof.props.common.files import Case
from mapleproof.props.mm import operations as ops


class OneTable:
    """A table of ``level`` at ``base``, in the place of the topmost, and of one of hugetlb's kind or not.
    ``below`` is what is below it, ``always`` what is below it and met by any range."""

    def __init__(self, level: int, span: int, base: Any, below: OneTable | None, huge: bool = False) -> None:
        self.level = level
        self.span = span
        self.base = base
        self.below = below
        self.huge = huge
        self.always: OneTable | None = None

    def met(self, addr: Any, end: Any) -> Iterator[tuple[OneTable, Word, Word]]:
        """The table below, if it meets [addr, end), with the part of the range in its span."""
        if self.always is not None:
            yield self.always, Word(term_of(addr)), Word(term_of(end))
        if self.below is not None:
            base, span = self.below.base, self.below.span
            if Condition(meets(base, span, addr, end)):
                yield self.below, *part(base, span, addr, end)


def part(base: Any, span: int, addr: Any, end: Any) -> tuple[Word, Word]:
    """[addr, end) cut to a table that meets it."""
    base, addr, end = term_of(base), term_of(addr), term_of(end)
    low = z3.If(z3.ULT(addr, base), base, addr)
    high = z3.If(z3.ULT(base | (span - 1), end - 1), base + span, end)
    return Word(low), Word(high)


class Freed:
    """Where freed tables go: the order is kept."""

    def __init__(self) -> None:
        self.tables: list[OneTable] = []
        self.lost: list[OneTable] = []

    def free_table(self, table: OneTable) -> None:
        self.tables.append(table)

    def clear_bad(self, table: OneTable) -> None:
        self.lost.append(table)


def inputs(shape: PageGeometry) -> tuple[Word, Word, Word, Word]:
    """addr, end, floor and ceiling as callers may pass them."""
    addr, end, floor, ceiling = (
        Word.named(name, shape.page_shift) for name in ("addr", "end", "floor", "ceiling")
    )
    assume(proper(addr, end, floor, ceiling))
    return addr, end, floor, ceiling


def level_program(shape: PageGeometry, level: int, huge: bool = False) -> Program:
    """One arbitrary table of ``level``, with one of the lowest level below it that is met."""

    def program() -> None:
        addr, end, floor, ceiling = inputs(shape)
        base = Word.named("table", shape.shift(level))
        leaf = OneTable(1, shape.span(1), base, None) if level > 1 else None
        table = OneTable(level, shape.span(level), base, None, huge and level == 1)
        if leaf is not None:
            # Somewhere in the span, and met: what is below is taken apart before
            table.always = leaf
        top = OneTable(shape.levels, 1 << 64, 0, table)
        freed = Freed()
        free_pgd_range(freed, top, shape, addr, end, floor, ceiling, huge)  # type: ignore[arg-type]
        goes = exact(base, shape.span(level), addr, end, floor, ceiling)
        gone = [one for one in freed.tables if one is table]
        claim(
            f"a table of level {level} goes if and only if it meets the range and lies inside the limits",
            goes if gone else z3.Not(goes),
        )
        claim("a table goes at most once", len(gone) <= 1 and not freed.lost)
        if gone and leaf is not None:
            claim("a child goes before its parent", freed.tables == [leaf, table])

    return program


def damage_program(shape: PageGeometry) -> Program:
    """The plain variant at a table of hugetlb's kind: it is not freed, its entry is cleared."""

    def program() -> None:
        addr, end, floor, ceiling = inputs(shape)
        table = OneTable(1, shape.span(1), Word.named("table", shape.shift(1)), None, True)
        freed = Freed()
        top = OneTable(shape.levels, 1 << 64, 0, table)
        free_pgd_range(freed, top, shape, addr, end, floor, ceiling)  # type: ignore[arg-type]
        goes = exact(table.base, table.span, addr, end, floor, ceiling)
        claim("what would go is lost instead", (goes if freed.lost else z3.Not(goes)))
        claim("none is freed", not freed.tables)

    return program


def step_program(shape: PageGeometry, level: int, most: int = FULL) -> Program:
    """step_end(): the part of a range that one entry covers, up to an end that may be given."""

    def program() -> None:
        addr, end = (Word.named(name, shape.page_shift) for name in ("addr", "end"))
        assume(z3.ULE(addr.term, end.term - 1))
        assume(z3.ULE(end.term - 1, most - 1) if most < FULL else True)
        span = shape.span(level)
        found = step_end(addr, end, span)  # type: ignore[arg-type]
        last = addr.term | (span - 1)
        right = z3.If(z3.ULT(last, end.term - 1), last, end.term - 1)
        claim("the part ends with the entry or with the range", term_of(found) - 1 == right)

    return program


def parts_program(shape: PageGeometry, level: int) -> Program:
    """About the formulas, not the code: a part of a part is the part."""

    def program() -> None:
        addr, end = (Word.named(name, shape.page_shift) for name in ("addr", "end"))
        base = Word.named("table", shape.shift(level))
        assume(z3.ULE(addr.term, end.term - 1))
        upper, size = base.term & ~(shape.span(level + 1) - 1), shape.span(level + 1)
        span = shape.span(level)
        low, high = part(Word(upper), size, addr, end)
        both = z3.And(meets(Word(upper), size, addr, end), meets(base, span, low, high))
        claim("it is met through the table above as without it", both == meets(base, span, addr, end))
        assume(both)
        through, without = part(base, span, low, high), part(base, span, addr, end)
        same = [one.term == other.term for one, other in zip(through, without, strict=True)]
        claim("and gets the same part of the range", z3.And(*same))

    return program


def _parts() -> dict[str, Program]:
    parts: dict[str, Program] = {}
    # The code is not told how many levels there are, and a level spans the same with four and with five
    for level in range(1, X86_64_LA57.levels):
        shape = X86_64 if level < X86_64.levels else X86_64_LA57
        assert shape.span(level) == X86_64_LA57.span(level)
        parts[f"{shape.levels} levels, table of level {level}"] = level_program(shape, level)
    parts["hugetlb's own table"] = level_program(X86_64, 1, True)
    parts["hugetlb's own table met as a plain one"] = damage_program(X86_64)
    for level in range(1, X86_64_LA57.levels):
        parts[f"step_end at level {level}"] = step_program(X86_64_LA57, level)
        parts[f"parts of parts at level {level}"] = parts_program(X86_64_LA57, level)
    return parts


def to_case(part: str, inputs: dict[str, int]) -> Case | None:
    """The munmap() that comes to such a call: a VMA over the range, neighbours at the limits."""
    floor, ceiling = inputs.get("floor", inputs["addr"]), inputs.get("ceiling", 0)
    shape = X86_64_LA57 if "5 levels" in part else X86_64
    return between(inputs, [(inputs["addr"], inputs["end"])], floor, ceiling, shape)


def huge_to_case(_part: str, _inputs: dict[str, int]) -> Case:
    """munmap() of one page of hugetlb, which has a table of its own kind."""
    shape = replace(X86_64, hugepd=True)
    program = [ops.Mmap(0, 0, shape.page, VM_READ | VM_WRITE | VM_HUGETLB, 1), ops.Touch(0, 0, shape.page)]
    return space_case("hugetlb", [*program, ops.Munmap(0, 0, shape.page)], shape, "page tables freed exactly")


NARROW = "impl.mm.limits:narrow"
GOES = "impl.mm.limits:table_goes"
STEP = "impl.mm.limits:step_end"
BELOW = "impl.mm.free_range:free_below"


def _head(name: str, what: str, old: str, new: str) -> Twin:
    return Twin(name, what, (Edit(NARROW, old, new),), ("4 levels, table of level 1",))


def _upper(name: str, what: str, old: str, new: str) -> Twin:
    return Twin(name, what, (Edit(GOES, old, new),), ("4 levels, table of level 2",))


CLAIM = Claim(
    name="free_pgd_range_exact",
    sentence="A populated table goes if and only if it meets [addr, end) and its aligned span lies inside"
    " [floor, ceiling); a child goes before its parent.",
    formula="floor <= addr < end <= ceiling  =>  (freed(T) <=> T meets [addr, end) and floor <= T.start and"
    " T.last <= ceiling - 1), all modulo 2**64",
    bounds="all page-aligned 64-bit addr, end, floor, ceiling; any table of any level; 4 and 5 levels of 512"
    " entries",
    executes=(
        "free_range.free_pgd_range",
        "free_range.free_below",
        "limits.narrow",
        "limits.table_goes",
        "limits.step_end",
        "words.wrap",
        "words.round_down",
    ),
    around=("geometry",),
    parts=_parts(),
    twins=(
        _head("floor_not_strict", "<= for < at the floor", "addr < floor", "addr <= floor"),
        _head(
            "ceiling_not_aligned",
            "the ceiling is not brought down in the head",
            "ceiling = round_down(ceiling, size)",
            "ceiling = round_down(ceiling, 1)",
        ),
        _head(
            "ends_not_wrapped",
            "end and ceiling are compared as they are",
            "wrap(end - 1) > wrap(ceiling - 1)",
            "end > ceiling",
        ),
        _upper(
            "upper_floor",
            "<= for < at an upper table's floor",
            "round_down(addr, size) < floor",
            "round_down(addr, size) <= floor",
        ),
        _upper(
            "upper_mask",
            "an off-by-one in the mask of an upper table's ceiling",
            "ceiling = round_down(ceiling, size)",
            "ceiling = round_down(ceiling, size >> 1)",
        ),
        _upper(
            "upper_bottom",
            "a ceiling that comes down to 0 is taken for the top",
            "if ceiling == 0:",
            "if ceiling == 1:",
        ),
        _upper(
            "upper_ceiling",
            "< for <= at an upper table's ceiling",
            "wrap(end - 1) <= wrap(ceiling - 1)",
            "wrap(end - 1) < wrap(ceiling - 1)",
        ),
        Twin(
            "step_too_short",
            "an entry is rounded before the step",
            (Edit(STEP, "wrap(addr + size)", "wrap(addr)"),),
            programs=(step_program(X86_64, 1, X86_64.task_size),),
        ),
        Twin(
            "huge_is_lost",
            "hugetlb's variant does not know its own tables",
            (Edit(BELOW, "not huge", "huge"),),
            ("hugetlb's own table",),
            to_case=huge_to_case,
        ),
    ),
    to_case=to_case,
)

if __name__ == "__main__":
    main(CLAIM)
