"""How an operation becomes calls of the kernel's API on Python objects, and their results an answer.

The model and the implementation offer that API under the same names, so this table serves both.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from props.ops import operations as ops
from props.ops.answers import NOTHING, Answer
from props.ops.operations import Common
from props.ops.tree_operations import filled

NO_MEMORY = -12
"""-ENOMEM."""


class Seat(Protocol):
    """Who holds the trees and cursors."""

    trees: dict[int, Any]
    cursors: dict[int, Any]

    def new_cursor(self, tree: Any, index: int) -> Any: ...

    def snapshot(self, tree: int) -> list[tuple[int, int, int]]: ...

    def end_grace_period(self) -> None: ...


def _barrier(seat: Seat, op: Any) -> Answer:
    seat.end_grace_period()
    return NOTHING


def _dup(seat: Seat, op: Any) -> Answer:
    ret, new = seat.trees[op.tree].dup()
    if new is not None:
        seat.trees[op.into] = new
    return Answer(ret=ret)


def _init(seat: Seat, op: Any) -> Answer:
    seat.cursors[op.cursor] = seat.new_cursor(seat.trees[op.tree], op.index)
    return NOTHING


def _alloc(method: str) -> Callable[[Any, Any], Answer]:
    def apply(tree: Any, op: Any) -> Answer:
        ret, start = getattr(tree, method)(op.entry, op.size, op.min, op.max)
        return Answer(ret=ret) if ret < 0 else Answer(ret=ret, start=start)

    return apply


def _alloc_cyclic(tree: Any, op: Any) -> Answer:
    ret, start, next_ = tree.alloc_cyclic(op.entry, op.min, op.max, op.next)
    return Answer(ret=ret) if ret < 0 else Answer(ret=ret, start=start, next=next_)


def _fill(tree: Any, op: Any) -> Answer:
    for store in op.stores():
        ret = tree.store_range(store.first, store.last, store.entry)
        if ret:
            return Answer(ret=ret)
    return Answer(ret=0)


def _mas_fill(cursor: Any, op: Any) -> Answer:
    for first, last, entry in filled(op):
        cursor.set_range(first, last)
        answer = _store(cursor, ops.MasStore(entry))
        if answer.ret:
            return answer
    return Answer(ret=0)


def _find(method: str) -> Callable[[Any, Any], Answer]:
    def apply(tree: Any, op: Any) -> Answer:
        entry, index = getattr(tree, method)(op.index, op.max)
        return Answer(entry=None) if entry is None else Answer(entry=entry, index=index)

    return apply


def _erase(tree: Any, op: Any) -> Answer:
    entry = tree.erase(op.index)
    if op.fail_after is None:
        return Answer(entry=entry)
    # mtree_erase does not say whether it had the memory to erase: what is there now does.
    refused = entry is not None and tree.load(op.index) is not None
    return Answer(entry=entry, ret=NO_MEMORY if refused else 0)


def _without_answer(method: str, *arguments: Any) -> Callable[[Any, Any], Answer]:
    def apply(target: Any, op: Any) -> Answer:
        getattr(target, method)(*arguments)
        return NOTHING

    return apply


def _move(method: str, limit: str | None = None) -> Callable[[Any, Any], Answer]:
    def apply(cursor: Any, op: Any) -> Answer:
        entry = getattr(cursor, method)(*(() if limit is None else (getattr(op, limit),)))
        return Answer(entry=entry, index=cursor.index, last=cursor.last, status=cursor.status)

    return apply


def _area(method: str) -> Callable[[Any, Any], Answer]:
    def apply(cursor: Any, op: Any) -> Answer:
        ret = getattr(cursor, method)(op.min, op.max, op.size)
        return Answer(ret=ret) if ret < 0 else Answer(ret=ret, index=cursor.index, last=cursor.last)

    return apply


def _store(cursor: Any, op: Any) -> Answer:
    cursor.store(op.entry)
    return Answer(ret=NO_MEMORY if cursor.status == "error" else 0)


def _set_range(cursor: Any, op: Any) -> Answer:
    cursor.set_range(op.first, op.last)
    return NOTHING


def _set(cursor: Any, op: Any) -> Answer:
    cursor.set(op.index)
    return NOTHING


def _store_prealloc(cursor: Any, op: Any) -> Answer:
    cursor.store_prealloc(op.entry)
    if cursor.status == "error":
        return Answer(crash="mas_store_prealloc() ran out of memory")
    return NOTHING


ON_SEAT: Mapping[type[Common], Callable[[Seat, Any], Answer]] = {
    ops.MtreeDup: _dup,
    ops.MasInit: _init,
    ops.Snapshot: lambda seat, op: Answer(entries=seat.snapshot(op.tree)),
    ops.RcuBarrier: _barrier,
}

ON_TREE: Mapping[type[Common], Callable[[Any, Any], Answer]] = {
    ops.MtreeLoad: lambda tree, op: Answer(entry=tree.load(op.index)),
    ops.MtreeStoreRange: lambda tree, op: Answer(ret=tree.store_range(op.first, op.last, op.entry)),
    ops.Fill: _fill,
    ops.MtreeInsertRange: lambda tree, op: Answer(ret=tree.insert_range(op.first, op.last, op.entry)),
    ops.MtreeErase: _erase,
    ops.MtreeAllocRange: _alloc("alloc_range"),
    ops.MtreeAllocRrange: _alloc("alloc_rrange"),
    ops.MtreeAllocCyclic: _alloc_cyclic,
    ops.MtFind: _find("find"),
    ops.MtFindAfter: _find("find_after"),
    ops.MtNext: lambda tree, op: Answer(entry=tree.next(op.index, op.max)),
    ops.MtPrev: lambda tree, op: Answer(entry=tree.prev(op.index, op.min)),
    ops.MtreeDestroy: _without_answer("destroy"),
    ops.MtSetInRcu: _without_answer("set_in_rcu", True),
    ops.MtClearInRcu: _without_answer("set_in_rcu", False),
    ops.RcuReadLock: _without_answer("rcu_read_lock"),
    ops.RcuReadUnlock: _without_answer("rcu_read_unlock"),
}

ON_CURSOR: Mapping[type[Common], Callable[[Any, Any], Answer]] = {
    ops.MasSet: _set,
    ops.MasSetRange: _set_range,
    ops.MasReset: _without_answer("reset"),
    ops.MasPause: _without_answer("pause"),
    ops.MasWalk: _move("walk"),
    ops.MasFind: _move("find", "max"),
    ops.MasFindRange: _move("find_range", "max"),
    ops.MasFindRev: _move("find_rev", "min"),
    ops.MasFindRangeRev: _move("find_range_rev", "min"),
    ops.MasNext: _move("next", "max"),
    ops.MasNextRange: _move("next_range", "max"),
    ops.MasPrev: _move("prev", "min"),
    ops.MasPrevRange: _move("prev_range", "min"),
    ops.MasEmptyArea: _area("empty_area"),
    ops.MasEmptyAreaRev: _area("empty_area_rev"),
    ops.MasStoreGfp: lambda cursor, op: Answer(ret=cursor.store_gfp(op.entry)),
    ops.MasStore: _store,
    ops.MasFill: _mas_fill,
    ops.MasErase: _move("erase"),
    ops.MasPreallocate: lambda cursor, op: Answer(ret=cursor.preallocate(op.entry)),
    ops.MasStorePrealloc: _store_prealloc,
    ops.MasExpectedEntries: lambda cursor, op: Answer(ret=cursor.expected_entries(op.count)),
    ops.MasNomem: lambda cursor, op: Answer(ret=int(cursor.nomem())),
    ops.MasDestroy: _without_answer("destroy"),
}
