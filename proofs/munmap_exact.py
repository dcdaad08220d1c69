"""munmap() of whole VMAs frees exactly the page tables that no VMA left behind still needs.

take_out() is executed with a neighbour on the left or none, one on the right or none, and VMAs between them.
The walk goes over a maple tree of its own, by number: that one is the shipped tree.

Not covered: splitting VMAs at the ends, storing NULL over the range, charges, hugetlb VMAs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import z3  # type: ignore[import-untyped]

from mapleproof.impl.mm import split
from mapleproof.impl.mm.flags import VM_ACCOUNT
from mapleproof.impl.mm.geometry import X86_64
from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.split import take_out
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.loops import Cut, Rest, turn
from mapleproof.proofs.engine.paths import Program, assume, claim
from mapleproof.proofs.engine.words import Word, term_of
from mapleproof.proofs.mm.layouts import areas, unmapping
from mapleproof.proofs.mm.spans import exact, holds, meets
from mapleproof.proofs.mm.stage import SpaceStage, claim_order, mapped, on_stage, populated, vmas
from mapleproof.proofs.mm.walk_turns import Behind
from mapleproof.proofs.mm.walks import Walked, walked
from mapleproof.props.common.files import Case


class Around:
    """What take_out() asks the tree: the VMA before, and to hold nothing in the range."""

    def __init__(self, stage: SpaceStage, before: list[Vma]) -> None:
        self.entries = stage.tree.entries
        self.before = before
        self.cleared: tuple[Any, Any] | None = None
        self.asked: Any = None

    def prev(self, index: Any, _limit: int) -> tuple[Any, ...] | Any:
        """The VMA below ``index``."""
        self.asked = index
        return self.before[0] if self.before else None

    def store_range(self, first: Any, last: Any, _entry: None) -> int:
        self.cleared = (first, last)
        return 0

    def check(self, first: Vma, start: Word, end: Word) -> None:
        """Claim that it was asked what it must be."""
        if self.asked is not None:
            claim("the VMA before the first is looked for", term_of(self.asked) == term_of(first.start))
        assert self.cleared is not None
        low, high = (term_of(word) for word in self.cleared)
        claim("the range is cleared in the tree", z3.And(low == start.term, high == end.term - 1))


def _range(before: list[Vma], gone: list[Vma], behind: list[Vma]) -> tuple[Word, Word]:
    """What is unmapped: a range that begins and ends between VMAs."""
    start, end = Word.named("start", 12), Word.named("end", 12)
    assume(start <= gone[0].start)
    assume(end >= gone[-1].end)
    assume(end <= X86_64.task_size)
    for vma in before:
        assume(start >= vma.end)
    for vma in behind:
        assume(end <= vma.start)
    return start, end


def program(count: int, left: int, right: int) -> Program:
    """So many VMAs go, with or without neighbours."""

    def run() -> None:
        stage = SpaceStage()
        every = vmas(stage, [*["left"] * left, *[f"vma{k}" for k in range(count)], *["right"] * right])
        before, gone, behind = every[:left], every[left : left + count], every[left + count :]
        start, end = _range(before, gone, behind)
        stage.tree.entries = [(vma.start, vma.end, vma) for vma in every]
        stage.mm.map_count = len(every)
        tree = Around(stage, before)
        stage.mm.tree = tree
        with on_stage(stage):
            claim("there is memory", take_out(stage.mm, start, end) == 0)  # type: ignore[arg-type]
        claim("exactly the VMAs in the range are released, each once", stage.of("release") == gone)
        claim("exactly they are unlinked, each once", stage.of("unlink") == gone)
        claim("map_count is what is left", stage.mm.map_count == left + right)
        tree.check(gone[0], start, end)
        _check(stage, gone, before + behind)

    return run


def _check(stage: SpaceStage, gone: list[Vma], stays: list[Vma]) -> None:
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


class Gone:
    """Any number of VMAs that go, which inside() has found: the first, any one between, the last. The last
    loop over them takes one turn, or none."""

    def __init__(self, own: list[Vma], number: Any, turns: bool) -> None:
        self.own = own
        self.number = number
        self.turns = turns

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, at: int) -> Vma:
        return {0: self.own[0], -1: self.own[2]}[at]

    def __iter__(self) -> Iterator[Vma]:
        if self.turns:
            yield self.own[1]
            raise Cut


class Numbered:
    """The tree of those that go, by number; and a cursor on it."""

    def __init__(self) -> None:
        self.stored: list[tuple[Any, Any, Any]] = []
        self.next: Any = None
        self.destroyed = False

    def store_range(self, first: Any, last: Any, entry: Any) -> None:
        self.stored.append((first, last, entry))

    def destroy(self) -> None:
        self.destroyed = True

    def set(self, index: Any) -> None:
        self.next = index


@contextmanager
def found(gone: Gone, place: Any, detached: Numbered) -> Iterator[None]:
    """inside() has found these, and the loop that numbers them takes one turn."""

    def cursor(tree: Numbered, index: Any) -> Numbered:
        tree.set(index)
        return tree

    stand_ins: dict[str, Any] = {
        "inside": lambda *_: gone,
        "len": lambda _: gone.number,
        "enumerate": lambda _: [(place, gone.own[1])],
        "MapleTree": lambda: detached,
        "Cursor": cursor,
    }
    with ExitStack() as stack:
        for name, stand_in in stand_ins.items():
            stack.enter_context(patch.object(split, name, stand_in, create=True))
        yield


def number_program(left: int, right: int, turns: bool, charged: bool) -> Program:
    """Three VMAs or more that go, the walks over them replaced by what is proved of them."""

    def run() -> None:
        stage = SpaceStage()
        every = vmas(stage, [*["left"] * left, "vma0", "vma1", "vma2", *["right"] * right])
        before, own, behind = every[:left], every[left : left + 3], every[left + 3 :]
        start, end = _range(before, own, behind)
        number, place, count = (Word.named(name) for name in ("number", "place", "map_count"))
        assume(z3.And(z3.ULE(3, number.term), z3.ULT(number.term, 1 << 32)))
        assume(z3.And(z3.ULE(1, place.term), z3.ULT(place.term, number.term - 1)))
        own[1].flags = VM_ACCOUNT if charged else 0
        stage.tree.entries = [(vma.start, vma.end, vma) for vma in every]
        stage.mm.map_count = count
        tree = Around(stage, before)
        stage.mm.tree = tree
        pages, accounted = Word.named("pages"), Word.named("charge found")
        stage.mm.pages = lambda vma: pages
        counted: list[Any] = []
        stage.mm.count_pages = lambda flags, more: counted.append((flags, term_of(more)))
        places = {own[0]: Word(z3.BitVecVal(0, 64)), own[1]: place, own[2]: Word(number.term - 1)}
        walks = Walked(stage, own, lambda vma: (places[vma], Word(places[vma].term + 1)))
        gone, detached = Gone(own, number, turns), Numbered()
        with walked(walks), found(gone, place, detached):
            state = turn(
                split.take_out,
                {"accounted": accounted},
                lambda: take_out(stage.mm, start, end),  # type: ignore[arg-type]
            )
        ((first, last, stored),) = detached.stored
        claim("each is stored at its number", first is place and last is place and stored is own[1])
        claim("map_count is what is left", term_of(stage.mm.map_count) == count.term - number.term)
        walks.claim_each_once("zap", own, [], "zapped")
        walks.claim_each_once("tables", own, [], "unlinked")
        claim("pages go before tables", [walk.kind for walk in walks.walks] == ["zap", "tables"])
        claim("the gather is finished", stage.machine.gathers == 0)
        if turns:
            claim("it goes on", state is not None)
            assert state is not None
            total = accounted.term + (pages.term if charged else 0)
            claim("its charge is found", term_of(state["accounted"]) == total)
            claim("it is released, once", stage.of("release") == [own[1]])
            claim("it is counted out", [flags for flags, _ in counted] == [own[1].flags])
            claim("with all its pages", counted[0][1] == 0 - pages.term)
        else:
            claim("all the charge found is given back", term_of(stage.of("uncharge")[0]) == accounted.term)
            claim("their own tree is destroyed", state is None and detached.destroyed)
        tree.check(own[0], start, end)
        if not turns:
            _check_walks(walks, own, before + behind)

    return run


def _check_walks(walks: Walked, own: list[Vma], stays: list[Vma]) -> None:
    page = Word.named("page", 12)
    claim("their pages are zapped", z3.Implies(mapped(page, own), walks.zapped(page, own)))
    for level in range(1, X86_64.levels):
        span = X86_64.span(level)
        table = Word.named(f"table{level}", X86_64.shift(level))
        there, needed = populated(table, span, own), populated(table, span, stays)
        right = z3.Implies(there, walks.goes(table, span, own) == z3.Not(needed))
        claim(f"a table of level {level} goes if and only if nobody needs it", right)


def inside_program(more: bool) -> Program:
    """One turn of inside(): what is found comes behind what was found, and it goes on with the next."""

    def run() -> None:
        stage = SpaceStage()
        (vma,) = vmas(stage, ["vma0"])
        start, end = Word.named("start", 12), Word.named("end", 12)
        assume(z3.UGT(end.term, start.term))
        asked: list[Any] = []
        cursor = Behind(Word(end.term - 1), vma, *([Rest()] if more else [None]), ends=True)

        def cursor_at(addr: Any) -> Behind:
            asked.append(addr)
            return cursor

        stage.mm.cursor = cursor_at
        before = object()
        listed: list[Any] = []
        state = turn(
            split.inside,
            {"found": [before]},
            lambda: listed.extend(split.inside(stage.mm, start, end)),  # type: ignore[arg-type]
        )
        claim("the search begins at the start", len(asked) == 1 and term_of(asked[0]) == start.term)
        if more:
            claim("it goes on", state is not None)
            assert state is not None
            listed = state["found"]
            claim("with the next", len(listed) == 3 and type(listed.pop()) is Rest)
        claim("what is found comes last", len(listed) == 2 and listed[0] is before and listed[1] is vma)

    return run


def _number_parts() -> dict[str, Program]:
    parts: dict[str, Program] = {
        "any number, inside, more behind": inside_program(True),
        "any number, inside, none behind": inside_program(False),
    }
    for left in (0, 1):
        for right in (0, 1):
            for turns, charged in ((True, True), (True, False), (False, False)):
                told = f"a turn, {'charged' if charged else 'not charged'}" if turns else "the end"
                part = f"any number, {left} left, {right} right, {told}"
                parts[part] = number_program(left, right, turns, charged)
    return parts


def to_case(_part: str, inputs: dict[str, int]) -> Case | None:
    """The munmap() of the inputs."""
    return unmapping(areas(inputs, "left", "vma", "right"), (inputs["start"], inputs["end"]), inputs)


TAKE = "impl.mm.split:take_out"

CLAIM = Claim(
    name="munmap_exact",
    sentence="After munmap() of whole VMAs a page table that they populated is gone if and only if no VMA"
    " that stays meets its span; exactly their pages are zapped, exactly they are released.",
    formula="T meets some VMA gone  =>  (freed(T) <=> T meets no VMA that stays);  zapped(p) <=> p in some"
    " VMA gone",
    bounds="any number of VMAs by induction; executed with 1 and 2 anywhere in order below task_size, each"
    " neighbour there or not; 4 levels",
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
        "rmap.unlink_anon_vmas",
        "teardown._unlink",
    ),
    around=(
        "geometry",
        "objects",
        "impl.maple",
    ),
    parts={
        f"{count} VMAs, {left} left, {right} right": program(count, left, right)
        for count in (1, 2)
        for left in (0, 1)
        for right in (0, 1)
    }
    | _number_parts(),
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
    to_case=to_case,
)

if __name__ == "__main__":
    main(CLAIM)
