"""A run of the checked loop: what it does next, drawn from its mix, on the model and a kernel's tree.

Kinds of steps and how often each comes are those of `props.maple.lanes.draws`. `knows` says which mixes the
loop can draw; those with an operation that is not here are left to that lane.
"""

from __future__ import annotations

from types import SimpleNamespace

from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.loop.codes import (
    ALLOC,
    ALLOC_CYCLIC,
    ALLOC_REV,
    AREA,
    AREA_REV,
    CODE,
    DESTROY,
    DUP,
    ERASE,
    FIND,
    FIND_AFTER,
    INSERT,
    K_ALLOC,
    K_ALLOC_CYCLIC,
    K_ALLOC_REV,
    K_AREA,
    K_AREA_REV,
    K_BARE,
    K_BARRIER,
    K_BULK_LOAD,
    K_CROSS,
    K_DESTROY,
    K_DUP,
    K_ERASE,
    K_FILL,
    K_FOR_EACH,
    K_INSERT,
    K_MAS_ALLOC_CYCLIC,
    K_MAS_ERASE,
    K_MAS_NARROW,
    K_MAS_REPLACE,
    K_MAS_STORE,
    K_MAS_STORE_HERE,
    K_PAUSE,
    K_PREALLOC,
    K_PREALLOC_HERE,
    K_RCU_MODE,
    K_READER,
    K_RETRY,
    K_SET,
    K_STORE,
    K_STORE_NULL,
    K_STORE_WIDE,
    K_SWEEP,
    K_WRONG,
    KINDS,
    KINDS_OF_CURSORS,
    LOAD,
    MAS_FIND,
    MAS_FIND_RANGE,
    MAS_NEXT,
    MAS_NEXT_RANGE,
    MAX,
    MT_DESTROY,
    MT_DUP,
    NEVER,
    NEXT,
    OUTSIDE_LOCK,
    PLAIN,
    PREV,
    STORE,
    WALK,
)
from mapleproof.props.maple.loop.steps import CursorSteps
from mapleproof.props.maple.loop.tape import Tape
from mapleproof.props.maple.mixes import AIM_EVERY as _AIM_EVERY
from mapleproof.props.maple.mixes import NEEDS, OUTSIDE_LOCKS, Mix
from mapleproof.props.maple.mixes import TREES as _TREES

try:
    import cython
except ImportError:  # it is needed for compiling alone
    globals()["cython"] = SimpleNamespace(compiled=False)

AIM_EVERY, TREES = _AIM_EVERY, _TREES

MAX_KINDS = 512


def knows(mix: Mix) -> bool:
    """Whether the loop can draw all of a mix."""
    return len(mix.kinds) <= MAX_KINDS and all(kind in KINDS or kind in PLAIN for kind in mix.kinds)


