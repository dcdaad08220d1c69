"""What a caller of the kernel's API must keep to: which operations are allowed at a point of a run.

What may be done through a cursor after what is the table in `standings.py`, carried out here. Beside it, one
cursor's prepared store goes before all other writes, and loads in order have an order. Kernels go wrong in
some of what is allowed; careful runs keep away from that.

Generated runs keep to these rules, and so do the runs that shrinking tries.
"""

from dataclasses import dataclass
from errno import EINVAL
from typing import Any

from mapleproof.model.interval_map import MAX_INDEX
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.port import USUAL, Traits
from mapleproof.props.maple import coarse
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.expect import ASK_AGAIN
from mapleproof.props.maple.ports import ModelPort, was_refused
from mapleproof.props.maple.standings import (
    AFTER_ANOTHER,
    DONE,
    MAY,
    NEED_START,
    NOT_FOUND,
    REFUSED,
    ROOM,
    SAME,
    SET,
    STEPS,
    STORES,
    THEN,
    WHY_NOT,
    Standing,
)

HOLDING = (Standing.PREPARED, Standing.MOVED, Standing.LOADING)
"""Standings in which a cursor holds nodes for stores that nothing may come between."""

GOES_ON_UP = (ops.MasNext, ops.MasNextRange)
GOES_ON_DOWN = (ops.MasPrev, ops.MasPrevRange)
GOES_ON_DOWN_TOO = (ops.MasFindRev, ops.MasFindRangeRev, ops.MasForEachRev)
PLACED_ANEW = (*SET, ops.MasReset, ops.MasPause, ops.MasWalk)
GO_ON = (*STEPS, ops.MasFind, ops.MasFindRange, *GOES_ON_DOWN_TOO, ops.MasForEach)
FROM_ABOVE = (ops.MtPrev, ops.MasPrev, ops.MasFindRev)
TOP_DOWN = (ops.MtreeAllocRrange, ops.MasEmptyAreaRev)


@dataclass(slots=True)
class CursorState:
    """What the rules know of one cursor.

    `doubtful`: a kernel's cursor knows too little to go on from where it stands, since the tree's first node
    came or its last went with a store through it, or since it found room that begins within a slot.
    `on_slot`: while it holds nodes for a store, it stands on the slot that holds its range.
    """

    tree: int
    standing: Standing = Standing.READY
    doubtful: bool = False
    holds_nodes: bool = False
    entry: int | None = None
    on_slot: bool = False
    next_index: int = 0
    left: int = 0


def _is_new(model: ModelPort, tree: int) -> bool:
    """Whether a tree is empty, and no cursor stands on it."""
    empty = not model.trees[tree].has_node and not model.trees[tree].map.ranges
    return empty and all(cursor.status == "start" for cursor in model.cursors.values())


