"""The stand-ins among which teardowns are executed: an address space, its tree, its page tables.

The tree answers as the interval map does (the first entry that ends above the cursor and starts no higher
than the limit); that the shipped tree does is another part's matter. Page tables are not held at all: what
free_pgd_range() is called with is noted, after it was claimed that it may be called so, and the sentence
that `free_pgd_range_exact` proves says which tables go. What is zapped, unlinked and released is noted in
order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm import teardown
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.recovery import open_coded
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import FULL, Word, term_of
from mapleproof.proofs.mm.spans import exact, holds, meets, proper

Event = tuple[str, Any]


class SpaceStage:
    """One address space and what was done to it. ``events`` are ("zap", (start, end)), ("unlink", VMA),
    ("tables", (addr, end, floor, ceiling)), each followed by ("huge", which variant), ("release", VMA),
    ("uncharge", pages) and ("alarm", text), in order."""

    def __init__(self, shape: PageGeometry = X86_64) -> None:
        self.events: list[Event] = []
        self.shape = shape
        self.top = SimpleNamespace(below=True, pages=0, level=shape.levels)
        self.machine: Any = SimpleNamespace(
            gathers=0,
            observers=(),
            scanned={},
            geometry=shape,
            alarm=lambda promise, what: self.events.append(("alarm", what)),
            free_vma=lambda vma: self.events.append(("release", vma)),
            uncharge=lambda pages: self.events.append(("uncharge", pages)),
        )
        self.tree = Tree()
        lock = SimpleNamespace(**{f"{kind}_{what}": _nothing for kind in ("read", "write") for what in LOCKS})
        self.mm: Any = SimpleNamespace(
            number=1,
            machine=self.machine,
            tree=self.tree,
            tables=SimpleNamespace(geometry=shape, top=self.top, zap=self._zap),
            lock=lock,
            map_count=0,
            users=1,
            oom_skip=False,
            unstable=False,
            cursor=lambda addr=0: ListCursor(self.tree, addr),
            find=lambda addr: ListCursor(self.tree, addr).find(FULL),
            count_pages=lambda flags, pages: None,
            pages=lambda vma: 0,
        )

    def _zap(self, start: Any, end: Any) -> int:
        claim("what is zapped is not empty", z3.ULT(term_of(start), term_of(end)))
        self.events.append(("zap", (start, end)))
        return 0

    def of(self, kind: str) -> list[Any]:
        """What was noted of one kind, in order."""
        return [what for name, what in self.events if name == kind]

    def goes(self, base: Any, span: int) -> Any:
        """Formula: a populated table goes in one of the calls."""
        return z3.Or(*(exact(base, span, *call) for call in self.of("tables")))

    def zapped(self, addr: Any) -> Any:
        """Formula: the page at ``addr`` is zapped."""
        return z3.Or(*(holds(addr, *part) for part in self.of("zap")))


LOCKS = ("lock", "unlock")


def _nothing() -> None:
    pass


class Tree:
    """Entries in order, each a VMA or what was stored over one."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, Any, Any]] = []
        self.destroyed = False

    def destroy(self) -> None:
        self.entries = []
        self.destroyed = True

    def set_in_rcu(self, _on: bool) -> None:
        pass


class ListCursor:
    """A cursor on a Tree: find(), set(), and storing over exactly one entry."""

    def __init__(self, tree: Tree, index: Any = 0) -> None:
        self.tree = tree
        self.set(index)

    def set(self, index: Any) -> None:
        self.index = self.last = self.next = index

    def set_range(self, first: Any, last: Any) -> None:
        self.index, self.last = first, last

    def find(self, limit: Any) -> Any:
        """The first entry behind the last one found that starts no higher than ``limit``; the cursor stands
        on it."""
        begin = Word(term_of(self.next))
        for start, end, entry in self.tree.entries:
            if begin < end:
                if start <= limit:
                    self.index, self.last, self.next = start, Word(end.term - 1), end
                    return entry
                break
        return None

    def store(self, entry: Any) -> None:
        """Replace the entry that [index, last] is exactly."""
        for number, (start, end, _) in enumerate(self.tree.entries):
            if start == self.index:
                claim("a store replaces exactly one entry", end.term - 1 == term_of(self.last))
                self.tree.entries[number] = (start, end, entry)
                return
        raise AssertionError("nothing is stored over")


def vmas(stage: SpaceStage, names: list[str], mm: Any = None, flags: int = 0, last: int = 0) -> list[Vma]:
    """VMAs in order, page-aligned, inside what the page tables reach; gaps between them or none."""
    made: list[Vma] = []
    before: Any = z3.BitVecVal(last, 64)
    for name in names:
        shift = stage.shape.page_shift
        start, end = Word.named(f"{name}.start", shift), Word.named(f"{name}.end", shift)
        assume(z3.And(z3.ULE(before, start.term), z3.ULT(start.term, end.term)))
        assume(z3.ULE(end.term, stage.shape.task_size))
        before = end.term
        owner = stage.mm if mm is None else mm
        # A file of its own, so that unlinking it twice would matter
        file: Any = SimpleNamespace(number=len(made), opened=1, refs=2, i_mmap=())
        made.append(Vma(owner, start, end, flags, file))  # type: ignore[arg-type]
    return made


def in_order(upper: list[Vma], lower: list[Vma]) -> None:
    """Assume that one lot of VMAs lies behind another."""
    if upper and lower:
        assume(lower[-1].end <= upper[0].start)


@contextmanager
def on_stage(stage: SpaceStage) -> Iterator[None]:
    """free_pgd_range() and unlinking are noted while the context lasts."""

    def free(
        gather: Any, top: Any, shape: Any, addr: Any, end: Any, floor: Any, ceiling: Any, *huge: bool
    ) -> None:
        claim("page tables are freed of the child alone", top is stage.top)
        claim(
            "free_pgd_range() is called with floor <= addr < end <= ceiling",
            proper(addr, end, floor, ceiling),
        )
        stage.events.append(("tables", (addr, end, floor, ceiling)))
        stage.events.append(("huge", any(huge)))

    def unlink(machine: Any, vma: Vma) -> None:
        stage.events.append(("unlink", vma))

    swaps: list[tuple[Any, str, Callable[..., Any]]] = [
        (teardown, "free_pgd_range", free),
        (open_coded, "free_pgd_range", free),
        (teardown, "unlink_file", unlink),
    ]
    before = [getattr(module, name) for module, name, _ in swaps]
    for module, name, stand_in in swaps:
        setattr(module, name, stand_in)
    try:
        yield
    finally:
        for (module, name, _), old in zip(swaps, before, strict=True):
            setattr(module, name, old)


def claim_order(stage: SpaceStage, level: int, table: Word) -> None:
    """No table goes while one below it is still to go: only in later calls could there be one."""
    span = stage.shape.span(level)
    calls = stage.of("tables")
    for number, call in enumerate(calls):
        for later in calls[number + 1 :]:
            early = z3.And(exact(table, span, *call), meets(table, span, *later[:2]))
            claim(f"no table of level {level} goes before those below it", z3.Not(early))


def populated(base: Any, span: int, of: list[Vma]) -> Any:
    """Formula: some page of these VMAs lies in the table's span."""
    return z3.Or(*(meets(base, span, vma.start, vma.end) for vma in of))


def mapped(addr: Any, of: list[Vma]) -> Any:
    """Formula: the address lies in one of these VMAs."""
    return z3.Or(*(holds(addr, vma.start, vma.end) for vma in of))
