"""After a failed fork exactly what was duplicated is taken apart, whichever VMA was the first left.

recover() and then exit_mmap() of each recovery's time are executed over VMAs at any addresses; see
``stage.py`` for what stands around them. Recoveries that are known to be wrong are twins: what they do must
be refuted. Where a VMA is left, undo_v4 is right; that is a part of the claim.

Not covered: hugetlb VMAs, files' interval trees (that a VMA is unlinked once is claimed), charges.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.exit import exit_mmap
from mapleproof.impl.mm.geometry import X86_64, X86_64_LA57, PageGeometry
from mapleproof.impl.mm.objects import ZERO, Vma
from mapleproof.impl.mm.recovery import RECOVERIES, Recovery, claimed
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.paths import Program, assume, claim
from mapleproof.proofs.engine.words import Word, choose, term_of
from mapleproof.proofs.mm.layouts import fork_to_case
from mapleproof.proofs.mm.stage import (
    ListCursor,
    SpaceStage,
    claim_order,
    in_order,
    mapped,
    on_stage,
    populated,
    vmas,
)
from mapleproof.proofs.mm.walk_turns import marked_parts, release_parts, zap_parts
from mapleproof.proofs.mm.walks import Walked, walked

RIGHT = claimed("undo_exact")
"""Recoveries for which the claim holds without a condition."""


def failed_fork(copied: int, left: int, shape: PageGeometry, bulk: bool) -> tuple[SpaceStage, Any, list[Vma]]:
    """A fork that failed with ``copied`` VMAs duplicated and ``left`` of the parent's in the child's tree."""
    stage = SpaceStage(shape)
    own = vmas(stage, [f"vma{number}" for number in range(copied)])
    parent = SimpleNamespace(number=0, machine=stage.machine, tables=stage.mm.tables)
    rest = vmas(stage, [f"left{number}" for number in range(left)], parent)
    in_order(rest, own)
    stage.tree.entries = [(vma.start, vma.end, vma) for vma in (own if bulk else own + rest)]
    stage.mm.map_count = copied
    fork = SimpleNamespace(
        child=stage.mm,
        first_left=rest[0] if rest else None,
        rest=rest,
        clearing_failed=False,
        cursor=ListCursor(stage.tree),
        machine=stage.machine,
    )
    return stage, fork, own


def undo(recovery: Recovery, stage: SpaceStage, fork: Any) -> None:
    """What happens after a failure."""
    with on_stage(stage):
        recovery.recover(fork)
        exit_mmap(stage.mm, recovery.exit_rules)


def program(name: str, copied: int, left: int, shape: PageGeometry = X86_64) -> Program:
    """One recovery, so many VMAs on both sides."""

    def run() -> None:
        recovery = RECOVERIES[name]
        stage, fork, own = failed_fork(copied, left, shape, recovery.bulk)
        undo(recovery, stage, fork)
        claim("no promise is broken on the way", not stage.of("alarm"))
        claim("exactly the duplicated VMAs are released, each once", stage.of("release") == own)
        claim("exactly they are unlinked, each once", stage.of("unlink") == own)
        claim("every gather is finished, and the tree destroyed", stage.machine.gathers == 0)
        claim("the tree is destroyed", stage.tree.destroyed)
        check_pages(stage, own)
        check_tables(stage, own)

    return run


def check_pages(stage: SpaceStage, own: list[Vma]) -> None:
    """Exactly the pages of the VMAs are zapped, all before any page table goes."""
    kinds = [kind for kind, _ in stage.events if kind in ("zap", "tables")]
    claim("pages are zapped before their tables go", kinds == sorted(kinds, reverse=True))
    page = Word.named("page", stage.shape.page_shift)
    for vma in own:
        zapped = z3.Implies(mapped(page, [vma]), stage.zapped(page))
        claim("a page is zapped if a duplicated VMA has it", zapped)
    claim("only such pages are zapped", z3.Implies(stage.zapped(page), mapped(page, own)))


def check_tables(stage: SpaceStage, own: list[Vma]) -> None:
    """Every populated table goes, and none while one below it is still to go."""
    shape = stage.shape
    for level in range(1, shape.levels):
        span = shape.span(level)
        table = Word.named(f"table{level}", shape.shift(level))
        for vma in own:
            there = populated(table, span, [vma])
            claim(f"every table of level {level} goes", z3.Implies(there, stage.goes(table, span)))
        claim_order(stage, level, table)


def any_number(
    name: str, copied: int, left: int, shape: PageGeometry = X86_64
) -> tuple[Walked, list[Vma], Any]:
    """A recovery after any number of VMAs was copied: none, one, or 2 for the first and any other one; and
    none left, one, or 2 for the first and any other one. Their number comes last."""
    recovery = RECOVERIES[name]
    stage, fork, own = failed_fork(copied, left, shape, recovery.bulk)
    number: Any = copied
    if copied == 2:
        number = Word.named("copied")
        assume(number >= 2)
    stage.mm.map_count = number
    known = [*own] if recovery.bulk else own + fork.rest
    walks = Walked(stage, known)
    with walked(walks):
        recovery.recover(fork)
        exit_mmap(stage.mm, recovery.exit_rules)
    return walks, own, number


def number_program(name: str, copied: int, left: int, shape: PageGeometry = X86_64) -> Program:
    """The claim for any number of VMAs, the walks over them replaced by what is proved of them."""

    def run() -> None:
        walks, own, number = any_number(name, copied, left, shape)
        stage = walks.stage
        others = [vma for vma in walks.known if vma not in own]
        claim("no promise is broken on the way", not stage.of("alarm"))
        walks.claim_each_once("release", own, others, "released")
        walks.claim_each_once("zap", own, others, "zapped")
        walks.claim_each_once("tables", own, others, "unlinked")
        claim("map_count is what is released", term_of(stage.mm.map_count) == term_of(number))
        kinds = [walk.kind for walk in walks.walks]
        claim("pages go before tables, tables before VMAs", kinds == sorted(kinds, key=ORDER.index))
        claim("every gather is finished", stage.machine.gathers == 0)
        claim("the tree is destroyed", stage.tree.destroyed)
        page = Word.named("page", shape.page_shift)
        all_zapped = z3.Implies(mapped(page, own), walks.zapped(page, own))
        claim("a page is zapped if a duplicated VMA has it", all_zapped)
        for level in range(1, shape.levels):
            span = shape.span(level)
            table = Word.named(f"table{level}", shape.shift(level))
            there = populated(table, span, own)
            claim(f"every table of level {level} goes", z3.Implies(there, walks.goes(table, span, own)))

    return run


def marker_program(left: int) -> Program:
    """exit_marker_v2 stores its marker where a VMA could not be cleared, and nothing else."""

    def run() -> None:
        stage, fork, _ = failed_fork(1, left, X86_64, False)
        fork.clearing_failed = choose("clearing failed")
        before = list(stage.tree.entries)
        RECOVERIES["exit_marker_v2"].recover(fork)
        now = [entry for _, _, entry in stage.tree.entries]
        marked = now == [before[0][2], *([ZERO] * left)]
        same = now == [entry for _, _, entry in before]
        claim("the marker is stored if and only if clearing failed", marked if fork.clearing_failed else same)

    return run


ORDER = ("zap", "tables", "release")


def _parts() -> dict[str, Program]:
    parts: dict[str, Program] = {}
    for name in RIGHT:
        for copied in (0, 1, 2):
            for left in (0, 1):
                if copied + left and not (copied == 0 and left == 0):
                    parts[f"{name}, {copied} copied, {left} left"] = program(name, copied, left)
    for copied in (0, 1, 2):
        parts[f"undo_v4, {copied} copied, 1 left"] = program("undo_v4", copied, 1)
    for name in (*RIGHT, "undo_v4"):
        for copied in (0, 1, 2):
            for left in (0, 1, 2):
                if copied + left and (left or name != "undo_v4"):
                    told = ("none", "one", "any number")
                    part = f"{name}, {told[copied]} copied, {told[left]} left"
                    parts[part] = number_program(name, copied, left)
    parts |= zap_parts() | release_parts() | marked_parts()
    for name in ("bulk_insert", "zero_marker", "undo_v4", "unmap_in_place"):
        parts[f"{name}, 4 copied, 1 left"] = program(name, 4, 1)
    for left in (0, 1):
        parts[f"exit_marker_v2, its marker, {left} left"] = marker_program(left)
    parts["unmap_in_place, 3 copied, 2 left"] = program("unmap_in_place", 3, 2)
    parts["unmap_in_place, 5 levels, 2 copied, 1 left"] = program("unmap_in_place", 2, 1, X86_64_LA57)
    return parts


IN_PLACE = "impl.mm.recovery.unmap_in_place:UnmapInPlace.unmap"
FREE = "impl.mm.teardown:free_pgtables"
LIMITS = "impl.mm.limits"
TWO = ("unmap_in_place, 2 copied, 1 left",)
ONE = ("unmap_in_place, 1 copied, 1 left",)

CLAIM = Claim(
    name="undo_exact",
    sentence="Whatever was duplicated, and wherever the first VMA left lies, 0 included, or if none is left:"
    " exactly the duplicated VMAs are released, exactly their pages are zapped before, and every table they"
    " populated goes, none before those below it.",
    formula="zapped(p) <=> p in some VMA copied;  (T meets some VMA copied) => freed(T);"
    "  freed(T) in one call => no VMA of a later call meets T",
    bounds=f"any page-aligned places in order below task_size; {', '.join(RIGHT)}, and undo_v4 where a VMA is"
    " left: any number of VMAs copied and left by induction; executed with 0 to 2 copied and 0 or 1 left,"
    " with 4 copied but for the later zero_marker, unmap_in_place also 3 and 2; 4 levels, unmap_in_place"
    " also 5",
    executes=(
        "recovery.bulk_insert.BulkInsert.recover",
        "recovery.undo_v3.UndoV3.recover",
        "recovery.zero_marker.ZeroMarker.recover",
        "recovery.zero_marker.ZeroMarker614.recover",
        "recovery.unmap_in_place.UnmapInPlace.recover",
        "recovery.unmap_in_place.UnmapInPlace.unmap",
        "recovery.undo_v3.UndoV3.unmap_region",
        "exit.exit_mmap",
        "teardown.unmap_vmas",
        "teardown.zap_vma",
        "teardown.free_pgtables",
        "teardown.release_vmas",
        "teardown.remove_vma",
        "limits.clip",
        "limits.is_gathered",
        "limits.batch_ceiling",
        "recovery.exit_marker_v2.ExitMarkerV2.recover",
        "recovery.unmap_in_place.UnmapInPlace.tree_end",
        "rmap.unlink_anon_vmas",
        "teardown._unlink",
        "teardown.put_policy",
    ),
    around=(
        "geometry",
        "objects",
    ),
    parts=_parts(),
    twins=(
        Twin("undo_v3", "the cursor is not moved behind the first VMA", programs=(program("undo_v3", 1, 1),)),
        Twin("undo_v4", "with none left nothing is zapped", programs=(program("undo_v4", 1, 0),)),
        Twin("open_coded", "with none left NULL is followed", programs=(program("open_coded", 1, 0),)),
        Twin("exit_marker_v2", "the parent's VMA goes", programs=(program("exit_marker_v2", 0, 1),)),
        Twin(
            "ceiling_at_first_left",
            "the ceiling is where the first VMA left begins",
            (Edit(IN_PLACE, "shape.first_user, shape.ceiling", "shape.first_user, tree_end"),),
            ONE,
        ),
        Twin(
            "zap_end_is_a_start",
            "pages are zapped up to where the first VMA begins",
            (Edit(IN_PLACE, "zap_end = MAX", "zap_end = fork.child.cursor().find(MAX).start"),),
            ONE,
        ),
        Twin(
            "gathered_ceiling",
            "a batch has the last ceiling, not where the next VMA begins",
            (Edit(f"{LIMITS}:batch_ceiling", "next_start if has_next else ceiling", "ceiling"),),
            TWO,
        ),
        Twin(
            "batch_ends_early",
            "gathered VMAs are not in the range of the call",
            (Edit(FREE, "vma = following\n                following", "following"),),
            TWO,
        ),
        Twin("clip_all", "everything is cut off", (Edit(f"{LIMITS}:clip", ">= high", ">= low"),), ONE),
        Twin(
            "marker_not_known",
            "exit_mmap() frees tables beyond the marker",
            (Edit("impl.mm.exit:exit_mmap", "shape.ceiling, rules.tables", "shape.ceiling, False"),),
            ("zero_marker_6_17, 1 copied, 1 left",),
        ),
    ),
    to_case=fork_to_case(lambda part: X86_64_LA57 if "5 levels" in part else X86_64),
)

if __name__ == "__main__":
    main(CLAIM)
