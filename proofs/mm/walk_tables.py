"""One turn of free_pgtables() from an arbitrary state, for any number of VMAs by induction (``loops.py``).

About one arbitrary table: it is freed, where some VMA met has populated it, if and only if its span lies
inside [floor, ceiling), none before those below it, and each VMA met is unlinked once. The other walks are in
``walk_turns.py``.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.flags import VM_HUGETLB
from mapleproof.impl.mm.geometry import X86_64, X86_64_LA57, PageGeometry
from mapleproof.impl.mm.objects import ZERO
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables
from mapleproof.proofs.engine.loops import Rest, turn
from mapleproof.proofs.engine.paths import Program, assume, claim
from mapleproof.proofs.engine.words import Word, term_of
from mapleproof.proofs.mm.spans import exact, inside, meets
from mapleproof.proofs.mm.stage import SpaceStage, on_stage
from mapleproof.proofs.mm.walk_turns import NEXT, Behind, area, limits


def flag(name: str) -> Any:
    """A formula that may be true or not."""
    return z3.Bool(name)


def tables_program(
    shape: PageGeometry, level: int, behind: str, huge: tuple[bool, bool], knows: bool, first: bool
) -> Program:
    """One turn of free_pgtables(), from where a batch [addr, vma.end) was gathered and ``behind`` is what
    comes behind it. ``huge`` is whether these two are hugetlb's. ``first``: the batch is the VMA alone."""

    def run() -> None:
        stage = SpaceStage(shape)
        span = shape.span(level)
        table = Word.named(f"table{level}", shape.shift(level))
        floor = Word.named("floor", shape.page_shift)
        done = Word.named("done", shape.page_shift)
        # Of the VMAs before: they end at `done`, and may have populated the table
        met_before, met_batch, met_rest = flag("met_before"), flag("met_batch"), flag("met_rest")
        assume(z3.ULE(floor.term, done.term))
        assume(z3.Implies(met_before, z3.ULT(table.term, done.term)))
        flags = [VM_HUGETLB if one else 0 for one in huge]
        vma = area(stage, "vma", done, flags[0])
        addr = vma.start if first else Word.named("addr", shape.page_shift)
        if not first:
            begins = term_of(addr)
            assume(z3.And(z3.ULE(done.term, begins), z3.ULE(begins, term_of(vma.start))))
        # What is gathered has populated nothing beyond itself
        assume(z3.Implies(met_batch, meets(table, span, addr, vma.end)))
        assume(met_batch == meets(table, span, addr, vma.end) if first else True)
        ceiling = Word.named("ceiling", shape.page_shift)
        after = area(stage, "behind", vma.end, flags[1]) if behind == "VMA" else None
        last = vma if after is None else after
        assume(z3.ULE(term_of(last.end) - 1, ceiling.term - 1))
        met_after = z3.BoolVal(False)
        if after is not None:
            assume(z3.Implies(met_rest, z3.ULE(term_of(after.end), table.term | (span - 1))))
            met_after = z3.Or(meets(table, span, after.start, after.end), met_rest)
        met = z3.Or(met_before, met_batch)
        assume(z3.Or(met, met_after))
        gone_before = z3.And(met_before, z3.ULE(floor.term, table.term), _below(table, span, addr))

        tree_end, limit = limits()
        found = {"none": [None], "marker": [ZERO], "VMA": [after]}[behind]
        cursor = Behind(limit, *found)
        with on_stage(stage):
            gather = MmuGather(stage.mm)
            state = turn(
                free_pgtables,
                {} if first else {"addr": addr},
                lambda: free_pgtables(gather, cursor, vma, floor, ceiling, tree_end, knows),  # type: ignore[arg-type]
            )
        calls = stage.of("tables")
        gone = z3.Or(gone_before, stage.goes(table, span))
        claim(
            "a VMA is unlinked once", stage.of("unlink")[:1] == [vma] and stage.of("unlink").count(vma) == 1
        )
        claim("hugetlb has its own variant", stage.of("huge") == [huge[0]] * len(calls))
        if after is None:
            claim("there it ends", state is None and len(calls) == 1)
            right = z3.And(inside(table, span, floor, ceiling))
            claim("a populated table is gone if and only if it lies inside the limits", gone == right)
            return
        claim("it goes on", state is not None)
        assert state is not None
        near = z3.ULE(term_of(after.start), term_of(vma.end) + shape.span(1))
        claim(
            "gathered is what begins within PMD_SIZE",
            z3.BoolVal(not calls) == near if not any(huge) else True,
        )
        if not calls:
            claim("hugetlb is not gathered", not any(huge))
            claim("the batch begins where it began", term_of(state["addr"]) == term_of(addr))
            claim(
                "and ends with what was gathered", state["vma"] is after and type(state["following"]) is Rest
            )
            claim("which is unlinked", stage.of("unlink") == [vma, after])
            return
        claim("a table goes before none below it", z3.Implies(stage.goes(table, span), z3.Not(met_after)))
        claim("the next batch begins behind", state["vma"] is after and state["addr"] is after.start)
        right = z3.And(met, z3.ULE(floor.term, table.term), _below(table, span, after.start))
        claim("what is gone is what ends below it", gone == right)

    return run


