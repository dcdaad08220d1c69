"""Our tree in the seat of a kernel's: carries steps out and answers as its process would.

A write fails if and only if memory was refused to it, and a copy has as many nodes as it has asked for. Where
that is not so Differs is raised, and whatever our tree raises.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.kernel.wire import STATUSES
from mapleproof.impl.maple.cursor import Cursor
from mapleproof.impl.maple.kinds import STATES
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.props.maple.loop import entries
from mapleproof.props.maple.loop.again import short_of
from mapleproof.props.maple.loop.codes import (
    ALLOC,
    ALLOC_CYCLIC,
    ALLOC_REV,
    AREA,
    AREA_REV,
    BARRIER,
    BORDERS,
    CHECK,
    DESTROY,
    DUP,
    ENOMEM,
    ERASE,
    ERROR,
    EXPECTED,
    FIND,
    FIND_AFTER,
    FOR_EACH,
    FOR_EACH_REV,
    GIVE_BACK,
    IN_RCU,
    INIT,
    INSERT,
    LIVE,
    LOAD,
    MAS_ALLOC_CYCLIC,
    MAS_DESTROY,
    MAS_ERASE,
    MAS_FIND,
    MAS_FIND_RANGE,
    MAS_FIND_RANGE_REV,
    MAS_FIND_REV,
    MAS_NEXT,
    MAS_NEXT_RANGE,
    MAS_PAUSE,
    MAS_PREV,
    MAS_PREV_RANGE,
    MAS_RESET,
    MAS_STORE,
    MT_DESTROY,
    MT_DUP,
    NARROW,
    NEVER,
    NEXT,
    NOMEM,
    NOMEM_NOFAIL,
    OUT_OF_RCU,
    PREALLOCATE,
    PREV,
    READ_LOCK,
    READ_UNLOCK,
    SET,
    SET_RANGE,
    SNAPSHOT,
    STORE,
    STORE_GFP,
    STORE_PREALLOC,
    WALK,
)
from mapleproof.props.maple.loop.differs import Differs
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.shortage import plan_of

FAILED = STATES.index("error")


class Ours:
    """The trees and cursors of a port on our tree. What it answered last is in ``ret`` and its kin, the words
    that follow in ``words``."""

    def __init__(self, port: ImplPort) -> None:
        self.port = port
        self.trees: list[Any] = [port.trees[0]]
        self.cursors: list[Any] = [None, None, None]
        self.ret = self.status = self.entry = self.index = self.last = 0
        self.words: list[int] = []
        self.statuses = [STATUSES.index(name) for name in STATES]

    def answer(self, op: int, cursor: int, tree: int, fail: int, a: int, b: int, c: int, d: int) -> None:
        """Carry out one step. Raises Differs."""
        self.ret = self.status = self.entry = self.index = self.last = 0
        if fail != NEVER:
            self.answer_short(op, cursor, tree, fail, a, b, c, d)
        elif op in (DUP, MT_DUP):
            self.dup(tree, a, NEVER)
        elif op >= INIT:
            self.on_cursor(op, cursor, tree, a, b, c, d)
        elif op >= LOAD:
            self.on_tree(op, tree, a, b, c, d)
        else:
            self.look(op, tree)

    def answer_short(
        self, op: int, cursor: int, tree: int, fail: int, a: int, b: int, c: int, d: int
    ) -> None:
        """The same, short of memory."""
        if op in (DUP, MT_DUP):
            self.dup(tree, a, fail)
            return
        short = short_of(fail)
        assert short is not None
        held: MapleTree = self.trees[tree]
        plan = held.plan = plan_of(short)
        if op >= INIT:
            self.on_cursor(op, cursor, tree, a, b, c, d)
        else:
            self.on_tree(op, tree, a, b, c, d)
        held.plan = None
        if op == ERASE and self.entry and held.load(a) is not None:
            self.ret = -ENOMEM
        failed = self.status == ERROR if op == MAS_ERASE else self.ret == -ENOMEM
        if failed != bool(plan.final):
            raise Differs

    def dup(self, tree: int, into: int, fail: int) -> None:
        held: MapleTree = self.trees[tree]
        short = short_of(fail)
        plan = held.plan = FailurePlan() if short is None else plan_of(short)
        self.ret, copy = held.dup()
        held.plan = None
        if (self.ret == -ENOMEM) != bool(plan.final):
            raise Differs
        while len(self.trees) <= into:
            self.trees.append(None)
        if copy is None:
            return
        copy.plan = None
        if plan.units != copy.live_nodes():
            raise Differs
        self.trees[into] = self.port.trees[into] = copy

    def look(self, op: int, tree: int) -> None:
        """What only a port is asked, and what readers do."""
        if op == CHECK:
            self.port.check(tree)
        elif op == SNAPSHOT:
            words = self.words = []
            for first, last, entry in self.trees[tree].entries():
                words += [first, last, entries.raw(entry or 0)]
            self.status = len(words)
        elif op == BORDERS:
            self.words = self.port.borders(tree)
            self.status = len(self.words)
        elif op == LIVE:
            self.index = self.port.live_allocations()
        elif op == BARRIER:
            self.port.end_grace_period()
        elif op == READ_LOCK:
            self.trees[tree].rcu_read_lock()
        elif op == READ_UNLOCK:
            self.trees[tree].rcu_read_unlock()
        elif op == GIVE_BACK:
            for place in self.cursors:
                place.destroy()

    def on_tree(self, op: int, tree: int, a: int, b: int, c: int, d: int) -> None:
        held: MapleTree = self.trees[tree]
        if op == STORE:
            self.ret = held.store_range(a, b, c or None)
        elif op == LOAD:
            self.entry = entries.raw(held.load(a) or 0)
        elif op in (FIND, FIND_AFTER):
            entry, index = held.find(a, b) if op == FIND else held.find_after(a, b)
            if entry is not None:
                self.entry, self.index = entries.raw(entry or 0), index
        elif op == NEXT:
            self.entry = entries.raw(held.next(a, b) or 0)
        elif op == PREV:
            self.entry = entries.raw(held.prev(a, b) or 0)
        elif op == INSERT:
            self.ret = held.insert_range(a, b, c or None)
        elif op == ERASE:
            self.entry = entries.raw(held.erase(a) or 0)
        elif op in (ALLOC, ALLOC_REV):
            ret, start = held.alloc_range(a, b, c, d) if op == ALLOC else held.alloc_rrange(a, b, c, d)
            self.ret = ret
            if start is not None:
                self.index = start
        elif op == ALLOC_CYCLIC:
            ret, start, follows = held.alloc_cyclic(a, b, c, d)
            self.ret = ret
            if ret >= 0:
                self.index, self.last = start or 0, follows or 0
        elif op in (DESTROY, MT_DESTROY):
            held.destroy()
        elif op in (IN_RCU, OUT_OF_RCU):
            held.set_in_rcu(op == IN_RCU)

    def on_cursor(self, op: int, cursor: int, tree: int, a: int, b: int, c: int, d: int) -> None:
        if op == INIT:
            self.cursors[cursor] = self.port.cursors[cursor] = Cursor(self.trees[tree], a)
            return
        place: Cursor = self.cursors[cursor]
        if op == SET:
            place.set(a)
        elif op == SET_RANGE:
            place.set_range(a, b)
        elif op == NARROW:
            place.set_range_staying(a, b)
        elif op == MAS_PAUSE:
            place.pause()
        elif op == MAS_RESET:
            place.reset()
        elif op in (STORE_GFP, MAS_STORE, PREALLOCATE, STORE_PREALLOC):
            self.store(op, place, a or None)
        elif op in (AREA, AREA_REV):
            self.ret = place.empty_area(a, b, c) if op == AREA else place.empty_area_rev(a, b, c)
            if self.ret == 0:
                self.index, self.last = place.index, place.last
        elif op in (FOR_EACH, FOR_EACH_REV):
            self.loop(op == FOR_EACH, place, a)
        elif op == EXPECTED:
            self.ret = place.expected_entries(a)
        elif op == NOMEM:
            self.ret = place.nomem()
        elif op == NOMEM_NOFAIL:
            self.ret = place.nomem_nofail(a, b)
        elif op == MAS_ALLOC_CYCLIC:
            ret, start, follows = place.alloc_cyclic(a, b, c, d)
            self.ret = ret
            if ret >= 0:
                self.index, self.last = start or 0, follows or 0
        elif op == MAS_DESTROY:
            place.destroy()
        else:
            self.entry = entries.raw(self.move(op, place, a) or 0)
            self.status = self.statuses[place.state]
            self.index, self.last = place.index, place.last

    def move(self, op: int, place: Cursor, limit: int) -> Any:
        """What it reaches."""
        if op == WALK:
            return place.walk()
        if op == MAS_FIND:
            return place.find(limit)
        if op == MAS_FIND_RANGE:
            return place.find_range(limit)
        if op == MAS_FIND_REV:
            return place.find_rev(limit)
        if op == MAS_FIND_RANGE_REV:
            return place.find_range_rev(limit)
        if op == MAS_NEXT:
            return place.next(limit)
        if op == MAS_NEXT_RANGE:
            return place.next_range(limit)
        if op == MAS_PREV:
            return place.prev(limit)
        if op == MAS_PREV_RANGE:
            return place.prev_range(limit)
        return place.erase()

    def store(self, op: int, place: Cursor, entry: Any) -> None:
        if op == STORE_GFP:
            self.ret = place.store_gfp(entry)
        elif op == PREALLOCATE:
            self.ret = place.preallocate(entry)
        else:
            if op == MAS_STORE:
                place.store(entry)
            else:
                place.store_prealloc(entry)
            self.ret = -ENOMEM if place.state == FAILED else 0

    def loop(self, up: bool, place: Cursor, limit: int) -> None:
        """All entries that a loop over the cursor meets."""
        words: list[int] = []
        self.words = words
        while True:
            entry = place.find(limit) if up else place.find_rev(limit)
            if entry is None:
                break
            words += [place.index, place.last, entries.raw(entry or 0)]
        self.status = len(words)
