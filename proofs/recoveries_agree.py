"""Recoveries that free the same: two of them executed over the same VMAs, page tables and pages compared.

Where a VMA is left: undo_v3, undo_v4, open_coded, zero_marker and unmap_in_place free the same tables. Where
none is left, zero_marker and unmap_in_place do; undo_v4 zaps nothing then, and open_coded crashes, which are
twins.

Not covered: hugetlb VMAs in tables of their own, where open_coded differs.
"""

from __future__ import annotations

import z3  # type: ignore[import-untyped]

from impl.mm.geometry import X86_64
from impl.mm.recovery import RECOVERIES
from proofs.claim import Claim, Edit, Twin, main
from proofs.paths import Program, claim
from proofs.stage import populated
from proofs.undo_exact import failed_fork, undo
from proofs.words import Word

BASE = "unmap_in_place"


def program(other: str, copied: int, left: int) -> Program:
    """One recovery and unmap_in_place over the same VMAs."""

    def run() -> None:
        stages = []
        for name in (BASE, other):
            # The inputs of both have the same names, so they are the same
            stage, fork, own = failed_fork(copied, left, X86_64, False)
            undo(RECOVERIES[name], stage, fork)
            stages.append(stage)
        one, two = stages
        for level in range(1, X86_64.levels):
            span = X86_64.span(level)
            table = Word.named(f"table{level}", X86_64.shift(level))
            same = one.goes(table, span) == two.goes(table, span)
            there = populated(table, span, own)
            claim(f"a table of level {level} goes in both or in neither", z3.Implies(there, same))
        page = Word.named("page", X86_64.page_shift)
        claim("a page is zapped in both or in neither", one.zapped(page) == two.zapped(page))

    return run


LEFT = ("undo_v3", "undo_v4", "open_coded", "zero_marker")

CLAIM = Claim(
    name="recoveries_agree",
    sentence="Where a VMA is left, undo_v3, undo_v4, open_coded and zero_marker free the tables and zap the"
    " pages that unmap_in_place does; where none is left, zero_marker does.",
    formula="T meets some VMA copied  =>  (freed by one(T) <=> freed by the other(T));"
    "  zapped by one(p) <=> zapped by the other(p)",
    bounds="1 and 2 VMAs copied anywhere in order below task_size; levels 1 to 3; no hugetlb",
    executes=("recovery.*.recover", "exit.exit_mmap", "teardown.unmap_vmas", "teardown.free_pgtables"),
    parts={f"{name}, {copied} copied, 1 left": program(name, copied, 1) for name in LEFT for copied in (1, 2)}
    | {f"zero_marker, {copied} copied, none left": program("zero_marker", copied, 0) for copied in (1, 2)},
    twins=(
        Twin("undo_v4_none_left", "nothing is zapped", programs=(program("undo_v4", 1, 0),)),
        Twin("open_coded_none_left", "NULL is followed", programs=(program("open_coded", 1, 0),)),
        Twin(
            "no_second_call",
            "the lines of the review without their free_pgd_range()",
            (
                Edit(
                    "impl.mm.recovery.open_coded:OpenCoded.unmap_region",
                    "first.start, ceiling, shape.first_user, shape.ceiling",
                    "first.start, ceiling, shape.first_user, ceiling",
                ),
            ),
            ("open_coded, 1 copied, 1 left",),
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