class Rules:
    """The rules at one point of a run. Ask `refusal` before an operation, tell `note` after it.

    `careful` keeps away from what is allowed and goes wrong in a kernel: see docs/findings.md. By the
    `traits` of the port, operations that it lacks are not allowed, and through coarse cursors less is.
    """

    def __init__(
        self,
        alloc_range: bool,
        rcu: bool = False,
        careful: bool = False,
        traits: Traits = USUAL,
    ) -> None:
        self.alloc_range = alloc_range
        self.in_rcu = {0} if rcu else set()
        self.careful = careful
        self.traits = traits
        self.places = {0: CursorState(0)}
        self.readers: dict[int, int] = {}
        self.locked_outside: set[int] = set()

    def refusal(self, op: Any, model: ModelPort) -> str | None:
        """Why an operation is not allowed now; None where it is."""
        form = TREE_FORMS.of(type(op))
        lacks = self.traits.lacks
        if type(op) in lacks or (isinstance(op, ops.MasFill) and ops.MasExpectedEntries in lacks):
            return "the port has no such operation"
        if op.tree not in model.trees or (isinstance(op, ops.MtreeDup) and op.into in model.trees):
            return "no such tree"
        if isinstance(op, (ops.Fill, ops.MasFill)) and not op.fits():
            return "no fill"
        if isinstance(op, ops.Fill) and op.short_of_memory:
            return "no whole fill"
        if op.fail_nowait == 2 and op.tree in self.locked_outside:
            return "who writes under a lock outside the tree can wait for memory"
        if isinstance(op, ops.StoreRangeCounted) and op.short_of_memory:
            return "nodes are counted where there is memory"
        if isinstance(op, ops.MtSetExternalLock) and not _is_new(model, op.tree):
            return "a tree that is in use"
        if op.short_of_memory and not form.writes and not form.takes_memory:
            return "needs no memory"
        if self.careful and (known := self._known_defect(op)):
            return known
        coarsely = self.careful and self.traits.coarse and isinstance(op, FROM_ABOVE)
        if coarsely and coarse.without_node(model.trees[op.tree]):
            return "goes wrong at a bare entry"
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
        """What is known to be wrong with this in a kernel, in any state."""
        if op.fail_after and op.fail_count is None and isinstance(op, ASK_AGAIN):
            return "asks for ever where part of its nodes can be had"
        if isinstance(op, TOP_DOWN) and op.max == MAX_INDEX:
            return "2**64 free indices count as 0"
        if isinstance(op, ops.MtreeInsertRange) and (op.first, op.last) == (0, MAX_INDEX):
            return "overwrites what is there"
        if isinstance(op, ops.MtSetInRcu) and not self.alloc_range:
            return "frees nodes twice"
        if self.traits.coarse and isinstance(op, (ops.MtreeAllocRange, ops.MtreeAllocRrange)):
            return "leaves a node that is broken"
        if self.traits.coarse and isinstance(op, ops.MtreeDestroy):
            return "makes a tree without flags"
        return None

    def _tree_refusal(self, op: Any, writes: bool) -> str | None:
        if isinstance(op, ops.RcuReadUnlock) and not self.readers.get(op.tree):
            return "no reader is inside"
        if isinstance(op, (ops.MtClearInRcu, ops.RcuBarrier)) and any(self.readers.values()):
            return "a reader is inside"
        return self._busy(op.tree, None)

    def _busy(self, tree: int, but: CursorState | None) -> str | None:
        """Whether another cursor is about to make a store that it has prepared."""
        for place in self.places.values():
            if place.tree == tree and place is not but and place.standing in HOLDING:
                return "a store is prepared"
        return None

    def _cursor_refusal(self, op: Any, place: CursorState, cursor: Any) -> str | None:
        standing, kind = place.standing, type(op)
        if kind is ops.MasDestroy:
            return None
        if isinstance(op, (ops.MasSetRange, ops.MasSetRangeStaying)) and op.first > op.last:
            return "no range"
        if kind not in MAY[standing]:
            return WHY_NOT[standing]
        if standing is Standing.LOADING:
            return self._loading_refusal(op, place, cursor)
        if kind is ops.MasSetRangeStaying:
            return self._staying_refusal(op, place, cursor)
        if kind in (ops.MasNomem, ops.MasNomemNofail):
            return None if cursor.refused else "nothing was refused"
        if standing in (Standing.REFUSED, Standing.AGAIN) and kind in SAME:
            if op.entry != place.entry:
                return "is no second try"
            if standing is Standing.REFUSED and (self.careful or kind is ops.MasPreallocate):
                return "is in error"
        if standing in (Standing.PREPARED, Standing.MOVED):
            return self._prepared_refusal(op, place)
        return self._ready_refusal(op, place, cursor) if standing is Standing.READY else None

    @staticmethod
    def _loading_refusal(op: Any, place: CursorState, cursor: Any) -> str | None:
        if isinstance(op, ops.MasSetRange):
            return None if op.first >= place.next_index else "not in order"
        if isinstance(op, ops.MasFill):
            return None if op.first >= place.next_index and op.count <= place.left else "loads in order"
        in_order = cursor.index >= place.next_index and place.left > 0
        return None if in_order and op.entry is not None else "loads in order"

    @staticmethod
    def _staying_refusal(op: Any, place: CursorState, cursor: Any) -> str | None:
        """A new range begins where the cursor stands, if it does stand somewhere."""
        held = place.standing in HOLDING
        if held and place.entry is None:
            return "its range is not known"
        if cursor.status == "start" and not held:
            return None
        begins_here = held or cursor.status == "active"
        return None if begins_here and cursor.index <= op.first <= cursor.last else "begins elsewhere"

    @staticmethod
    def _prepared_refusal(op: Any, place: CursorState) -> str | None:
        if isinstance(op, ops.MasStorePrealloc):
            return None if op.entry == place.entry else "must make its store"
        if type(op) in STEPS and not place.on_slot:
            return "stands on no slot"
        return None

    def _ready_refusal(self, op: Any, place: CursorState, cursor: Any) -> str | None:
        kind = type(op)
        if kind in (*SET, ops.MasReset, ops.MasPause):
            return None
        if self.traits.coarse and (reason := coarse.refusal(op, cursor)):
            return reason
        if self.careful and place.doubtful and kind in GO_ON:
            return "does not know well where it stands"
        if kind in NEED_START:
            return None if self.alloc_range and cursor.status == "start" else "needs a new cursor"
        if isinstance(op, ops.MasExpectedEntries):
            if op.tree in self.in_rcu:
                return "loads outside RCU mode"
            return (
                None if not list(cursor.tree.entries()) and not place.holds_nodes else "loads an empty tree"
            )
        if isinstance(op, ops.MasPreallocate) and place.holds_nodes:
            return "holds nodes"
        if self.careful and not cursor.placed:
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
        first, last, _ = cursor.tree.map.at(cursor.index)
        return cursor.status, cursor.index, cursor.last, cursor.tree.has_node, (first, last)

    def note(self, op: Any, answer: Answer, model: ModelPort, before: tuple[Any, ...]) -> None:
        """Take an operation into account that was carried out."""
        if isinstance(op, ops.MtreeDup):
            for kind in (self.in_rcu, self.locked_outside):
                if op.tree in kind and answer.ret == 0:
                    kind.add(op.into)
            return
        if isinstance(op, ops.MtSetExternalLock):
            self.locked_outside.add(op.tree)
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
                self.places[op.cursor] = CursorState(op.tree)
            else:
                self._note_cursor(op, answer, self.places[op.cursor], model.cursors[op.cursor], before)

    @staticmethod
    def _write_passed(place: CursorState, status: str) -> None:
        if place.standing is Standing.NARROWED or status not in ("start", "pause"):
            place.standing = AFTER_ANOTHER.get(place.standing, place.standing)
        elif place.standing is Standing.AGAIN:
            place.standing = Standing.LOST

    def _note_cursor(
        self, op: Any, answer: Answer, place: CursorState, cursor: Any, before: tuple[Any, ...]
    ) -> None:
        kind, was = type(op), place.standing
        if kind is ops.MasDestroy:
            place.holds_nodes = False
            if was in HOLDING:
                place.standing = Standing.LOST
        elif was is Standing.LOADING:
            if isinstance(op, (ops.MasStore, ops.MasFill)):
                place.next_index = cursor.last + 1
                place.left -= op.count if isinstance(op, ops.MasFill) else 1
        elif kind in ROOM and answer.ret == -EINVAL:
            pass
        else:
            place.standing = self._standing_after(op, answer, place, before)
        self._note_reserve(op, answer, place, cursor)
        if form_of(op).writes:
            place.doubtful = before[3] != cursor.tree.has_node
        elif kind in ROOM:
            place.doubtful = answer.ret == 0 and cursor.tree.map.at(cursor.index)[0] != cursor.index
        elif kind in PLACED_ANEW:
            place.doubtful = False

    def _standing_after(
        self, op: Any, answer: Answer, place: CursorState, before: tuple[Any, ...]
    ) -> Standing:
        kind, was = type(op), place.standing
        if was in (Standing.PREPARED, Standing.MOVED) and kind not in (
            ops.MasPreallocate,
            ops.MasStorePrealloc,
        ):
            same = kind is ops.MasSetRangeStaying and (op.first, op.last) == before[1:3]
            return was if same else Standing.MOVED
        if kind is ops.MasReset and was in (Standing.REFUSED, Standing.AGAIN):
            return Standing.AGAIN
        then = THEN[kind][_ended(op, answer)]
        return coarse.standing_after(op, answer, was, then, before) if self.traits.coarse else then

    @staticmethod
    def _note_reserve(op: Any, answer: Answer, place: CursorState, cursor: Any) -> None:
        """What it holds now, and for which store."""
        if isinstance(op, (ops.MasNomem, ops.MasNomemNofail)):
            place.holds_nodes = place.holds_nodes or answer.ret == 1
        elif isinstance(op, ops.MasExpectedEntries):
            place.holds_nodes = answer.ret == 0
            place.next_index, place.left = 0, op.count
        elif isinstance(op, ops.MasPreallocate):
            place.holds_nodes, place.entry = answer.ret == 0, op.entry
            last_of_slot = cursor.tree.map.at(cursor.index)[1]
            place.on_slot = op.entry is not None and cursor.tree.has_node and cursor.last <= last_of_slot
        elif isinstance(op, (ops.MasSetRange, ops.MasSetRangeStaying)) and place.standing is Standing.MOVED:
            place.on_slot = isinstance(op, ops.MasSetRange)
        elif isinstance(op, (ops.MasStorePrealloc, ops.MasAllocCyclic)):
            place.holds_nodes = False
        elif type(op) in STORES and was_refused(op, answer):
            place.entry = op.entry


def _ended(op: Any, answer: Answer) -> str:
    """How an operation ended, for the table."""
    if was_refused(op, answer):
        return REFUSED
    if isinstance(op, (*ROOM, ops.MasAllocCyclic)) and isinstance(answer.ret, int) and answer.ret < 0:
        return NOT_FOUND
    return DONE
