"""The two sides where the port is a kernel's own tree, at full pace: steps go to its process by the hundred.

The model goes first, and says what each answer must be, byte for byte as the process sends it. So a batch is
compared at once. Only where the kernel may be refused memory does the run wait for it, since only the kernel
knows how many nodes it needs. As on `DirectSides` a difference is only told; to know more, the same run is
made again on `RecordedSides`.
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import Any, NamedTuple

from mapleproof.impl.kernel.wire import ANSWER, FAIL_NEVER, OPS, STATUSES, STEP, raw
from mapleproof.model.cursor import Cursor as ModelCursor
from mapleproof.model.maple_tree import MapleTree as ModelTree
from mapleproof.props.common.answers import Answer
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import NO_MEMORY, TREE_FORMS
from mapleproof.props.maple.expect import cannot_be_refused
from mapleproof.props.maple.kernel_port import KernelPort
from mapleproof.props.maple.lanes.pairs import (
    CURSORS,
    LOOPED,
    METHODS,
    CursorPair,
    Kind,
    TreePair,
    store_refused,
    write_refused,
)
from mapleproof.props.maple.lanes.sides import Sides
from mapleproof.props.maple.lanes.sides_direct import Differs
from mapleproof.props.maple.shortage import NOFAIL, Short, sent

BATCH = 400
"""Steps that go in one message at most."""


class Sent(NamedTuple):
    """One kind of operation on the wire: its number, and what kind of answer it has."""

    code: int
    answer: str


_NUMBERS = {name: Sent(code, op.answer) for code, (name, op) in enumerate(OPS.items())}
SENT: dict[Kind, Sent] = {
    form.operation: _NUMBERS[name] for name, form in TREE_FORMS.items() if name in _NUMBERS
}
CHECK, SNAPSHOT, LIVE, GIVE_BACK = (
    _NUMBERS[name].code for name in ("check", "snapshot", "live_allocations", "give_back")
)
STATUS = {name: number for number, name in enumerate(STATUSES)}

NOTHING = ANSWER.pack(0, 0, 0, 0, 0)


class PipedSides(Sides):
    """Drives the tree behind a port. Raises Differs: an answer is not the model's, or the process died."""

    def __init__(self, port: KernelPort, alloc_range: bool, rcu: bool) -> None:
        super().__init__(alloc_range, port.traits)
        self.port = port
        self.models = {0: ModelTree(alloc_range)}
        self._steps: list[bytes] = []
        self._expected: list[bytes] = []
        self.pairs = [TreePair(0, self.models[0], None, rcu)]
        self.places = [self._init(number, self.pairs[0], 0) for number in range(CURSORS)]

    # What goes over the pipe

    def _send(self, code: int, cursor: int, tree: int, arguments: tuple[Any, ...], expected: bytes) -> None:
        self._steps.append(STEP.pack(code, cursor, tree, FAIL_NEVER, *_four(arguments)))
        self._expected.append(expected)
        if len(self._steps) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        steps, self._steps = self._steps, []
        expected, self._expected = b"".join(self._expected), []
        if steps and self.port.kernel.exchange(len(steps), b"".join(steps)) != (expected, ""):
            raise Differs

    def _ask(
        self, kind: Kind, cursor: int, tree: int, short: Short, arguments: tuple[Any, ...]
    ) -> tuple[int, int, int, int, int]:
        """One step that is kept short of memory, and what comes back."""
        self._flush()
        step = STEP.pack(SENT[kind].code, cursor, tree, sent(short), *_four(arguments))
        data, _ = self.port.kernel.exchange(1, step)
        if len(data) != ANSWER.size:
            raise Differs
        ret, status, entry, index, last = ANSWER.unpack(data)
        return ret, status, entry, index, last

    def _agree(self, expected: bytes, actual: tuple[int, ...]) -> None:
        if ANSWER.pack(*actual) != expected:
            raise Differs

    # Trees

    def _verify(self, tree: int) -> None:
        self._send(CHECK, 0, tree, (), NOTHING)
        ranges = self.models[tree].map.ranges
        words = chain.from_iterable([(first, last, raw(entry)) for first, last, entry in ranges])
        held = ANSWER.pack(0, 3 * len(ranges), 0, 0, 0) + struct.pack(f"<{3 * len(ranges)}Q", *words)
        self._send(SNAPSHOT, 0, tree, (), held)

    def finish(self) -> None:
        self._send(GIVE_BACK, 0, 0, (), NOTHING)
        for pair in self.pairs:
            self._verify(pair.number)
        for pair in self.pairs:
            self._on_tree(ops.MtreeDestroy, pair, None, ())
        self._barrier()
        self._send(LIVE, 0, 0, (), NOTHING)
        self._flush()

    def borders(self, pair: TreePair) -> list[int]:
        self._flush()
        return self.port.borders(pair.number)

    def _on_tree(self, kind: Kind, pair: TreePair, short: Short, arguments: tuple[Any, ...]) -> None:
        if kind in KernelPort.IGNORED:
            return
        method = METHODS.get(kind)
        if kind is ops.StoreRangeCounted:
            self._flush()
            if self.port.apply(kind(*arguments, tree=pair.number)) != Answer(ret=0):
                raise Differs
            pair.model.store_range(*arguments)
            return
        if method is None:
            self._send(SENT[kind].code, 0, pair.number, arguments, NOTHING)
            return
        actual = None
        if short is not None:
            actual = self._ask(kind, 0, pair.number, short, arguments)
            if self._refused(kind, pair, short, actual, arguments):
                return
        expected = _packed(SENT[kind].answer, getattr(pair.model, method)(*arguments))
        if actual is not None:
            self._agree(expected, actual)
        else:
            self._send(SENT[kind].code, 0, pair.number, arguments, expected)

    def _refused(
        self,
        kind: Kind,
        pair: TreePair,
        short: int,
        actual: tuple[int, int, int, int, int],
        arguments: tuple[Any, ...],
    ) -> bool:
        """Whether a write was refused memory, as it may have been."""
        refused = write_refused(kind, pair, short, actual[0], arguments)
        if refused and kind is ops.MtreeErase and actual[2] != raw(pair.model.load(*arguments)):
            raise Differs
        return refused

    def _fill(self, pair: TreePair, first: int, stride: int, length: int, count: int) -> None:
        for range_ in ops.Fill(first, stride, length, count).ranges():
            self._on_tree(ops.MtreeStoreRange, pair, None, range_)

    def _dup(self, kind: Kind, pair: TreePair, number: int, short: Short) -> TreePair | None:
        if short is not None:
            ret = self._ask(kind, 0, pair.number, short, (number,))[0]
            if ret == NO_MEMORY and short != NOFAIL:
                return None
            if ret:
                raise Differs
        else:
            self._send(SENT[kind].code, 0, pair.number, (number,), NOTHING)
        _, model = pair.model.dup()
        self.models[number] = model
        return TreePair(number, model, None, pair.rcu)

    def _barrier(self) -> None:
        self._send(SENT[ops.RcuBarrier].code, 0, 0, (), NOTHING)

    # Cursors

    def _init(self, number: int, pair: TreePair, index: int) -> CursorPair:
        self._send(SENT[ops.MasInit].code, number, pair.number, (index,), NOTHING)
        return CursorPair(number, pair, ModelCursor(pair.model, index), None)

    def _place(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> None:
        getattr(place.model, METHODS[kind])(*arguments)
        self._send(SENT[kind].code, place.number, place.pair.number, arguments, NOTHING)

    def _move(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> None:
        model = place.model
        entry = getattr(model, METHODS[kind])(*arguments)
        expected = ANSWER.pack(0, STATUS[model.status], raw(entry), model.index, model.last)
        self._send(SENT[kind].code, place.number, place.pair.number, arguments, expected)

    def _loop(self, kind: Kind, place: CursorPair, limit: int) -> None:
        step = getattr(place.model, LOOPED[kind])
        words: list[int] = []
        while (entry := step(limit)) is not None:
            words += place.model.index, place.model.last, raw(entry)
        expected = ANSWER.pack(0, len(words), 0, 0, 0) + struct.pack(f"<{len(words)}Q", *words)
        self._send(SENT[kind].code, place.number, place.pair.number, (limit,), expected)

    def _alloc(self, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool:
        model, pair, kind = place.model, place.pair, ops.MasAllocCyclic
        actual = None
        if short is not None:
            actual = self._ask(kind, place.number, pair.number, short, arguments)
            if write_refused(kind, pair, short, actual[0], arguments):
                model.refuse()
                return False
        result = model.alloc_cyclic(*arguments)
        expected = _packed(SENT[kind].answer, result)
        if actual is not None:
            self._agree(expected, actual)
        else:
            self._send(SENT[kind].code, place.number, pair.number, arguments, expected)
        return bool(result[0] >= 0)

    def _area(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> int:
        model = place.model
        ret: int = getattr(model, METHODS[kind])(*arguments)
        found = (0, 0) if ret else (model.index, model.last)
        self._send(
            SENT[kind].code, place.number, place.pair.number, arguments, ANSWER.pack(ret, 0, 0, *found)
        )
        return ret

    def _store(self, kind: Kind, place: CursorPair, short: Short, arguments: tuple[Any, ...]) -> bool:
        model, pair = place.model, place.pair
        if short is None:
            expected = ANSWER.pack(getattr(model, METHODS[kind])(*arguments) or 0, 0, 0, 0, 0)
            self._send(SENT[kind].code, place.number, pair.number, arguments, expected)
            return False
        ret, *rest = self._ask(kind, place.number, pair.number, short, arguments)
        if store_refused(kind, place, short, ret, arguments):
            return True
        getattr(model, METHODS[kind])(*arguments)
        if ret or any(rest):
            raise Differs
        return False

    def _erase(self, place: CursorPair, short: Short) -> bool:
        if short is None:
            self._move(ops.MasErase, place, ())
            return False
        model, pair = place.model, place.pair
        actual = self._ask(ops.MasErase, place.number, pair.number, short, ())
        if actual[1] == STATUS["error"]:
            if cannot_be_refused(ops.MasErase, short) or actual[2] != raw(model.tree.load(model.index)):
                raise Differs
            model.refuse()
            return True
        entry = model.erase()
        self._agree(ANSWER.pack(0, STATUS[model.status], raw(entry), model.index, model.last), actual)
        return False

    def _nomem(self, kind: Kind, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool:
        ret, *rest = self._ask(kind, place.number, place.pair.number, short, arguments)
        if any(rest) or (not ret and short is None):
            raise Differs
        if ret:
            getattr(place.model, METHODS[kind])(*arguments)
        return bool(ret)

    def _load_many(self, place: CursorPair, first: int, stride: int, length: int, count: int) -> None:
        for low, high, entry in ops.MasFill(first, stride, length, count).ranges():
            self._place(ops.MasSetRange, place, (low, high))
            self._store(ops.MasStore, place, 0, (entry,))


def _four(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """The arguments of a step as they are sent: NULL is 0."""
    return (*(argument or 0 for argument in arguments), 0, 0, 0, 0)[:4]


def _packed(answer: str, result: Any) -> bytes:
    """What the model's method returned, as the answer that the kernel's process must send."""
    ret, entry, index, last = 0, 0, 0, 0
    if answer == "ret":
        ret = result
    elif answer in ("entry", "erased"):
        entry = raw(result)
    elif answer == "find":
        entry, index = (0, 0) if result[0] is None else (raw(result[0]), result[1])
    elif answer == "start":
        ret, index = (result[0], 0) if result[0] else result
    elif answer == "cyclic":
        ret, index, last = (result[0], 0, 0) if result[0] < 0 else result
    return ANSWER.pack(ret, 0, entry, index, last)
