"""The two sides at full pace: model and implementation are called directly, and plain results compared.

No operation is made and nothing is kept of the way. A difference is only told; to know more, the same run is
made again on `RecordedSides`.
"""

from __future__ import annotations

from typing import Any

from impl.failure import FailAfter
from model.cursor import Cursor as ModelCursor
from model.maple_tree import MapleTree as ModelTree
from props.lanes.sides import (
    CURSORS,
    MUST_SUCCEED,
    Kind,
    Place,
    Sides,
    Twin,
    store_refused,
    write_refused,
)
from props.ops import operations as ops
from props.ops.dispatch import NO_MEMORY
from props.ops.tree_operations import filled
from props.ports import ImplPort

METHODS: dict[Kind, str] = {
    ops.MtreeLoad: "load",
    ops.MtFind: "find",
    ops.MtFindAfter: "find_after",
    ops.MtNext: "next",
    ops.MtPrev: "prev",
    ops.MtreeStoreRange: "store_range",
    ops.MtreeInsertRange: "insert_range",
    ops.MtreeErase: "erase",
    ops.MtreeAllocRange: "alloc_range",
    ops.MtreeAllocRrange: "alloc_rrange",
    ops.MtreeAllocCyclic: "alloc_cyclic",
    ops.MtreeDestroy: "destroy",
    ops.MasSet: "set",
    ops.MasSetRange: "set_range",
    ops.MasReset: "reset",
    ops.MasPause: "pause",
    ops.MasDestroy: "destroy",
    ops.MasWalk: "walk",
    ops.MasFind: "find",
    ops.MasFindRange: "find_range",
    ops.MasFindRev: "find_rev",
    ops.MasFindRangeRev: "find_range_rev",
    ops.MasNext: "next",
    ops.MasNextRange: "next_range",
    ops.MasPrev: "prev",
    ops.MasPrevRange: "prev_range",
    ops.MasErase: "erase",
    ops.MasEmptyArea: "empty_area",
    ops.MasEmptyAreaRev: "empty_area_rev",
    ops.MasStoreGfp: "store_gfp",
    ops.MasPreallocate: "preallocate",
    ops.MasExpectedEntries: "expected_entries",
    ops.MasStorePrealloc: "store_prealloc",
    ops.MasStore: "store",
}
"""What both sides call it."""

WITHOUT_MODEL = {
    ops.MtSetInRcu: ("set_in_rcu", (True,)),
    ops.MtClearInRcu: ("set_in_rcu", (False,)),
    ops.RcuReadLock: ("rcu_read_lock", ()),
    ops.RcuReadUnlock: ("rcu_read_unlock", ()),
}
"""What does not matter to the model."""


class Differs(Exception):
    """The two sides do not agree."""