def _below(table: Word, span: int, addr: Any) -> Any:
    """The table ends below ``addr``."""
    return z3.ULT(table.term | (span - 1), term_of(addr))


def single_program(level: int, more: bool) -> Program:
    """About the formulas, not the code: one call for each VMA, whose ceiling is where the next begins, frees
    the same of what is populated."""

    def run() -> None:
        stage = SpaceStage()
        span = stage.shape.span(level)
        table, floor, done, ceiling = (
            Word.named(name, shift)
            for name, shift in (
                (f"table{level}", stage.shape.shift(level)),
                ("floor", 12),
                ("done", 12),
                ("ceiling", 12),
            )
        )
        met_before, met_rest = flag("met_before"), flag("met_rest")
        assume(z3.ULE(floor.term, done.term))
        assume(z3.Implies(met_before, z3.ULT(table.term, done.term)))
        vma = area(stage, "vma", done)
        behind = area(stage, "behind", vma.end) if more else None
        assume(z3.ULE(term_of((behind or vma).end) - 1, ceiling.term - 1))
        met = z3.Or(met_before, meets(table, span, vma.start, vma.end))
        gone_before = z3.And(met_before, z3.ULE(floor.term, table.term), _below(table, span, vma.start))
        edge = ceiling if behind is None else behind.start
        gone = z3.Or(gone_before, exact(table, span, vma.start, vma.end, floor, edge))
        if behind is None:
            assume(met)
            right = inside(table, span, floor, ceiling)
        else:
            assume(z3.Implies(met_rest, z3.ULE(term_of(behind.end), table.term | (span - 1))))
            assume(z3.Or(met, meets(table, span, behind.start, behind.end), met_rest))
            right = z3.And(met, z3.ULE(floor.term, table.term), _below(table, span, behind.start))
        claim("what is gone is the same", gone == right)

    return run


def early_program() -> Program:
    """The cursor of undo_v3 finds the first VMA again: the batch that it is gathered into is it alone."""

    def run() -> None:
        stage = SpaceStage()
        vma = area(stage, "vma", 0)
        tree_end, limit = limits()
        cursor = Behind(limit, vma)
        with on_stage(stage):
            gather = MmuGather(stage.mm)
            state = turn(
                free_pgtables,
                {},
                lambda: free_pgtables(gather, cursor, vma, 0, 0, tree_end),  # type: ignore[arg-type]
            )
        claim("it goes on", state is not None)
        assert state is not None
        claim("nothing is freed before", not stage.of("tables"))
        claim("the batch is the VMA alone", state["addr"] is vma.start and state["vma"] is vma)

    return run


def table_parts(shape: PageGeometry = X86_64_LA57) -> dict[str, Program]:
    """free_pgtables(), any number of VMAs."""
    parts: dict[str, Program] = {"any number, early start": early_program()}
    for level in range(1, X86_64.levels):
        for more in (True, False):
            told = "VMA" if more else "none"
            parts[f"any number, level {level}, a call each, behind it {told}"] = single_program(level, more)
    # Whether huge pages are met makes no difference to the level
    kinds = {1: ("pp", "ph", "hp", "hh"), 2: ("pp",), 3: ("pp",), 4: ("pp",)}
    for level in range(1, shape.levels):
        for behind in NEXT:
            for kind in kinds[level]:
                for first in (True, False):
                    if (kind[1] == "h" and behind != "VMA") or (kind[0] == "h" and not first):
                        continue
                    told = f"level {level}, {'one' if first else 'a batch'} ({kind}), behind it {behind}"
                    huge = (kind[0] == "h", kind[1] == "h")
                    parts[f"any number, {told}"] = tables_program(
                        shape, level, behind, huge, behind == "marker", first
                    )
    return parts
