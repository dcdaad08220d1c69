"""A Hypothesis state machine of readers and writers on one tree in RCU mode.

Readers hold their cursors across writes and look in the middle of them; nodes that were replaced stay
readable until the readers have left. The tree has few leaves, so that readers and writers meet.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from mapleproof.props.common.guard import limited_steps
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes import strategies
from mapleproof.props.maple.lanes.machine_base import MOVES, move
from mapleproof.props.maple.lanes.rcu_run import RcuRun
from mapleproof.props.maple.lanes.strategies import TOP, codes, split
from mapleproof.props.maple.ports import ImplPort

STORES = 4
"""Stores in a row behind the last range."""

APART = 7919
"""How far apart the numbers are that say what these stores are: any prime."""

READERS = 3
POINTS = 3
"""At how many points of a write readers may look."""

SPACE = 120
"""Below this index most operations go."""


class RcuMachine(RuleBasedStateMachine):
    """Readers and writers on one tree."""

    make_port: ClassVar[Callable[..., Port]] = ImplPort
    events: ClassVar[Counter[str]] = Counter()
    operations: ClassVar[int] = 0

    @initialize(alloc_range=st.booleans(), ranges=st.sampled_from((0, 0, 5, 12, 30, 60)))
    def begin(self, alloc_range: bool, ranges: int) -> None:
        self.run = RcuRun(type(self).make_port, alloc_range)
        self.guard = ExitStack()
        self.guard.enter_context(limited_steps())
        for reader in range(1, READERS + 1):
            self.do(ops.MasInit(0, cursor=reader))
        for i in range(ranges):
            self.do(ops.MtreeStoreRange(2 * i, 2 * i, i + 1))

    def teardown(self) -> None:
        if not hasattr(self, "run"):
            return
        try:
            self.run.finish()
        finally:
            self.guard.close()
            port = self.run.lockstep.port
            type(self).events.update(port.events())
            port.close()

    def do(self, op: Common) -> None:
        self.run.do(op)
        type(self).operations += 1

    def span(self, where: int, to: int) -> tuple[int, int]:
        """A range, near the bottom or where ranges and leaves end."""
        near, first, length = split(where, 2, SPACE, 8)
        if near:
            return first, first + length * (to % 3)
        lockstep = self.run.lockstep
        return strategies.span(where, to, lockstep.model.trees[0].map.ranges, lockstep.port.borders(0))

    def written(self, where: int, to: int, what: int) -> Common:
        """A write."""
        kind, entry = split(what, 6, 50)
        first, last = self.span(where, to)
        if kind == 0:
            return ops.MtreeErase(first)
        return ops.MtreeStoreRange(first, last, None if kind <= 2 else entry + 1)

    def look(self, reader: int, how: int, to: int, within: int | None) -> Any:
        """What a reader does, between writes or within one."""
        kind, limited = split(how, len(MOVES) + 3, 4)
        name: dict[str, Any] = {"cursor": reader, "within": within}
        limit = self.span(to, 0)[0]
        if kind < len(MOVES):
            return move(kind, limit if limited == 0 else None, name)
        if kind == len(MOVES):
            return ops.MasWalk(**name)
        return ops.MtreeLoad(limit, **name) if kind == len(MOVES) + 1 else ops.MtFind(limit, TOP, **name)

    @rule(reader=st.integers(1, READERS), where=codes)
    def enter(self, reader: int, where: int) -> None:
        """A reader comes in, or starts anew from another place."""
        self.do(ops.RcuReadLock(cursor=reader))
        self.do(ops.MasSet(self.span(where, 0)[0], cursor=reader))

    @rule(reader=st.integers(1, READERS), how=codes, to=codes)
    def go_on(self, reader: int, how: int, to: int) -> None:
        """A reader takes one to three steps."""
        steps, first, second, third = split(how, 3, 50, 50, 50)
        for step in (first, second, third)[: steps + 1]:
            self.do(self.look(reader, step, to, None))

    @rule(where=codes, to=codes, what=codes)
    def write(self, where: int, to: int, what: int) -> None:
        self.do(self.written(where, to, what))

    @rule(reader=st.integers(1, READERS), how=codes, where=codes, to=codes, what=codes)
    def look_within_a_write(self, reader: int, how: int, where: int, to: int, what: int) -> None:
        """A reader goes on, or another looks for the first time, in the middle of a write."""
        point, other = split(what, POINTS, READERS)
        self.do(self.look(reader, how, where, point))
        self.do(self.look(other + 1, how >> 6, where, (point + 1) % POINTS))
        self.do(self.written(where, to, what >> 4))

    @rule(reader=st.integers(1, READERS), how=codes, where=codes, to=codes)
    def look_while_a_root_is_made(self, reader: int, how: int, where: int, to: int) -> None:
        """The tree is emptied, and a reader looks in the middle of the first store after that."""
        first, last = self.span(where, to)
        self.do(ops.MtreeStoreRange(0, TOP, None))
        self.do(ops.RcuReadLock(cursor=reader))
        self.do(ops.MasSet(first, cursor=reader))
        self.do(self.look(reader, how, where, how % POINTS))
        self.do(ops.MtreeStoreRange(first, last, 1))

    @rule(reader=st.integers(1, READERS), how=codes, to=codes)
    def look_while_the_end_grows(self, reader: int, how: int, to: int) -> None:
        """Stores behind the last range, and a reader looks just there in the middle of each."""
        for turn in range(STORES):
            gap, length, beside, point = split(to + turn * APART, 3, 3, 5, POINTS)
            ranges = self.run.lockstep.model.trees[0].map.ranges
            first = ranges[-1][1] + 1 + gap if ranges else gap
            if first + length > TOP:
                return
            self.do(ops.RcuReadLock(cursor=reader))
            self.do(ops.MasSet(min(max(first + beside - 2, 0), TOP), cursor=reader))
            self.do(self.look(reader, how, to, point))
            self.do(ops.MtreeStoreRange(first, first + length, 1))

    @rule(reader=st.integers(1, READERS), who=st.integers(0, 7))
    def leave(self, reader: int, who: int) -> None:
        """A reader leaves, or now and then all do, and what they might have seen is freed."""
        if who > 1:
            self.do(ops.RcuReadUnlock(cursor=reader))
            return
        for inside in sorted(self.run.inside):
            self.do(ops.RcuReadUnlock(cursor=inside))
        self.do(ops.RcuBarrier())
