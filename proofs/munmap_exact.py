"""munmap() of whole VMAs frees exactly the page tables that no VMA left behind still needs.

take_out() is executed with a neighbour on the left or none, one on the right or none, and VMAs between them.
The walk goes over a maple tree of its own, by number: that one is the shipped tree.

Not covered: splitting VMAs at the ends, storing NULL over the range, charges, hugetlb VMAs.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from impl.mm.geometry import X86_64
from impl.mm.objects import Vma
from impl.mm.split import take_out
from proofs.claim import Claim, Edit, Twin, main
from proofs.paths import Program, assume, claim
from proofs.spans import exact, holds, meets
from proofs.stage import Stage, claim_order, mapped, on_stage, populated, vmas
from proofs.words import Word, term_of


class Around:
    """What take_out() asks the tree: the VMA before, and to hold nothing in the range."""

    def __init__(self, stage: Stage, before: list[Vma]) -> None:
        self.entries = stage.tree.entries
        self.before = before
        self.cleared: tuple[Any, Any] | None = None

    def prev(self, index: Any, _limit: int) -> tuple[Any, ...] | Any:
        """The VMA below ``index``."""
        return self.before[0] if self.before else None

    def store_range(self, first: Any, last: Any, _entry: None) -> int:
        self.cleared = (first, last)
        return 0


def program(count: int, left: int, right: int) -> Program:
    """So many VMAs go, with or without neighbours."""

    def run() -> None:
        stage = Stage()
        every = vmas(stage, [*["left"] * left, *[f"vma{k}" for k in range(count)], *["right"] * right])
        before, gone, behind = every[:left], every[left : left + count], every[left + count :]
        start, end = Word.named("start", 12), Word.named("end", 12)
        assume(start <= gone[0].start)
        assume(end >= gone[-1].end)
        assume(end <= X86_64.task_size)
        for vma in before:
            assume(start >= vma.end)
        for vma in behind:
            assume(end <= vma.start)
        stage.tree.entries = [(vma.start, vma.end, vma) for vma in every]
        stage.mm.map_count = len(every)
        tree = Around(stage, before)
        stage.mm.tree = tree
        with on_stage(stage):
            claim("there is memory", take_out(stage.mm, start, end) == 0)  # type: ignore[arg-type]
        claim("exactly the VMAs in the range are released, each once", stage.of("release") == gone)
        claim("exactly they are unlinked, each once", stage.of("unlink") == gone)
        claim("map_count is what is left", stage.mm.map_count == left + right)
        assert tree.cleared is not None
        first, last = (term_of(word) for word in tree.cleared)
        claim("the range is cleared in the tree", z3.And(first == start.term, last == end.term - 1))
        _check(stage, gone, before + behind)

    return run


def _check(stage: Stage, gone: list[Vma], stays: list[Vma]) -> None:
    page = Word.named("page", 12)
    for vma in gone:
        claim("their pages are zapped", z3.Implies(mapped(page, [vma]), stage.zapped(page)))
    for part in stage.of("zap"):
        claim("only their pages are zapped", z3.Implies(holds(page, *part), mapped(page, gone)))
    for level in range(1, X86_64.levels):
        span = X86_64.span(level)
        table = Word.named(f"table{level}", X86_64.shift(level))
        sentence = f"a table of level {level} goes if and only if nobody needs it"
        needed = populated(table, span, stays)
        for vma in gone:
            there = z3.And(meets(table, span, vma.start, vma.end), z3.Not(needed))
            claim(sentence, z3.Implies(there, stage.goes(table, span)))
        for call in stage.of("tables"):
            for vma in stays:
                wrong = z3.And(exact(table, span, *call), meets(table, span, vma.start, vma.end))
                claim(sentence, z3.Not(wrong))
        claim_order(stage, level, table)


TAKE = "impl.mm.split:take_out"

CLAIM = Claim(
    name="munmap_exact",
    sentence="After munmap() of whole VMAs a page table that they populated is gone if and only if no VMA"
    " that stays meets its span; exactly their pages are zapped, exactly they are released.",
    formula="T meets some VMA gone  =>  (freed(T) <=> T meets no VMA that stays);  zapped(p) <=> p in some"
    " VMA gone",
    bounds="1 and 2 VMAs anywhere in order below task_size, each neighbour there or not; 4 levels",
    executes=(
        "split.take_out",
        "split.inside",
        "teardown.unmap_vmas",
        "teardown.zap_vma",
        "teardown.free_pgtables",
        "teardown.remove_vma",
        "limits.clip",
        "limits.is_gathered",
        "limits.batch_ceiling",
    ),
    parts={
        f"{count} VMAs, {left} left, {right} right": program(count, left, right)
        for count in (1, 2)
        for left in (0, 1)
        for right in (0, 1)
    },
    twins=(
        Twin(
            "floor_forgotten",
            "the neighbour on the left is not the floor",
            (Edit(TAKE, "shape.first_user if before is None else before.end", "shape.first_user"),),
            ("1 VMAs, 1 left, 0 right",),
        ),
        Twin(
            "floor_at_start",
            "the floor is where the neighbour begins",
            (Edit(TAKE, "else before.end", "else before.start"),),
            ("1 VMAs, 1 left, 0 right",),
        ),
        Twin(
            "ceiling_at_end",
            "the ceiling is where the neighbour ends",
            (Edit(TAKE, "else behind.start", "else behind.end"),),
            ("1 VMAs, 0 left, 1 right",),
        ),
        Twin(
            "ceiling_at_range_end",
            "the ceiling is the end of the range",
            (Edit(TAKE, "shape.ceiling if behind is None else behind.start", "end"),),
            ("1 VMAs, 0 left, 0 right",),
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