class DirectSides(Sides):
    """Drives the implementation that a port holds. Raises Differs, or whatever the implementation raises."""

    def __init__(self, port: ImplPort, alloc_range: bool, rcu: bool) -> None:
        super().__init__(alloc_range)
        self.port = port
        self.models = {0: ModelTree(alloc_range)}
        self.twins = [Twin(0, self.models[0], port.trees[0], rcu)]
        self.places = [self._init(number, self.twins[0], 0) for number in range(CURSORS)]

    def _verify(self, tree: int) -> None:
        self.port.check(tree)
        if self.port.snapshot(tree) != self.models[tree].map.ranges:
            raise Differs

    def finish(self) -> None:
        for place in self.places:
            place.impl.destroy()
        for twin in self.twins:
            self._verify(twin.number)
            twin.impl.destroy()
            twin.impl.synchronize_rcu()
        if self.port.live_allocations():
            raise Differs

    def borders(self, twin: Twin) -> list[int]:
        return self.port.borders(twin.number)

    def _on_tree(self, kind: Kind, twin: Twin, short: int | None, arguments: tuple[Any, ...]) -> None:
        method = METHODS.get(kind)
        if method is None:
            method, arguments = WITHOUT_MODEL[kind]
            getattr(twin.impl, method)(*arguments)
            return
        if short is None:
            actual = getattr(twin.impl, method)(*arguments)
        else:
            twin.impl.plan = FailAfter(short)
            actual = getattr(twin.impl, method)(*arguments)
            twin.impl.plan = None
            if self._refused(kind, twin, actual, arguments):
                return
        expected = getattr(twin.model, method)(*arguments)
        # Of what was not found, and of no room, only that is told.
        if expected != actual and not (
            (kind in (ops.MtFind, ops.MtFindAfter) and expected[0] is None is actual[0])
            or (kind is ops.MtreeAllocCyclic and expected[0] == actual[0] < 0)
        ):
            raise Differs

    def _refused(self, kind: Kind, twin: Twin, actual: Any, arguments: tuple[Any, ...]) -> bool:
        """Whether a write was refused memory, as it may have been."""
        if kind is ops.MtreeErase:
            if actual is None or twin.impl.load(*arguments) is None:
                return False
            if actual != twin.model.load(*arguments):
                raise Differs
            return True
        return write_refused(kind, twin, actual[0] if isinstance(actual, tuple) else actual, arguments)

    def _fill(self, twin: Twin, first: int, stride: int, length: int, count: int) -> None:
        expected, actual = twin.model.store_range, twin.impl.store_range
        for range_ in filled(ops.Fill(first, stride, length, count)):
            if expected(*range_) != actual(*range_):
                raise Differs

    def _dup(self, twin: Twin, number: int, short: int | None) -> Twin | None:
        impl = twin.impl
        impl.plan = None if short is None else FailAfter(short)
        actual, copy = impl.dup()
        impl.plan = None
        if copy is None:
            if short is None or actual != NO_MEMORY:
                raise Differs
            return None
        copy.plan = None
        expected, model = twin.model.dup()
        if expected != actual:
            raise Differs
        self.port.trees[number], self.models[number] = copy, model
        return Twin(number, model, copy, twin.rcu)

    def _barrier(self) -> None:
        self.port.end_grace_period()

    def _init(self, number: int, twin: Twin, index: int) -> Place:
        cursor = self.port.new_cursor(twin.impl, index)
        self.port.cursors[number] = cursor
        return Place(number, twin, ModelCursor(twin.model, index), cursor)

    def _place(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> None:
        method = METHODS[kind]
        getattr(place.model, method)(*arguments)
        getattr(place.impl, method)(*arguments)

    def _move(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> None:
        method = METHODS[kind]
        model, impl = place.model, place.impl
        if (
            getattr(model, method)(*arguments) != getattr(impl, method)(*arguments)
            or model.index != impl.index
            or model.last != impl.last
            or model.status != impl.status
        ):
            raise Differs

    def _area(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> int:
        method = METHODS[kind]
        model, impl = place.model, place.impl
        ret: int = getattr(model, method)(*arguments)
        if ret != getattr(impl, method)(*arguments):
            raise Differs
        if ret == 0 and (model.index != impl.index or model.last != impl.last):
            raise Differs
        return ret

    def _store(self, kind: Kind, place: Place, short: int | None, arguments: tuple[Any, ...]) -> bool:
        method = METHODS[kind]
        model, impl, twin = place.model, place.impl, place.twin
        if short is None:
            actual = getattr(impl, method)(*arguments)
        else:
            twin.impl.plan = FailAfter(short)
            actual = getattr(impl, method)(*arguments)
            twin.impl.plan = None
            if kind in MUST_SUCCEED:
                actual = NO_MEMORY if impl.status == "error" else 0
            elif store_refused(kind, place, actual, arguments):
                return True
        if getattr(model, method)(*arguments) != actual:
            raise Differs
        return False

    def _erase(self, place: Place, short: int | None) -> bool:
        if short is None:
            self._move(ops.MasErase, place, ())
            return False
        model, impl, tree = place.model, place.impl, place.twin.impl
        tree.plan = FailAfter(short)
        actual = impl.erase()
        tree.plan = None
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

    def _load_many(self, place: Place, first: int, stride: int, length: int, count: int) -> None:
        model, impl, tree = place.model, place.impl, place.twin.impl
        tree.plan = FailAfter(0)
        for low, high, entry in filled(ops.MasFill(first, stride, length, count)):
            for cursor in (model, impl):
                cursor.set_range(low, high)
                cursor.store(entry)
            if impl.status == "error":
                raise Differs
        tree.plan = None
