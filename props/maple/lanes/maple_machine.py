"""A Hypothesis state machine that drives the model and a port side by side.

Rules are not single operations but what callers do: fill a tree, thin it out, take a cursor for a walk,
prepare a store and make it. An operation that the rules of use forbid at that point is left out.
"""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import NO_MEMORY
from mapleproof.props.maple.lanes import strategies
from mapleproof.props.maple.lanes.machine_base import CURSORS, MOVES, MachineBase, move
from mapleproof.props.maple.lanes.strategies import TOP, codes, split

MOST_TREES = 4
MOST_RANGES = 3000

MOST_REQUESTS = 20
"""More nodes than any write needs in trees of this size."""

NEIGHBOURS = 14
"""So many neighbouring ranges fill any leaf, or leave it too small."""


class MapleMachine(MachineBase):
    """Trees, cursors on them, and everything that the kernel's API offers."""

    # Filling and thinning

    @rule(where=codes, how=codes, count=strategies.prefill_sizes)
    def fill(self, where: int, how: int, count: int) -> None:
        """Store many ranges in a row, with gaps between them or not."""
        which, width, gap, order = split(how, 8, 3, 4, 3)
        tree = self.tree(which)
        if len(self.lockstep.model.trees[tree].map.ranges) + count > MOST_RANGES:
            return
        stride = width + 1 + gap
        first = min(self.place(where, tree), TOP - count * stride)
        filled = ops.Fill(first, stride, width + 1, count, tree=tree)
        if order:
            self.do(filled)
            return
        for store in reversed([*filled.stores()]):
            self.do(store)

    @rule(where=codes, how=codes)
    def thin_out(self, where: int, how: int) -> None:
        """Erase several neighbours one by one, upwards or downwards."""
        which, count, down = split(how, 8, 24, 2)
        tree = self.tree(which)
        ranges = [*self.aims(tree)[0]]
        at = split(where, 256)[0] * len(ranges) // 256
        for first, _, _ in reversed(ranges[at : at + count]) if down else ranges[at : at + count]:
            self.do(ops.MtreeErase(first, tree=tree))

    @rule(where=codes, to=codes, what=codes)
    def empty_a_span(self, where: int, to: int, what: int) -> None:
        """Store NULL, also up to the last index of all."""
        which, to_the_top, short = split(what, 8, 4, 64)
        tree = self.tree(which)
        first, last = self.span(where, to, tree)
        last = TOP if to_the_top == 0 else last
        self.do(ops.MtreeStoreRange(first, last, None, tree=tree, **strategies.shortage(short)))

    @rule(where=codes, to=codes, what=codes)
    def fail_at_each_request(self, where: int, to: int, what: int) -> None:
        """Each write again and again, with memory for one node more each time, until it succeeds.

        Neighbouring ranges are stored, or emptied, one after the other, until a leaf must have been split, or
        joined with another.
        """
        number, kind, entry = split(what, CURSORS, 5, 80)
        cursor, tree = self.cursor(number)
        name: dict[str, Any] = {"tree": tree, "cursor": cursor}
        first, last = self.span(where, to, tree)
        if kind == 0:
            held = [range_[0] for range_ in self.aims(tree)[0] if range_[0] >= first]
            for index in held[:NEIGHBOURS]:
                self.until_it_succeeds(ops.MasErase(**name), ops.MasSet(index, **name))
        elif kind == 1:
            for index in range(first, min(first + 2 * NEIGHBOURS, TOP), 2):
                self.until_it_succeeds(ops.MtreeStoreRange(index, index, entry + 1, **name))
        elif kind == 2:
            self.until_it_succeeds(ops.MtreeStoreRange(0, TOP, entry + 1, **name))
        else:
            store = ops.MasStoreGfp(strategies.entry(entry), **name)
            self.until_it_succeeds(store, ops.MasSetRange(first, last, **name))

    def until_it_succeeds(self, op: Any, *before: Common) -> None:
        """Try an operation with memory for 0, 1, 2, ... nodes, each time after these others."""
        for units in range(MOST_REQUESTS):
            for placing in before:
                self.do(placing)
            answer = self.do(replace(op, fail_after=units))
            if answer is None or (answer.ret != NO_MEMORY and answer.status != "error"):
                return

    # The normal API

    @rule(where=codes, to=codes, what=codes)
    def store(self, where: int, to: int, what: int) -> None:
        which, insert, short, entry = split(what, 8, 4, 64, 80)
        tree = self.tree(which)
        first, last = self.span(where, to, tree)
        arguments: dict[str, Any] = {"tree": tree, **strategies.shortage(short)}
        if insert == 0:
            self.do(ops.MtreeInsertRange(first, last, entry + 1, **arguments))
        else:
            self.do(ops.MtreeStoreRange(first, last, entry + 1, **arguments))

    @rule(where=codes, what=codes)
    def bare_root(self, where: int, what: int) -> None:
        """What a tree without nodes can hold."""
        tree, null = self.tree(what), where % 3 == 0
        self.do(ops.MtreeStoreRange(0, 0, None if null else 1, tree=tree))

    @rule(where=codes, what=codes)
    def erase(self, where: int, what: int) -> None:
        which, short = split(what, 8, 64)
        tree = self.tree(which)
        index = self.place(where, tree)
        self.do(ops.MtreeErase(index, tree=tree, **strategies.shortage(short)))

    @rule(where=codes, to=codes, what=codes)
    def allocate(self, where: int, to: int, what: int) -> None:
        which, kind, size, short, whole = split(what, 8, 3, 40, 64, 2)
        tree = self.tree(which)
        low, high = (0, TOP) if whole else self.span(where, to, tree)
        arguments: dict[str, Any] = {"tree": tree, **strategies.shortage(short)}
        if kind == 0:
            self.do(ops.MtreeAllocRange(7, size, low, high, **arguments))
        elif kind == 1:
            self.do(ops.MtreeAllocRrange(8, size, low, high, **arguments))
        else:
            self.do(ops.MtreeAllocCyclic(9, low, high, self.place(to, tree), **arguments))

    @rule(where=codes, to=codes, what=codes)
    def allocate_through_cursor(self, where: int, to: int, what: int) -> None:
        number, short = split(what, CURSORS, 64)
        cursor, tree = self.cursor(number)
        name: dict[str, Any] = {"tree": tree, "cursor": cursor}
        low, high = self.span(where, to, tree)
        self.do(ops.MasSet(low, **name))
        follows = self.place(to, tree)
        self.do(ops.MasAllocCyclic(9, low, high, follows, **name, **strategies.shortage(short)))
        self.go_on(to, name)

    @rule(where=codes, to=codes, what=codes)
    def look(self, where: int, to: int, what: int) -> None:
        """Every way of the normal API to look for an entry."""
        which, limited = split(what, 8, 2)
        tree = self.tree(which)
        index, other = self.place(where, tree), self.place(to, tree)
        high, low = (other, other) if limited else (TOP, 0)
        self.do(ops.MtreeLoad(index, tree=tree))
        self.do(ops.MtFind(index, high, tree=tree))
        self.do(ops.MtFindAfter(index, high, tree=tree))
        self.do(ops.MtNext(index, high, tree=tree))
        self.do(ops.MtPrev(index, low, tree=tree))

    # Cursors

    def place_cursor(self, where: int, how: int) -> tuple[int, int]:
        """Make a cursor fit for use: set, reset or paused."""
        cursor, tree = self.cursor(how)
        kind = split(how, 3, 8)[1]
        name = {"tree": tree, "cursor": cursor}
        if kind == 0:
            self.do(ops.MasReset(**name))
        elif kind <= 2:
            self.do(ops.MasPause(**name))
        elif kind <= 6:
            self.do(ops.MasSet(self.place(where, tree), **name))
        return cursor, tree

    @rule(where=codes, to=codes, how=codes, steps=codes)
    def walk(self, where: int, to: int, how: int, steps: int) -> None:
        """Place a cursor, or go on with it, and take several steps up and down."""
        cursor, tree = self.place_cursor(where, how)
        limit = self.place(to, tree)
        name = {"tree": tree, "cursor": cursor}
        for step in split(steps, *[3 * len(MOVES)] * 5):
            kind, limited = split(step, len(MOVES), 3)
            if step == 3 * len(MOVES) - 1:
                self.do(ops.MasWalk(**name))
            else:
                self.do(move(kind, limit if limited == 0 else None, name))

    @rule(where=codes, to=codes, what=codes)
    def store_through_cursor(self, where: int, to: int, what: int) -> None:
        """Store where a cursor stands, or over a range it is set to; or empty the range it stands on."""
        number, kind, short, entry = split(what, CURSORS, 6, 64, 80)
        cursor, tree = self.cursor(number)
        name: dict[str, Any] = {"tree": tree, "cursor": cursor}
        shortage = strategies.shortage(short)
        if kind < 3:
            self.do(ops.MasSetRange(*self.span(where, to, tree), **name))
        elif kind == 3:
            self.do(ops.MasSet(self.place(where, tree), **name))
            self.do(ops.MasFind(TOP, **name))
        if kind == 4:
            self.do(ops.MasErase(**name, **shortage))
        elif kind == 5:
            answer = self.do(ops.MasStore(strategies.entry(entry), **name, **shortage))
            if answer is not None and answer.ret != 0:
                self.do(ops.MasNomem(**name))
                self.do(ops.MasStore(strategies.entry(entry), **name))
                self.do(ops.MasDestroy(**name))
        else:
            self.do(ops.MasStoreGfp(strategies.entry(entry), **name, **shortage))
        self.go_on(to, name)

    @rule(where=codes, to=codes, what=codes)
    def store_in_a_loop(self, where: int, to: int, what: int) -> None:
        """What loops over entries do: find, change the range in place or not, store, be refused and try
        again, and go on."""
        number, narrowed, short, entry, again = split(what, CURSORS, 3, 16, 80, 2)
        cursor, tree = self.cursor(number)
        name: dict[str, Any] = {"tree": tree, "cursor": cursor}
        shortage = strategies.shortage(short)
        self.do(ops.MasSet(self.place(where, tree), **name))
        for step in range(3):
            answer = self.do(ops.MasFind(TOP, **name) if step else ops.MasWalk(**name))
            if answer is None or answer.index is None:
                return
            if narrowed:
                first, last = answer.index, max(answer.index, self.place(to, tree))
                self.do(ops.MasSetRangeStaying(first, last if narrowed == 1 else answer.last, **name))
            stored = self.do(ops.MasStoreGfp(strategies.entry(entry + step), **name, **shortage))
            if stored is not None and stored.ret != 0:
                if again:
                    self.do(ops.MasReset(**name))
                self.do(ops.MasStoreGfp(strategies.entry(entry + step), **name))
        self.go_on(to, name)

    def go_on(self, code: int, name: dict[str, Any]) -> None:
        """A step from where a cursor stands after a store."""
        kind, limited = split(code, len(MOVES), 3)
        self.do(move(kind, self.place(code, name["tree"]) if limited == 0 else None, name))

    @rule(where=codes, to=codes, what=codes)
    def prepare_and_store(self, where: int, to: int, what: int) -> None:
        """Get the nodes for a store ahead, once or twice, and then make it without any memory to be had."""
        number, twice, short, entry = split(what, CURSORS, 3, 64, 80)
        cursor, tree = self.cursor(number)
        name: dict[str, Any] = {"tree": tree, "cursor": cursor}
        if twice == 0:
            self.do(ops.MasSetRange(*self.span(to, where, tree), **name))
            self.do(ops.MasPreallocate(strategies.entry(entry + 1), **name))
        self.do(ops.MasSetRange(*self.span(where, to, tree), **name))
        answer = self.do(ops.MasPreallocate(strategies.entry(entry), **name, **strategies.shortage(short)))
        if answer is not None and answer.ret != 0:
            self.do(ops.MasPreallocate(strategies.entry(entry), **name))
        self.do(ops.MasStorePrealloc(strategies.entry(entry), **name, fail_after=0))
        self.go_on(to, name)
        self.do(ops.MasDestroy(**name))

    @rule(where=codes, to=codes, what=codes)
    def find_room(self, where: int, to: int, what: int) -> None:
        """Search for room with a cursor, and store there."""
        number, from_top, size, whole, entry = split(what, CURSORS, 2, 40, 2, 80)
        cursor, tree = self.cursor(number)
        name = {"tree": tree, "cursor": cursor}
        low, high = (0, TOP) if whole else self.span(where, to, tree)
        self.do(ops.MasSet(self.place(to, tree), **name))
        search = ops.MasEmptyAreaRev if from_top else ops.MasEmptyArea
        answer = self.do(search(low, high, size, **name))
        if answer is not None and answer.ret == 0 and size > 1 and entry % 3 == 0:
            self.do(ops.MasSetRangeStaying(answer.index, answer.index, **name))
        if entry % 4:
            self.do(ops.MasStoreGfp(entry + 1, **name))
        self.go_on(to, name)

    # Whole trees

    @rule(what=codes)
    def duplicate(self, what: int) -> None:
        """Duplicate a tree, with enough memory or not, and put a cursor on the copy."""
        which, short, units, number, by_hand = split(what, 8, 2, 40, CURSORS, 2)
        kind = ops.MtDup if by_hand else ops.MtreeDup
        tree, into = self.tree(which), self.next_tree
        if len(self.lockstep.model.trees) == MOST_TREES:
            return
        if short:
            for fewer in (units // 4, units):
                answer = self.do(kind(into, tree=tree, fail_after=fewer))
                if answer is None or answer.ret == 0:
                    break
        else:
            answer = self.do(kind(into, tree=tree))
        self.lockstep.verify(tree)
        if answer is not None and answer.ret == 0:
            self.next_tree += 1
            self.do(ops.MasInit(0, tree=into, cursor=number))
            self.lockstep.verify(into)

    @rule(what=codes)
    def destroy(self, what: int) -> None:
        which, seldom, by_hand = split(what, 8, 4, 2)
        if seldom == 0:
            self.do((ops.MtDestroy if by_hand else ops.MtreeDestroy)(tree=self.tree(which)))

    @rule(where=codes, what=codes, count=st.integers(1, 150))
    def load_in_order(self, where: int, what: int, count: int) -> None:
        """Empty a tree, get the nodes for a number of ranges ahead, and load them: this leaves full leaves.

        Then store over the border between two of them, so that what is left does not fit into two.
        """
        number, gap, width, short, entry = split(what, CURSORS, 3, 3, 64, 80)
        cursor, tree = self.cursor(number)
        name: dict[str, Any] = {"tree": tree, "cursor": cursor}
        self.do(ops.MtreeDestroy(tree=tree))
        self.do(ops.MtClearInRcu(tree=tree))
        self.do(ops.MasSet(0, **name))
        answer = self.do(ops.MasExpectedEntries(count, **name, **strategies.shortage(short)))
        if answer is None or answer.ret != 0:
            return
        for i in range(count):
            first = i * (width + gap + 1)
            self.do(ops.MasSetRange(first, first + width, **name))
            self.do(ops.MasStore(i + 1, **name, fail_after=0))
        self.do(ops.MasDestroy(**name))
        borders = self.lockstep.port.borders(tree)
        which, before, behind = split(where, 64, 3, 3)
        if borders:
            border = borders[which * len(borders) // 64]
            store = ops.MtreeStoreRange(border - before, border + behind, entry + 1, tree=tree)
            self.do(store)

    @rule(what=codes)
    def switch_rcu(self, what: int) -> None:
        which, on = split(what, 8, 2)
        tree = self.tree(which)
        self.do(ops.MtSetInRcu(tree=tree) if on else ops.MtClearInRcu(tree=tree))
        self.do(ops.RcuBarrier())
