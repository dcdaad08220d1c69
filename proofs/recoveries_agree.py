"""Recoveries that free the same: two of them executed over the same VMAs, page tables and pages compared.

Where a VMA is left all but exit_marker_v2 free the same tables and zap the same pages. Where none is left
bulk_insert, exit_marker_v2, zero_marker and unmap_in_place do, and undo_v3 and undo_v4 do, which zap nothing
then; open_coded crashes. Pairs that differ are twins, or follow from twins: what differs from one of those
that agree differs from all of them. ``pairs`` is the table.

Not covered: hugetlb VMAs in tables of their own, where open_coded differs; how often a VMA is unlinked, which
undo_v3 does twice. zero_marker stands for its later versions too, which free what it frees.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.recovery import RECOVERIES, claimed
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.paths import Paths, Program, claim
from mapleproof.proofs.engine.words import Word
from mapleproof.proofs.mm.layouts import areas, fork_to_case
from mapleproof.proofs.mm.stage import populated
from mapleproof.proofs.undo_exact import any_number, failed_fork, undo

NAMES = claimed("recoveries_agree")
BASE = "unmap_in_place"
AGREE = {
    "one left": (("bulk_insert", "undo_v3", "undo_v4", "open_coded", "zero_marker", BASE),),
    "none left": (("bulk_insert", "exit_marker_v2", "zero_marker", BASE), ("undo_v3", "undo_v4")),
}
"""Those that agree with each other, where a VMA is left and where none is."""


def program(other: str, copied: int, left: int, base: str = BASE) -> Program:
    """Two recoveries over the same VMAs."""

    def run() -> None:
        stages = []
        for name in (base, other):
            # The inputs of both have the same names, so they are the same
            stage, fork, own = failed_fork(copied, left, X86_64, RECOVERIES[name].bulk)
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


def number_program(other: str, left: int, base: str) -> Program:
    """The same for any number of VMAs copied, the walks replaced by what is proved of them."""

    def run() -> None:
        both = [any_number(name, 2, left)[:2] for name in (base, other)]
        (one, own), (two, own_too) = both
        for level in range(1, X86_64.levels):
            span = X86_64.span(level)
            table = Word.named(f"table{level}", X86_64.shift(level))
            same = one.goes(table, span, own) == two.goes(table, span, own_too)
            there = populated(table, span, own)
            claim(f"a table of level {level} goes in both or in neither", z3.Implies(there, same))
        page = Word.named("page", X86_64.page_shift)
        zapped = one.zapped(page, one.known) == two.zapped(page, two.known)
        claim("a page is zapped in both or in neither", zapped)

    return run


def pairs() -> Iterator[str]:
    """The table, pair by pair, and the smallest layout that tells those apart that differ."""
    width = max(map(len, NAMES))
    apart = []
    yield "pair by pair, where they free the same: L where a VMA is left, N where none is"
    yield " " * width + "  " + "  ".join(f"{name:>{width}}" for name in NAMES)
    for number, one in enumerate(NAMES):
        cells = []
        for other in NAMES[:number]:
            found = [_agree(one, other, place) for place in AGREE]
            cells.append("".join(letter if same else "-" for letter, same in zip("LN", found, strict=True)))
            apart += [(one, other, place) for place, same in zip(AGREE, found, strict=True) if not same]
        yield f"{one:<{width}}  " + "  ".join(f"{cell:>{width}}" for cell in cells)
    for one, other, place in apart:
        yield f"{one}, {other}, {place}: {_smallest(one, other, int(place == 'one left'))}"


def _agree(one: str, other: str, place: str) -> bool:
    return any(one in names and other in names for names in AGREE[place])


def _smallest(one: str, other: str, left: int) -> str:
    """The smallest layout of VMAs that tells two recoveries apart."""
    for copied in (0, 1) if left else (1,):
        found = Paths(program(other, copied, left, one)).explore().refuted
        if found is not None:
            sentence, inputs = found
            own, rest = areas(inputs, "vma"), areas(inputs, "left")
            told = [f"[{start:#x}..{end:#x}) copied" for start, end in own]
            told += [f"[{start:#x}..{end:#x}) left" for start, end in rest]
            return f"{', '.join(told)}; not so: {sentence}"
    return "nothing found"


def _parts() -> dict[str, Program]:
    parts: dict[str, Program] = {}
    for place, classes in AGREE.items():
        left = int(place == "one left")
        for names in classes:
            base = names[-1]
            for name in names[:-1]:
                for copied in (1, 2):
                    part = f"{name} and {base}, {copied} copied, {place}"
                    parts[part] = program(name, copied, left, base)
                parts[f"{name} and {base}, any number copied, {place}"] = number_program(name, left, base)
    return parts


CLAIM = Claim(
    name="recoveries_agree",
    sentence="Where a VMA is left, bulk_insert, undo_v3, undo_v4, open_coded and zero_marker free the tables"
    " and zap the pages that unmap_in_place does; where none is left, bulk_insert, exit_marker_v2 and"
    " zero_marker do, and undo_v3 frees and zaps what undo_v4 does.",
    formula="T meets some VMA copied  =>  (freed by one(T) <=> freed by the other(T));"
    "  zapped by one(p) <=> zapped by the other(p)",
    bounds="1, 2 and any number of VMAs copied anywhere in order below task_size; levels 1 to 3; no hugetlb",
    executes=(
        "recovery.bulk_insert.BulkInsert.recover",
        "recovery.undo_v3.UndoV3.recover",
        "recovery.zero_marker.ZeroMarker.recover",
        "recovery.unmap_in_place.UnmapInPlace.recover",
        "recovery.open_coded.OpenCoded.unmap_region",
        "exit.exit_mmap",
        "teardown.unmap_vmas",
        "teardown.free_pgtables",
        "limits.clip",
        "limits.is_gathered",
        "recovery.exit_marker_v2.ExitMarkerV2.recover",
        "recovery.unmap_in_place.UnmapInPlace.tree_end",
        "recovery.unmap_in_place.UnmapInPlace.unmap",
        "rmap.unlink_anon_vmas",
        "teardown._unlink",
        "teardown.release_vmas",
        "teardown.remove_vma",
        "teardown.zap_vma",
    ),
    around=(
        "geometry",
        "objects",
    ),
    parts=_parts(),
    twins=(
        Twin("exit_marker_v2", "the parent's pages are zapped", programs=(program("exit_marker_v2", 0, 1),)),
        Twin("undo_v4_none_left", "nothing is zapped", programs=(program("undo_v4", 1, 0),)),
        Twin("undo_v3_none_left", "nothing is zapped", programs=(program("undo_v3", 1, 0),)),
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
            ("open_coded and unmap_in_place, 1 copied, one left",),
        ),
    ),
    to_case=fork_to_case(lambda part: X86_64),
    details=pairs,
)

if __name__ == "__main__":
    main(CLAIM)
