"""One turn of a walk over VMAs from an arbitrary state, for any number of them by induction (``loops.py``).

About one arbitrary page and one arbitrary VMA:

- unmap_vmas() zaps of every VMA met what lies in [start, end), and nothing else;
- release_vmas() releases each VMA met once, sounds the alarm if and only if their number is not map_count,
  and gives back the charge of the VM_ACCOUNT ones;
- a walk that does not know the zero marker takes it for a VMA.

free_pgtables() is in ``walk_tables.py``; what stands for the walks elsewhere is in ``walks.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm.flags import VM_ACCOUNT
from mapleproof.impl.mm.objects import ZERO, Policy, Vma
from mapleproof.impl.mm.promises import Oops
from mapleproof.impl.mm.teardown import MmuGather, free_pgtables, release_vmas, unmap_vmas
from mapleproof.proofs.engine.loops import Cut, Rest, turn
from mapleproof.proofs.engine.paths import Program, assume, claim
from mapleproof.proofs.engine.words import Word, term_of
from mapleproof.proofs.mm.spans import holds
from mapleproof.proofs.mm.stage import SpaceStage, on_stage

NEXT = ("none", "marker", "VMA")
"""What a walk may find behind a VMA."""


class Behind:
    """A cursor that finds the given things, then what is not known, or ends the turn; it must be asked with
    the limit."""

    def __init__(self, limit: Any, *found: Any, ends: bool = False) -> None:
        self.limit = limit
        self.ends = ends
        self.found = list(found)

    def find(self, limit: Any) -> Any:
        claim("the walk goes up to its limit", term_of(limit) == term_of(self.limit))
        if not self.found and self.ends:
            raise Cut
        return self.found.pop(0) if self.found else Rest()


def area(stage: SpaceStage, name: str, low: Any, flags: int = 0) -> Vma:
    """A VMA that starts no lower than ``low``."""
    shift = stage.shape.page_shift
    start, end = Word.named(f"{name}.start", shift), Word.named(f"{name}.end", shift)
    assume(z3.And(z3.ULE(term_of(low), start.term), z3.ULT(start.term, end.term)))
    assume(z3.ULE(end.term, stage.shape.task_size))
    file: Any = SimpleNamespace(number=0, opened=1, refs=2, i_mmap=())
    return Vma(stage.mm, start, end, flags, file)  # type: ignore[arg-type]


def limits() -> tuple[Word, Word]:
    """A tree_end that is not known, and the limit that it means."""
    tree_end = Word.named("tree_end", 12)
    return tree_end, Word(tree_end.term - 1)


def zap_program(behind: str, knows: bool) -> Program:
    """One turn of unmap_vmas()."""

    def run() -> None:
        stage = SpaceStage()
        start, end = Word.named("zap_start", 12), Word.named("zap_end", 12)
        assume(z3.Or(z3.ULT(start.term, end.term), end.term == 0))
        vma, following = area(stage, "vma", 0), _following(behind)
        tree_end, limit = limits()
        cursor = Behind(limit, *following)
        with on_stage(stage):
            gather = MmuGather(stage.mm)
            state = turn(
                unmap_vmas,
                {},
                lambda: unmap_vmas(gather, cursor, vma, start, end, tree_end, knows),  # type: ignore[arg-type]
            )
        claim("it goes on if and only if there is a VMA behind", (state is None) == (behind != "VMA"))
        if state is not None:
            claim("and goes on with that one", type(state["vma"]) is Rest)
        page = Word.named("page", 12)
        # Here an end of 0 is the bottom
        part = z3.And(
            holds(page, vma.start, vma.end), z3.ULE(start.term, page.term), z3.ULT(page.term, end.term)
        )
        claim("exactly its pages in [start, end) are zapped", stage.zapped(page) == part)

    return run


def _following(behind: str) -> list[Any]:
    return {"none": [None], "marker": [ZERO], "VMA": []}[behind]


def release_program(behind: str, knows: bool, charged: bool) -> Program:
    """One turn of release_vmas(), so many released before and so much charge found."""

    def run() -> None:
        stage = SpaceStage()
        before, found = Word.named("released before"), Word.named("charge found")
        assume(before < 1 << 32)
        assume(found < 1 << 52)
        vma = area(stage, "vma", 0, VM_ACCOUNT if charged else 0)
        pages = Word.named("pages")
        assume(pages < 1 << 52)
        stage.mm.pages = lambda one: pages if one is vma else 0
        vma.policy, stage.machine.policies = Policy(), 1
        stage.mm.map_count = Word.named("map_count")
        tree_end, limit = limits()
        cursor = Behind(limit, *_following(behind))
        state = turn(
            release_vmas,
            {"count": before, "accounted": found},
            lambda: release_vmas(stage.mm, cursor, vma, tree_end, knows),  # type: ignore[arg-type]
        )
        claim("it is released, once", stage.of("release") == [vma])
        file: Any = vma.file
        claim("its file is closed", (file.opened, file.refs) == (0, 1))
        claim("its policy is dropped", (vma.policy.refs, stage.machine.policies) == (0, 0))
        count, accounted = before.term + 1, found.term + (pages.term if charged else 0)
        if behind == "VMA":
            claim("it goes on", state is not None)
            assert state is not None
            claim("it is counted", term_of(state["count"]) == count)
            claim("its charge is found", term_of(state["accounted"]) == accounted)
            claim("nothing is given back yet", not stage.of("uncharge"))
            return
        claim("there it ends", state is None)
        alarmed = bool(stage.of("alarm"))
        claim(
            "map_count is what was released, or the alarm goes off",
            (count != stage.mm.map_count.term) == alarmed,
        )
        (given,) = stage.of("uncharge")
        claim("all the charge found is given back", term_of(given) == accounted)

    return run


def unknown_marker_program(walk: str) -> Program:
    """A walk that does not know the zero marker takes it for a VMA, which crashes: it does not stop there."""

    def run() -> None:
        stage = SpaceStage()
        vma = area(stage, "vma", 0)
        tree_end: Any
        tree_end, limit = limits()
        cursor: Any = Behind(limit, ZERO, None)
        with on_stage(stage):
            gather = MmuGather(stage.mm)
            calls: dict[str, Callable[[], object]] = {
                "unmap_vmas": lambda: unmap_vmas(gather, cursor, vma, vma.start, vma.end, tree_end),
                "free_pgtables": lambda: free_pgtables(gather, cursor, vma, 0, 0, tree_end),
                "release_vmas": lambda: release_vmas(stage.mm, cursor, vma, tree_end),
            }
            crashed = False
            try:
                calls[walk]()
            except Oops:
                crashed = True
        claim("the marker is taken for a VMA", crashed)

    return run


def unknown_gathered_program() -> Program:
    """The same behind a VMA that free_pgtables() gathers."""

    def run() -> None:
        stage = SpaceStage()
        vma = area(stage, "vma", 0)
        after = area(stage, "behind", vma.end)
        assume(term_of(after.start) == term_of(vma.end))
        tree_end: Any
        tree_end, limit = limits()
        cursor: Any = Behind(limit, after, ZERO, None)
        crashed = False
        with on_stage(stage):
            try:
                free_pgtables(MmuGather(stage.mm), cursor, vma, 0, 0, tree_end)
            except Oops:
                crashed = True
        claim("the marker is taken for a VMA", crashed)

    return run


def marked_parts() -> dict[str, Program]:
    """Walks that do not know the zero marker."""
    walks = ("unmap_vmas", "free_pgtables", "release_vmas")
    parts = {f"any number, {walk}, a marker not known": unknown_marker_program(walk) for walk in walks}
    return parts | {
        "any number, free_pgtables, a marker not known behind a batch": unknown_gathered_program()
    }


def zap_parts() -> dict[str, Program]:
    """unmap_vmas(), any number of VMAs."""
    return {
        f"any number, unmap_vmas, behind it {behind}": zap_program(behind, behind == "marker")
        for behind in NEXT
    }


def release_parts() -> dict[str, Program]:
    """release_vmas(), any number of VMAs."""
    parts: dict[str, Program] = {}
    for behind in NEXT:
        for charged in (True, False):
            told = f"behind it {behind}, {'charged' if charged else 'not charged'}"
            parts[f"any number, release_vmas, {told}"] = release_program(behind, behind == "marker", charged)
    return parts
