"""free_pgd_range() of the tree frees a populated table if and only if it meets the range and lies between the
limits.

The claim is the one about our Python (``free_pgd_range_exact``), its formula the same. What is executed is in
``walk_levels.py``. On x86-64 hugetlb's variant is this function.
"""

from __future__ import annotations

from functools import partial

from mapleproof.proofs import free_pgd_range_exact
from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.kernel.made import Mistake, Part, edit, programs, twins
from mapleproof.proofs.kernel.subject import Kernel
from mapleproof.proofs.kernel.walk_levels import CHAIN, FREES, Walk

FILES = MEMORY = "mm/memory.c"
SAME = free_pgd_range_exact.CLAIM
NAME, SENTENCE = SAME.name, SAME.sentence


def _part(levels: int, level: int, name: str, kernel: Kernel) -> None:
    Walk(kernel, levels, level, name).run()


def parts() -> dict[str, Part]:
    """Each function about a table of each level that it may free, with four levels and with five."""
    return {
        f"{levels} levels, table of level {level}, {name}": partial(_part, levels, level, name)
        for levels in (4, 5)
        for level in range(1, levels)
        for name in CHAIN
        if FREES[name] >= level
    }


def _head(name: str, what: str, find: str, replace: str) -> Mistake:
    tried = ("4 levels, table of level 1, free_pgd_range",)
    return name, what, edit(MEMORY, "free_pgd_range", find, replace), tried


def _upper(name: str, what: str, function: str, find: str, replace: str) -> Mistake:
    level = FREES[function]
    levels = 5 if level == 4 else 4
    return (
        name,
        what,
        edit(MEMORY, function, find, replace),
        (f"{levels} levels, table of level {level}, {function}",),
    )


MISTAKES: tuple[Mistake, ...] = (
    _head("floor_not_strict", "<= for < at the floor", "if (addr < floor)", "if (addr <= floor)"),
    _head(
        "floor_not_stepped",
        "addr below the floor is not moved up",
        "addr += PMD_SIZE;",
        "addr += 0 * PMD_SIZE;",
    ),
    _head(
        "ceiling_not_aligned",
        "the ceiling is not brought down",
        "ceiling &= PMD_MASK;",
        "ceiling &= PAGE_MASK;",
    ),
    _head(
        "ends_not_wrapped",
        "end and ceiling are compared as they are",
        "if (end - 1 > ceiling - 1)",
        "if (end > ceiling)",
    ),
    _head("last_not_dropped", "the last table stays in", "end -= PMD_SIZE;", "end -= 0 * PMD_SIZE;"),
    _upper(
        "pmd_floor",
        "<= for < at the floor of a table of level 2",
        "free_pmd_range",
        "if (start < floor)",
        "if (start <= floor)",
    ),
    _upper(
        "pmd_mask",
        "the ceiling of a table of level 2 is brought down by the span below",
        "free_pmd_range",
        "ceiling &= PUD_MASK;",
        "ceiling &= PMD_MASK;",
    ),
    _upper(
        "pmd_start_kept",
        "where a table of level 2 begins is not brought down",
        "free_pmd_range",
        "start &= PUD_MASK;",
        "start &= PMD_MASK;",
    ),
    _upper(
        "pmd_not_cleared",
        "the entry of a table of level 2 stays",
        "free_pmd_range",
        "pud_clear(pud);",
        "",
    ),
    _upper(
        "pmd_not_moved",
        "the walk stays at the first entry",
        "free_pmd_range",
        "while (pmd++, addr = next, addr != end);",
        "while (addr = next, addr != end);",
    ),
    _upper(
        "pud_bottom",
        "a ceiling that comes down to 0 is taken for the top",
        "free_pud_range",
        "if (!ceiling) return;",
        "",
    ),
    _upper(
        "pud_ceiling",
        ">= for > at the ceiling of a table of level 3",
        "free_pud_range",
        "if (end - 1 > ceiling - 1)",
        "if (end - 1 >= ceiling - 1)",
    ),
    _upper(
        "pud_twice",
        "a table of level 3 is freed twice",
        "free_pud_range",
        "pud_free_tlb(tlb, pud, start);",
        "pud_free_tlb(tlb, pud, start);\n\tpud_free_tlb(tlb, pud, start);",
    ),
    _upper(
        "p4d_mask",
        "the ceiling of a table of level 4 is brought down by the span below",
        "free_p4d_range",
        "ceiling &= PGDIR_MASK;",
        "ceiling &= P4D_MASK;",
    ),
    _upper(
        "p4d_whole_range",
        "all of the range is handed down to the first table of level 3",
        "free_p4d_range",
        "free_pud_range(tlb, p4d, addr, next, floor, ceiling);",
        "free_pud_range(tlb, p4d, addr, end, floor, ceiling);",
    ),
)


def claim_about(kernel: Kernel) -> Claim:
    """The claim about a tree."""
    all_parts = parts()
    return Claim(
        name=NAME,
        sentence=SENTENCE,
        formula=SAME.formula,
        bounds="all page-aligned 64-bit addr, end, floor, ceiling with end - 1 in the lower half; one"
        " arbitrary table of any level, entries off the way to it empty; 4 and 5 levels of x86-64",
        executes=CHAIN,
        around=("page table accessors of arch/x86",),
        parts=programs(kernel, all_parts),
        twins=twins(kernel, all_parts, MISTAKES),
        ours=False,
    )
