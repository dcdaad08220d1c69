"""The three walks over VMAs, unmap_vmas(), free_pgtables() and release_vmas(), and what stands for them.

They are proved for any number of VMAs, by induction (``walk_turns.py``, ``walk_tables.py``). A walk meets the
VMA it is given and what find() gives up to its limit, and stops at a zero marker if it knows it: ``walked``
executes a recovery with that in place of the walks.

Not covered: that find() answers so; that is the tree's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm import exit as exiting
from mapleproof.impl.mm import split
from mapleproof.impl.mm.objects import ZERO, Vma
from mapleproof.impl.mm.promises import Oops
from mapleproof.impl.mm.recovery import open_coded, undo_v3, unmap_in_place
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import Word, term_of
from mapleproof.proofs.mm.spans import holds, inside, meets
from mapleproof.proofs.mm.stage import SpaceStage, on_stage

Place = Callable[[Vma], tuple[Any, Any]]


class Walk:
    """One walk that was asked for: which, from which VMA, where the cursor stood, and up to where."""

    def __init__(self, kind: str, walked: Walked, first: Vma, cursor: Any, limit: Any, knows: bool) -> None:
        self.kind = kind
        self.place = walked.place
        self.first = first
        self.begin = term_of(cursor.next)
        self.limit = term_of(limit)
        self.range: tuple[Any, Any] = (0, 0)
        self.stops = z3.BoolVal(False)
        self.marker = 0
        for start, end, entry in walked.stage.tree.entries:
            if entry is ZERO:
                met = self._between(start, end)
                claim("the zero marker is not taken for a VMA", z3.BoolVal(knows) if knows else z3.Not(met))
                self.stops, self.marker = met, start

    def _between(self, start: Any, end: Any) -> Any:
        return z3.And(z3.ULT(self.begin, term_of(end)), z3.ULE(term_of(start), self.limit))

    def finds(self, vma: Vma) -> Any:
        """Formula: find() gives this VMA on the way."""
        start, end = self.place(vma)
        stopped = z3.And(self.stops, z3.ULE(term_of(self.marker), term_of(start)))
        return z3.And(self._between(start, end), z3.Not(stopped))

    def meets(self, vma: Vma) -> Any:
        """Formula: the walk meets this VMA."""
        return z3.BoolVal(True) if vma is self.first else self.finds(vma)


class Walked:
    """An address space with any number of VMAs, and the walks over them that were asked for. ``known`` are
    the VMAs spoken of: the first, any one of the others. ``place`` is where one is in the tree walked."""

    def __init__(self, stage: SpaceStage, known: list[Vma], place: Place | None = None) -> None:
        self.stage = stage
        self.place: Place = place or (lambda vma: (vma.start, vma.end))
        self.known = known
        self.walks: list[Walk] = []

    def walk(self, kind: str, first: Vma | None, cursor: Any, tree_end: Any, knows: bool) -> Walk | None:
        """Take a walk down; the cursor stands somewhere behind all it met."""
        if first is None or (knows and first is ZERO):
            return None
        if first is ZERO:
            raise Oops("the zero marker is taken for a VMA")
        limit = Word(z3.simplify(term_of(tree_end) - 1))
        walk = Walk(kind, self, first, cursor, limit, knows)
        after = Word.named(f"after walk {len(self.walks)}")
        for vma in self.known:
            end = term_of(self.place(vma)[1])
            assume(z3.Implies(walk.meets(vma), z3.ULE(end, after.term)))
        cursor.next = after
        self.walks.append(walk)
        return walk

    def of(self, kind: str) -> list[Walk]:
        """The walks of one kind."""
        return [walk for walk in self.walks if walk.kind == kind]

    def zapped(self, page: Any, own: list[Vma]) -> Any:
        """Formula: the page is zapped; it lies in one of these VMAs."""
        met = []
        for walk in self.of("zap"):
            start, end = (term_of(word) for word in walk.range)
            part = z3.And(z3.ULE(start, term_of(page)), z3.ULT(term_of(page), end))
            met += [z3.And(walk.meets(vma), holds(page, vma.start, vma.end), part) for vma in own]
        return z3.Or(*met)

    def goes(self, table: Any, span: int, own: list[Vma]) -> Any:
        """Formula: a table goes that these VMAs alone have populated."""
        gone = [self.stage.goes(table, span)]
        for walk in self.of("tables"):
            within = inside(table, span, *walk.range)
            for vma in own:
                gone.append(z3.And(walk.meets(vma), meets(table, span, vma.start, vma.end), within))
        return z3.Or(*gone)

    def claim_each_once(self, kind: str, own: list[Vma], others: list[Vma], what: str) -> None:
        """Each of its own VMAs is met once in all walks of a kind, no other ever."""
        for vma in own:
            met = [walk for walk in self.of(kind) if walk.first is vma]
            found = [walk.finds(vma) for walk in self.of(kind)]
            many = z3.Sum([z3.If(one, 1, 0) for one in found]) + len(met) if found else z3.IntVal(0)
            claim(f"each of its VMAs is {what} once", many == 1)
        for vma in others:
            claim(f"no other VMA is {what}", z3.Not(z3.Or(*(walk.meets(vma) for walk in self.of(kind)))))


@contextmanager
def walked(walked: Walked) -> Iterator[None]:
    """The three walks are taken down while the context lasts, instead of walking."""

    def unmap(
        _: Any, cursor: Any, vma: Any, start: Any, end: Any, tree_end: Any, knows: bool = False
    ) -> None:
        walk = walked.walk("zap", vma, cursor, tree_end, knows)
        if walk is not None:
            walk.range = (start, end)

    def free(
        _: Any, cursor: Any, vma: Any, floor: Any, ceiling: Any, tree_end: Any, knows: bool = False
    ) -> None:
        walk = walked.walk("tables", vma, cursor, tree_end, knows)
        if walk is not None:
            walk.range = (floor, ceiling)
            for one in walked.known:
                low, high = z3.ULE(term_of(floor), term_of(one.start)), term_of(one.end) - 1
                fits = z3.And(low, z3.ULE(high, term_of(ceiling) - 1))
                claim("every VMA met lies between floor and ceiling", z3.Implies(walk.meets(one), fits))

    def release(mm: Any, cursor: Any, vma: Any, tree_end: Any, knows: bool = False) -> None:
        walked.walk("release", vma, cursor, tree_end, knows)

    standing = {"unmap_vmas": unmap, "free_pgtables": free, "release_vmas": release}
    swaps = [
        (module, name, getattr(module, name))
        for module in (exiting, undo_v3, unmap_in_place, open_coded, split)
        for name in standing
        if hasattr(module, name)
    ]
    for module, name, _ in swaps:
        setattr(module, name, standing[name])
    try:
        with on_stage(walked.stage):
            yield
    finally:
        for module, name, old in swaps:
            setattr(module, name, old)