class Loop(CursorSteps):
    """Draws the steps of one run, and carries them out on both sides. ``lacks``: the operations that the
    kernel has not got; ``locks``: its trees can be written under a lock outside them; ``closely``: a tree is
    looked at after each write."""

    def __init__(
        self,
        seed: int,
        mix: Mix,
        tape: Tape,
        careful: bool,
        lacks: frozenset[str] = frozenset(),
        locks: bool = True,
        closely: bool = False,
    ) -> None:
        super().__init__(seed, mix, tape, careful)
        self.closely = closely
        self.lacks = tuple(name in lacks for name in CODE)
        self.outside_lock = locks and self.random() < OUTSIDE_LOCKS
        there = [kind for kind in mix.kinds if self._needed(kind) not in lacks] or ["store"]
        drawn = [KINDS[kind] if kind in KINDS else CODE[kind] for kind in there]
        self.many = len(drawn)
        if not cython.compiled:
            self.kinds = drawn
        else:
            for number, kind in enumerate(drawn):
                self.kinds[number] = kind

    @staticmethod
    def _needed(kind: str) -> str:
        """The operation without which a kind of step cannot be made."""
        needed = NEEDS.get(kind)
        return kind if needed is None else TREE_FORMS.of(needed).name

    def run(self, count: int) -> int:
        """At least ``count`` operations. Raises Differs."""
        if self.outside_lock:
            self.look(OUTSIDE_LOCK, self.pairs[0], 0)
            self.can_wait = True
        self.begin()
        while self.done < count:
            for _ in range(AIM_EVERY):
                if self.done >= count:
                    break
                self.draw(self.kinds[self.below(self.many)])
            self.aim()
        self.finish()
        return self.done

    def begin(self) -> None:
        """A tree with as many ranges as the mix has."""
        if self.prefill:
            stride = self.widest // self.prefill
            if stride < 2:
                stride = 2
            length = stride
            if not self.touching:
                most = stride - 1 if stride - 1 < self.longest else self.longest
                length = 1 + self.below(most)
            if stride * self.prefill <= MAX - self.base:
                self.fill(self.pairs[0], self.base, stride, length, self.prefill)
        self.aim()

    def draw(self, kind: int) -> None:
        """One step of a kind."""
        if kind < 256:
            if kind in (LOAD, FIND, FIND_AFTER, NEXT, PREV):
                self.step_look(kind)
            else:
                self.step_move(kind)
        elif kind < KINDS_OF_CURSORS:
            self.draw_on_tree(kind)
        else:
            self.draw_on_cursor(kind)

    # In C, arguments are evaluated in no order: what is drawn for one operation is drawn line by line.

    def step_look(self, kind: int) -> None:
        pair, index = self.tree(), self.index()
        limit = 0 if kind == LOAD else self.limit(kind != PREV)
        self.look(kind, pair, index, limit)

    def step_move(self, kind: int) -> None:
        place = self.cursor()
        if kind == WALK:
            self.move(kind, place, 0)
        else:
            up = kind in (MAS_FIND, MAS_FIND_RANGE, MAS_NEXT, MAS_NEXT_RANGE)
            self.move(kind, place, self.limit(up))

    def draw_on_tree(self, kind: int) -> None:
        if kind in (K_STORE, K_STORE_NULL):
            self.draw_range()
            entry = 0 if kind == K_STORE_NULL else self.maybe_null()
            self.write_range(STORE, entry)
        elif kind == K_STORE_WIDE:
            if self.random() < 0.3:
                self.draw_window()
                self.spare()
                self.write_range(STORE, self.maybe_null())
        elif kind == K_FILL:
            if self.random() < 0.025:
                self.step_fill()
        elif kind == K_INSERT:
            self.draw_range()
            if self.careful and self.low == 0 and self.high == MAX:
                self.high -= 1
            self.write_range(INSERT, self.entry())
        elif kind == K_ERASE:
            index, short = self.index(), self.short(True)
            self.write(ERASE, self.tree(), short, index)
        elif kind in (K_ALLOC, K_ALLOC_REV):
            op = ALLOC if kind == K_ALLOC else ALLOC_REV
            self.draw_area(op == ALLOC_REV)
            entry, size, short = self.entry(), self.size(), self.short(True)
            self.write(op, self.tree(), short, entry, size, self.low, self.high)
        elif kind == K_ALLOC_CYCLIC:
            self.draw_window()
            low, high = self.low, self.high
            entry, index, short = self.entry(), self.index(), self.short(True)
            self.write(ALLOC_CYCLIC, self.tree(), short, entry, low, high, index)
        elif kind == K_BARE:
            if self.random() < 0.03:
                self.step_bare()
        elif kind == K_WRONG:
            if self.random() >= 0.8:
                self.step_wrong()
        elif kind == K_DUP:
            if len(self.pairs) < TREES and self.random() < 0.15:
                self.step_dup()
        elif kind == K_DESTROY:
            if self.random() < 0.03:
                op = DESTROY if self.random() < 0.5 else MT_DESTROY
                self.write(op, self.tree(), NEVER)
        elif kind == K_RCU_MODE:
            wrong = self.careful and not self.alloc_range
            if self.random() < 0.05 and not wrong and not self.reader_inside():
                on = self.random() < 0.5
                self.rcu_mode(self.tree(), on)
        elif kind == K_BARRIER:
            if self.random() < 0.1 and not self.reader_inside():
                self.barrier()
        elif kind == K_READER and self.random() < 0.1:
            self.reader(self.tree())

    def write_range(self, op: int, entry: int) -> None:
        """Over the range that was drawn."""
        short = self.short(True)
        self.write(op, self.tree(), short, self.low, self.high, entry)

    def draw_on_cursor(self, kind: int) -> None:
        if kind == K_SET:
            self.step_set()
        elif kind == K_PAUSE:
            self.step_pause()
        elif kind == K_AREA:
            self.step_area(AREA)
        elif kind == K_AREA_REV:
            self.step_area(AREA_REV)
        elif kind == K_CROSS:
            self.step_cross()
        elif kind == K_SWEEP:
            self.step_sweep()
        elif kind == K_MAS_STORE:
            self.step_store()
        elif kind == K_MAS_STORE_HERE:
            self.step_store_here()
        elif kind == K_MAS_NARROW:
            self.step_narrow()
        elif kind == K_MAS_ALLOC_CYCLIC:
            self.step_alloc_cyclic()
        elif kind == K_FOR_EACH:
            self.step_for_each()
        elif kind == K_MAS_REPLACE:
            self.step_replace()
        elif kind == K_RETRY:
            self.step_retry()
        elif kind == K_MAS_ERASE:
            self.step_erase()
        elif kind == K_PREALLOC:
            self.step_prealloc()
        elif kind == K_PREALLOC_HERE:
            self.step_prealloc_here()
        elif kind == K_BULK_LOAD:
            self.step_bulk_load()

    def step_fill(self) -> None:
        kind = self.below(6)
        count = 3 if kind == 0 else 8 if kind == 1 else 17 if kind < 4 else 40 if kind == 4 else 150
        kind = self.below(5)
        stride = 1 if kind == 0 else 2 if kind < 3 else 3 if kind == 3 else 10
        first = self.index()
        if first < MAX - count * stride:
            length = 1 + self.below(stride)
            self.fill(self.tree(), first, stride, length, count)

    def step_bare(self) -> None:
        """A bare entry, and room for as much as there is around it, or for a little more."""
        pair, high = self.tree(), self.index()
        if high == MAX:
            high -= 1
        self.write(DESTROY, pair, NEVER)
        self.write(STORE, pair, NEVER, 0, 0, self.entry())
        op = ALLOC if self.random() < 0.5 else ALLOC_REV
        entry, size, short = self.entry(), high + self.below(2), self.short(True)
        self.write(op, pair, short, entry, size, 0, high)

    def step_wrong(self) -> None:
        """Arguments that are wrong on purpose: the documented error, and nothing changed."""
        pair, low, high, chance = self.tree(), self.index(), self.index(), self.random()
        if low == high:
            return
        if low > high:
            low, high = high, low
        if chance < 0.3:
            self.write(STORE, pair, NEVER, high, low, self.maybe_null())
        elif chance < 0.5:
            self.write(INSERT, pair, NEVER, high, low, self.entry())
        else:
            op = ALLOC if chance < 0.75 else ALLOC_REV
            if self.random() < 0.5:
                self.write(op, pair, NEVER, self.entry(), 0, low, high)
            else:
                self.write(op, pair, NEVER, self.entry(), 1, high, low)

    def step_dup(self) -> None:
        few, kind = self.short(True), self.below(6)
        many = 1 << self.below(8)
        many += self.below(many)
        short = NEVER if kind == 0 else 0 if kind == 1 else few if kind == 2 else many
        op = DUP if self.random() < 0.5 else MT_DUP
        if self.dup(op, self.tree(), short):
            place, index = self.any_cursor(), self.index()
            self.init(place, self.pairs[len(self.pairs) - 1], index)
