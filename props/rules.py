"""What a caller of the kernel's API must keep to: which operations are allowed at a point of a run.

A cursor must not be used after a write that did not go through it, nor after one that did unless that stored
over just the range it stood on, before it is set, paused or reset. A cursor whose range is not documented,
after an error, must be set. What was got ahead for a store is to be used or given back. The 6.12 kernel
crashes where a cursor met its limit before it ever looked at the tree, and then goes on from there.

Generated runs keep to these rules, and so do the runs that shrinking tries.
"""

from dataclasses import dataclass
from enum import Enum, auto
from errno import EINVAL
from typing import Any

from model.interval_map import MAX_INDEX
from props.expect import was_refused
from props.ops import operations as ops
from props.ops.answers import Answer
from props.ops.forms import form_of
from props.ops.tree_operations import fits
from props.ports import ModelPort


class Standing(Enum):
    """What a cursor may be used for."""

    READY = auto()  # anything
    AREA = auto()  # found room: to store there, or to be placed anew
    STALE = auto()  # the tree changed: to be set, reset or paused
    LOST = auto()  # to be set
    PREPARED = auto()  # holds the nodes for one store, and must make it next
    MOVED = auto()  # holds the nodes for a store elsewhere: to be prepared again, or to give them back
    LOADING = auto()  # loads in order


PLACING = (ops.MasInit, ops.MasSet, ops.MasSetRange)
GOES_ON_UP = (ops.MasNext, ops.MasNextRange)
GOES_ON_DOWN = (ops.MasPrev, ops.MasPrevRange)
GOES_ON_DOWN_TOO = (ops.MasFindRev, ops.MasFindRangeRev)
STORES = (ops.MasStoreGfp, ops.MasStore, ops.MasPreallocate)
AREAS = (ops.MasEmptyArea, ops.MasEmptyAreaRev)
TOP_DOWN = (ops.MtreeAllocRrange, ops.MasEmptyAreaRev)
MAY_FAIL = (ops.MasPreallocate, ops.MasExpectedEntries, ops.MasNomem, ops.MtreeDup)


@dataclass(slots=True)
class Place:
    """What the rules know of one cursor."""

    tree: int
    standing: Standing = Standing.READY
    on_node: bool = False
    holds_nodes: bool = False
    entry: int | None = None
    next_index: int = 0
    left: int = 0


