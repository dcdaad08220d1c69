"""Gathering neighbours into one free_pgd_range() frees the tables that one call for each VMA would free.

free_pgtables() is executed as shipped, and again with a call for each VMA, whose ceiling is where the next
begins. Starting the iterator early, as undo_v3 does, so that the first VMA comes a second time, changes the
calls and never the set; that it unlinks the first VMA twice is what `undo_exact` refutes it for.

Not covered: hugetlb VMAs, which are never gathered.
"""

from __future__ import annotations

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.paths import Program, assume, claim
from mapleproof.proofs.engine.words import Word, term_of
from mapleproof.proofs.mm.layouts import areas, between
from mapleproof.proofs.mm.stage import ListCursor, SpaceStage, claim_order, on_stage, populated, vmas
from mapleproof.proofs.mm.walk_tables import table_parts
from mapleproof.props.common.files import Case


def call_for_each(stage: SpaceStage, every: list[Vma], floor: Word, ceiling: Word) -> None:
    """What free_pgtables() did before neighbours were gathered."""
    for number, vma in enumerate(every):
        behind = every[number + 1].start if number + 1 < len(every) else ceiling
        stage.events.append(("tables", (vma.start, vma.end, floor, behind)))


def program(count: int, early: bool = False) -> Program:
    """So many VMAs between any floor and ceiling."""

    def run() -> None:
        stage, single = SpaceStage(), SpaceStage()
        floor = Word.named("floor", 12)
        every = vmas(stage, [f"vma{number}" for number in range(count)])
        ceiling = Word.named("ceiling", 12)
        assume(floor <= every[0].start)
        assume(z3.ULE(term_of(every[-1].end) - 1, ceiling.term - 1))
        stage.tree.entries = [(vma.start, vma.end, vma) for vma in every]
        stage.mm.map_count = count
        cursor = ListCursor(stage.tree, 0 if early else every[0].end)
        with on_stage(stage):
            free_pgtables(MmuGather(stage.mm), cursor, every[0], floor, ceiling, 0)  # type: ignore[arg-type]
        call_for_each(single, every, floor, ceiling)
        shape = X86_64
        for level in range(1, shape.levels):
            span = shape.span(level)
            table = Word.named(f"table{level}", shape.shift(level))
            assume(populated(table, span, every))
            same = stage.goes(table, span) == single.goes(table, span)
            claim(f"a populated table of level {level} goes in both or in neither", same)
            if not early:
                claim_order(stage, level, table)
        if not early:
            claim("every VMA is unlinked once", stage.of("unlink") == every)

    return run


def to_case(_part: str, inputs: dict[str, int]) -> Case | None:
    """The munmap() of all of them, with neighbours at the limits."""
    return (
        between(inputs, areas(inputs, "vma"), inputs["floor"], inputs["ceiling"])
        if "floor" in inputs
        else None
    )


OWN = "0 if following is None else following.start"
CEILING = "impl.mm.limits:batch_ceiling"
FREE = "impl.mm.teardown:free_pgtables"

CLAIM = Claim(
    name="free_pgtables_gathering",
    sentence="Gathering neighbours frees exactly the populated tables that one call for each VMA frees; an"
    " iterator that starts early changes the calls, never the set. No table goes before those below it.",
    formula="T meets some VMA  =>  (freed(T) gathered <=> freed(T) one by one);  freed(T) in one call => no"
    " VMA of a later call meets T",
    bounds="any number of VMAs by induction, hugetlb ones too, levels 1 to 4; executed with 1 to 3 VMAs"
    " anywhere in order below task_size, early start 1 and 2, levels 1 to 3; any floor up to the first and"
    " any ceiling from the last on",
    executes=(
        "teardown.free_pgtables",
        "limits.is_gathered",
        "limits.batch_ceiling",
        "rmap.unlink_anon_vmas",
        "teardown._unlink",
    ),
    around=(
        "geometry",
        "objects",
    ),
    parts={f"{count} VMAs": program(count) for count in (1, 2, 3)}
    | {f"{count} VMAs, early start": program(count, True) for count in (1, 2)}
    | table_parts(),
    twins=(
        Twin("next_ceiling", "always the last ceiling", (Edit(CEILING, "next_start if has_next else", ""),)),
        Twin("reversed", "the wrong one of two ceilings", (Edit(CEILING, "if has_next", "if not has_next"),)),
        Twin("own_start", "its own start", (Edit(FREE, OWN, OWN.replace("following.s", "vma.s")),)),
    ),
    to_case=to_case,
)

if __name__ == "__main__":
    main(CLAIM)
