"""The three walks over VMAs, for any number of them, by induction; and the sentences that stand for them.

unmap_vmas(), free_pgtables() and release_vmas() are run for one turn of their loops from an arbitrary state
(see ``loops.py``). About one arbitrary page, one arbitrary table:

- unmap_vmas() zaps of every VMA met what lies in [start, end), and nothing else;
- free_pgtables() frees a table that some VMA met has populated if and only if its span lies inside [floor,
  ceiling), none before those below it, and unlinks each VMA met once;
- release_vmas() releases each VMA met once, sounds the alarm if and only if their number is not map_count,
  and gives back the charge of the VM_ACCOUNT ones.

A walk meets the VMA it is given and what find() gives up to its limit, and stops at a zero marker if it knows
it: ``walked`` executes a recovery with that in place of the walks.

Not covered: that find() answers so; that is the tree's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import z3  # type: ignore[import-untyped]

from impl.mm import exit as exiting
from impl.mm import split
from impl.mm.flags import VM_ACCOUNT, VM_HUGETLB
from impl.mm.geometry import X86_64, X86_64_LA57, PageGeometry
from impl.mm.objects import ZERO, Policy, Vma
from impl.mm.promises import Oops
from impl.mm.recovery import open_coded, undo_v3, unmap_in_place
from impl.mm.teardown import MmuGather, free_pgtables, release_vmas, unmap_vmas
from proofs.loops import Cut, Rest, turn
from proofs.paths import Program, assume, claim
from proofs.spans import exact, holds, inside, meets
from proofs.stage import Stage, on_stage
from proofs.words import Word, term_of

NEXT = ("none", "marker", "VMA")
"""What a walk may find behind a VMA."""


def flag(name: str) -> Any:
    """A formula that may be true or not."""
    return z3.Bool(name)


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


def area(stage: Stage, name: str, low: Any, flags: int = 0) -> Vma:
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
        stage = Stage()
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


def tables_program(
    shape: PageGeometry, level: int, behind: str, huge: tuple[bool, bool], knows: bool, first: bool
) -> Program:
    """One turn of free_pgtables(), from where a batch [addr, vma.end) was gathered and ``behind`` is what
    comes behind it. ``huge`` is whether these two are hugetlb's. ``first``: the batch is the VMA alone."""

    def run() -> None:
        stage = Stage(shape)
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
        stage = Stage()
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
        stage = Stage()
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


def release_program(behind: str, knows: bool, charged: bool) -> Program:
    """One turn of release_vmas(), so many released before and so much charge found."""

    def run() -> None:
        stage = Stage()
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

    def __init__(self, stage: Stage, known: list[Vma], place: Place | None = None) -> None:
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


def unknown_marker_program(walk: str) -> Program:
    """A walk that does not know the zero marker takes it for a VMA, which crashes: it does not stop there."""

    def run() -> None:
        stage = Stage()
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
        stage = Stage()
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


def release_parts() -> dict[str, Program]:
    """release_vmas(), any number of VMAs."""
    parts: dict[str, Program] = {}
    for behind in NEXT:
        for charged in (True, False):
            told = f"behind it {behind}, {'charged' if charged else 'not charged'}"
            parts[f"any number, release_vmas, {told}"] = release_program(behind, behind == "marker", charged)
    return parts