class Rules:
    """The rules at one point of a run. Ask `refusal` before an operation, tell `note` after it.

    `careful` keeps away from what is allowed and goes wrong in the 6.12 kernel: see docs/findings.md.
    """

    def __init__(self, alloc_range: bool, rcu: bool = False, careful: bool = False) -> None:
        self.alloc_range = alloc_range
        self.in_rcu = {0} if rcu else set()
        self.careful = careful
        self.places = {0: Place(0)}
        self.readers: dict[int, int] = {}

    def refusal(self, op: Any, model: ModelPort) -> str | None:
        """Why an operation is not allowed now; None where it is."""
        form = form_of(op)
        if op.tree not in model.trees or (isinstance(op, ops.MtreeDup) and op.into in model.trees):
            return "no such tree"
        if isinstance(op, (ops.Fill, ops.MasFill)) and not fits(op):
            return "no fill"
        if isinstance(op, ops.Fill) and op.fail_after is not None:
            return "no whole fill"
        if op.fail_after is not None and not form.writes and not isinstance(op, MAY_FAIL):
            return "needs no memory"
        if self.careful and (known := self._known_defect(op)):
            return known
        if not form.uses_cursor:
            return self._tree_refusal(op, form.writes)
        place = self.places.get(op.cursor)
        if isinstance(op, ops.MasInit):
            return "holds nodes" if place is not None and place.holds_nodes else self._busy(op.tree, None)
        if place is None or place.tree != op.tree:
            return "no such cursor there"
        cursor = model.cursors[op.cursor]
        return self._cursor_refusal(op, place, cursor) or self._busy(op.tree, place)

    def _known_defect(self, op: Any) -> str | None:
        """What is known to be wrong with this in the 6.12 kernel, in any state."""
        if op.fail_after and not isinstance(op, ops.MtreeDup):
            return "asks for ever where part of its nodes can be had"
        if isinstance(op, TOP_DOWN) and op.max == MAX_INDEX:
            return "2**64 free indices count as 0"
        if isinstance(op, ops.MtreeInsertRange) and (op.first, op.last) == (0, MAX_INDEX):
            return "overwrites what is there"
        if isinstance(op, ops.MtSetInRcu) and not self.alloc_range:
            return "frees nodes twice"
        return None

    def _tree_refusal(self, op: Any, writes: bool) -> str | None:
        if isinstance(op, ops.RcuReadUnlock) and not self.readers.get(op.tree):
            return "no reader is inside"
        if isinstance(op, (ops.MtClearInRcu, ops.RcuBarrier)) and any(self.readers.values()):
            return "a reader is inside"
        return self._busy(op.tree, None)

    def _busy(self, tree: int, but: Place | None) -> str | None:
        """Whether another cursor is about to make a store that it has prepared."""
        preparing = (Standing.PREPARED, Standing.MOVED, Standing.LOADING)
        for place in self.places.values():
            if place.tree == tree and place is not but and place.standing in preparing:
                return "a store is prepared"
        return None

    def _cursor_refusal(self, op: Any, place: Place, cursor: Any) -> str | None:
        standing = place.standing
        if isinstance(op, ops.MasDestroy):
            return None
        if isinstance(op, ops.MasSetRange) and op.first > op.last:
            return "no range"
        if standing is Standing.LOADING:
            if isinstance(op, ops.MasSetRange):
                return None if op.first >= place.next_index else "not in order"
            if isinstance(op, ops.MasFill):
                return None if op.first >= place.next_index and op.count <= place.left else "loads in order"
            in_order = isinstance(op, ops.MasStore) and cursor.index >= place.next_index and place.left > 0
            return None if in_order and op.entry is not None else "loads in order"
        if standing is Standing.PREPARED:
            same = isinstance(op, ops.MasStorePrealloc) and op.entry == place.entry
            return None if same or isinstance(op, ops.MasSetRange) else "must make its store"
        if standing is Standing.MOVED:
            return None if isinstance(op, (ops.MasPreallocate, ops.MasSetRange)) else "must prepare again"
        if isinstance(op, ops.MasStorePrealloc):
            return "nothing is prepared"
        if isinstance(op, ops.MasFill):
            return "loads nothing"
        if isinstance(op, PLACING):
            return None
        if isinstance(op, ops.MasNomem):
            return None if cursor.refused else "nothing was refused"
        if standing is Standing.LOST:
            return "must be set"
        if isinstance(op, (ops.MasReset, ops.MasPause)):
            return None
        if standing is Standing.STALE:
            return "must be set, reset or paused"
        if standing is Standing.AREA:
            return None if isinstance(op, STORES) and op.entry is not None else "found room"
        return self._ready_refusal(op, place, cursor)

    def _ready_refusal(self, op: Any, place: Place, cursor: Any) -> str | None:
        if isinstance(op, AREAS):
            return None if self.alloc_range and cursor.status == "start" else "needs a new cursor"
        if isinstance(op, ops.MasExpectedEntries):
            if op.tree in self.in_rcu:
                return "loads outside RCU mode"
            return (
                None if not list(cursor.tree.entries()) and not place.holds_nodes else "loads an empty tree"
            )
        if isinstance(op, ops.MasPreallocate) and place.holds_nodes:
            return "holds nodes"
        if self.careful and not place.on_node:
            if cursor.status == "overflow" and isinstance(op, GOES_ON_UP + GOES_ON_DOWN_TOO):
                return "met its limit without a look"
            if cursor.status == "underflow" and isinstance(op, GOES_ON_DOWN + GOES_ON_DOWN_TOO):
                return "met its limit without a look"
        return None

    def before(self, op: Any, model: ModelPort) -> tuple[Any, ...]:
        """What `note` must know of the time before an allowed operation."""
        if not form_of(op).uses_cursor or op.cursor not in model.cursors:
            return ()
        cursor = model.cursors[op.cursor]
        on_slot = cursor.tree.has_node and cursor.tree.map.at(cursor.index)[:2] == (cursor.index, cursor.last)
        return cursor.status, cursor.index, cursor.last, on_slot

    def note(self, op: Any, answer: Answer, model: ModelPort, before: tuple[Any, ...]) -> None:
        """Take an operation into account that was carried out."""
        if isinstance(op, ops.MtreeDup):
            if op.tree in self.in_rcu and answer.ret == 0:
                self.in_rcu.add(op.into)
            return
        if isinstance(op, ops.MtSetInRcu):
            self.in_rcu.add(op.tree)
        if isinstance(op, ops.MtClearInRcu):
            self.in_rcu.discard(op.tree)
        if isinstance(op, (ops.RcuReadLock, ops.RcuReadUnlock)):
            step = 1 if isinstance(op, ops.RcuReadLock) else -1
            self.readers[op.tree] = self.readers.get(op.tree, 0) + step
        form = form_of(op)
        if form.writes:
            for number, place in self.places.items():
                if place.tree == op.tree and not (form.uses_cursor and number == op.cursor):
                    self._write_passed(place, model.cursors[number].status)
        if form.uses_cursor:
            if isinstance(op, ops.MasInit):
                self.places[op.cursor] = Place(op.tree)
            else:
                self._note_cursor(op, answer, self.places[op.cursor], model.cursors[op.cursor], before)

    @staticmethod
    def _write_passed(place: Place, status: str) -> None:
        if place.standing in (Standing.AREA, Standing.READY) and status not in ("start", "pause"):
            place.standing = Standing.STALE

    def _note_cursor(
        self, op: Any, answer: Answer, place: Place, cursor: Any, before: tuple[Any, ...]
    ) -> None:
        if isinstance(op, (ops.MasPreallocate, ops.MasExpectedEntries, ops.MasNomem)):
            self._note_reserve(op, answer, place)
        elif isinstance(op, ops.MasSetRange) and place.standing in (Standing.PREPARED, Standing.MOVED):
            place.standing = Standing.MOVED
        elif isinstance(op, ops.MasDestroy):
            place.holds_nodes = False
            if place.standing in (Standing.PREPARED, Standing.MOVED, Standing.LOADING):
                place.standing = Standing.LOST
        elif isinstance(op, AREAS):
            if answer.ret != -EINVAL:
                place.standing = Standing.AREA if answer.ret == 0 else Standing.LOST
        elif place.standing is Standing.LOADING:
            if isinstance(op, ops.MasStore):
                place.next_index = cursor.last + 1
                place.left -= 1
            elif isinstance(op, ops.MasFill):
                place.next_index = cursor.last + 1
                place.left -= op.count
        elif form_of(op).writes:
            self._note_store(op, answer, place, before)
        elif isinstance(op, (*PLACING, ops.MasReset, ops.MasPause)):
            place.standing = Standing.READY
        place.on_node = self._is_on_node(op, place, cursor, before)

    @staticmethod
    def _note_reserve(op: Any, answer: Answer, place: Place) -> None:
        if isinstance(op, ops.MasNomem):
            if answer.ret == 1:
                place.holds_nodes = True
                place.standing = Standing.LOST if place.entry is None else Standing.READY
        elif answer.ret != 0:
            place.standing, place.holds_nodes = Standing.LOST, False
        elif isinstance(op, ops.MasPreallocate):
            place.standing, place.holds_nodes, place.entry = Standing.PREPARED, True, op.entry
        else:
            place.standing, place.holds_nodes = Standing.LOADING, True
            place.next_index, place.left = 0, op.count

    @staticmethod
    def _note_store(op: Any, answer: Answer, place: Place, before: tuple[Any, ...]) -> None:
        entry = getattr(op, "entry", None)
        status, _, _, on_slot = before
        if isinstance(op, ops.MasStorePrealloc):
            place.holds_nodes = False
        if was_refused(op, answer):
            place.standing, place.entry = Standing.LOST, entry
        elif isinstance(op, ops.MasErase) and answer.entry is None:
            place.standing = Standing.READY
        elif entry is None or status != "active" or not on_slot or place.standing is not Standing.READY:
            place.standing = Standing.STALE

    @staticmethod
    def _is_on_node(op: Any, place: Place, cursor: Any, before: tuple[Any, ...]) -> bool:
        """Whether the kernel's cursor holds a node that it could go on from."""
        if cursor.status not in ("overflow", "underflow"):
            return bool(cursor.status == "active")
        status, index, last, _ = before
        if status in ("active", "overflow", "underflow"):
            return place.on_node
        limit = getattr(op, "max", None)
        looked = last < limit if limit is not None else index > op.min
        return bool(looked and cursor.tree.has_node)
