"""The two sides at full pace: model and implementation are called directly, and plain results compared.

No operation is made and nothing is kept of the way. A difference is only told; to know more, the same run is
made again on `RecordedSides`.
"""

from __future__ import annotations

from typing import Any

from mapleproof.impl.failure import FailAfter, FailurePlan
from mapleproof.model.cursor import Cursor as ModelCursor
from mapleproof.model.maple_tree import MapleTree as ModelTree
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import NO_MEMORY
from mapleproof.props.maple.lanes.pairs import (
    LOOPED,
    METHODS,
    SILENT,
    WITHOUT_MODEL,
    CursorPair,
    Kind,
    TreePair,
    store_refused,
    write_refused,
)
from mapleproof.props.maple.lanes.sides import Sides
from mapleproof.props.maple.loop.differs import Differs
from mapleproof.props.maple.mixes import CURSORS
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.shortage import NOFAIL, Short, plan_of


def _answered(plan: FailurePlan, refused: bool) -> None:
    """A write fails if and only if memory was refused to it. Raises Differs."""
    if bool(plan.final) != refused:
        raise Differs


class DirectSides(Sides):
    """Drives the implementation that a port holds. Raises Differs, or whatever the implementation raises."""

    def __init__(self, port: ImplPort, alloc_range: bool, rcu: bool) -> None:
        super().__init__(alloc_range)
        self.port = port
        self.models = {0: ModelTree(alloc_range)}
        self.pairs = [TreePair(0, self.models[0], port.trees[0], rcu)]
        self.places = [self._init(number, self.pairs[0], 0) for number in range(CURSORS)]

    def _verify(self, tree: int) -> None:
        self.port.check(tree)
        if self.port.snapshot(tree) != self.models[tree].map.ranges:
            raise Differs

    def finish(self) -> None:
        for place in self.places:
            place.impl.destroy()
        for pair in self.pairs:
            self._verify(pair.number)
            pair.impl.destroy()
            pair.impl.synchronize_rcu()
        if self.port.live_allocations():
            raise Differs

    def borders(self, pair: TreePair) -> list[int]:
        return self.port.borders(pair.number)

    def _on_tree(self, kind: Kind, pair: TreePair, short: Short, arguments: tuple[Any, ...]) -> None:
        method = METHODS.get(kind)
        if method is None:
            method, arguments = WITHOUT_MODEL[kind]
            getattr(pair.impl, method)(*arguments)
            return
        if short is None:
            actual = getattr(pair.impl, method)(*arguments)
        else:
            plan = pair.impl.plan = plan_of(short)
            actual = getattr(pair.impl, method)(*arguments)
            pair.impl.plan = None
            refused = self._refused(kind, pair, short, actual, arguments)
            _answered(plan, refused)
            if refused:
                return
        expected = getattr(pair.model, method)(*arguments)
        # Of what was not found, and of no room, only that is told.
        if expected != actual and not (
            (kind in (ops.MtFind, ops.MtFindAfter) and expected[0] is None is actual[0])
            or (kind is ops.MtreeAllocCyclic and expected[0] == actual[0] < 0)
        ):
            raise Differs

    def _refused(
        self, kind: Kind, pair: TreePair, short: int, actual: Any, arguments: tuple[Any, ...]
    ) -> bool:
        """Whether a write was refused memory, as it may have been."""
        if kind is ops.MtreeErase:
            if actual is None or pair.impl.load(*arguments) is None:
                return False
            if actual != pair.model.load(*arguments):
                raise Differs
            return True
        ret = actual[0] if isinstance(actual, tuple) else actual
        return write_refused(kind, pair, short, ret, arguments)

    def _fill(self, pair: TreePair, first: int, stride: int, length: int, count: int) -> None:
        expected, actual = pair.model.store_range, pair.impl.store_range
        for range_ in ops.Fill(first, stride, length, count).ranges():
            if expected(*range_) != actual(*range_):
                raise Differs

    def _dup(self, kind: Kind, pair: TreePair, number: int, short: Short) -> TreePair | None:
        impl = pair.impl
        plan = impl.plan = FailurePlan() if short is None else plan_of(short)
        actual, copy = impl.dup()
        impl.plan = None
        _answered(plan, copy is None)
        if copy is None:
            if short in (None, NOFAIL) or actual != NO_MEMORY:
                raise Differs
            return None
        copy.plan = None
        expected, model = pair.model.dup()
        if expected != actual or plan.units != copy.live_nodes():
            raise Differs
        self.port.trees[number], self.models[number] = copy, model
        return TreePair(number, model, copy, pair.rcu)

    def _barrier(self) -> None:
        self.port.end_grace_period()

    def _init(self, number: int, pair: TreePair, index: int) -> CursorPair:
        cursor = self.port.new_cursor(pair.impl, index)
        self.port.cursors[number] = cursor
        return CursorPair(number, pair, ModelCursor(pair.model, index), cursor)

    def _place(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> None:
        method = METHODS[kind]
        getattr(place.model, method)(*arguments)
        getattr(place.impl, method)(*arguments)

    def _move(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> None:
        method = METHODS[kind]
        model, impl = place.model, place.impl
        if (
            getattr(model, method)(*arguments) != getattr(impl, method)(*arguments)
            or model.index != impl.index
            or model.last != impl.last
            or model.status != impl.status
        ):
            raise Differs

    def _loop(self, kind: Kind, place: CursorPair, limit: int) -> None:
        method = LOOPED[kind]
        model, impl = place.model, place.impl
        while True:
            entry = getattr(model, method)(limit)
            if entry != getattr(impl, method)(limit):
                raise Differs
            if (model.index, model.last, model.status) != (impl.index, impl.last, impl.status):
                raise Differs
            if entry is None:
                return

    def _alloc(self, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool:
        model, impl, tree = place.model, place.impl, place.pair.impl
        plan = tree.plan = None if short is None else plan_of(short)
        actual = impl.alloc_cyclic(*arguments)
        tree.plan = None
        if plan is not None and short is not None:
            refused = write_refused(ops.MasAllocCyclic, place.pair, short, actual[0], arguments)
            _answered(plan, refused)
            if refused:
                model.refuse()
                return False
        expected = model.alloc_cyclic(*arguments)
        if expected != actual and not expected[0] == actual[0] < 0:
            raise Differs
        return bool(actual[0] >= 0)

    def _area(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> int:
        method = METHODS[kind]
        model, impl = place.model, place.impl
        ret: int = getattr(model, method)(*arguments)
        if ret != getattr(impl, method)(*arguments):
            raise Differs
        if ret == 0 and (model.index != impl.index or model.last != impl.last):
            raise Differs
        return ret

    def _store(self, kind: Kind, place: CursorPair, short: Short, arguments: tuple[Any, ...]) -> bool:
        method = METHODS[kind]
        model, impl, pair = place.model, place.impl, place.pair
        plan = pair.impl.plan = None if short is None else plan_of(short)
        actual = getattr(impl, method)(*arguments)
        pair.impl.plan = None
        if kind in SILENT:
            actual = NO_MEMORY if impl.status == "error" else 0
        if plan is not None and short is not None:
            refused = store_refused(kind, place, short, actual, arguments)
            _answered(plan, refused)
            if refused:
                return True
        if getattr(model, method)(*arguments) != actual:
            raise Differs
        return False

    def _nomem(self, kind: Kind, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool:
        tree, method = place.pair.impl, METHODS[kind]
        tree.plan = None if short is None else plan_of(short)
        had: bool = getattr(place.impl, method)(*arguments)
        tree.plan = None
        if had:
            getattr(place.model, method)(*arguments)
        elif short is None:
            raise Differs
        return had

    def _erase(self, place: CursorPair, short: Short) -> bool:
        if short is None:
            self._move(ops.MasErase, place, ())
            return False
        model, impl, tree = place.model, place.impl, place.pair.impl
        plan = tree.plan = plan_of(short)
        actual = impl.erase()
        tree.plan = None
        _answered(plan, impl.status == "error")
        if impl.status == "error":
            if actual != model.tree.load(model.index):
                raise Differs
            model.refuse()
            return True
        if (model.erase(), model.index, model.last, model.status) != (
            actual,
            impl.index,
            impl.last,
            impl.status,
        ):
            raise Differs
        return False

    def _load_many(self, place: CursorPair, first: int, stride: int, length: int, count: int) -> None:
        model, impl, tree = place.model, place.impl, place.pair.impl
        tree.plan = FailAfter(0)
        for low, high, entry in ops.MasFill(first, stride, length, count).ranges():
            for cursor in (model, impl):
                cursor.set_range(low, high)
                cursor.store(entry)
            if impl.status == "error":
                raise Differs
        tree.plan = None
