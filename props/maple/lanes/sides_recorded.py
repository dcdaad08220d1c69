"""The two sides behind operations: any port, in lockstep, with every operation on record."""

from __future__ import annotations

from typing import Any

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes.pairs import CursorPair, Kind, TreePair
from mapleproof.props.maple.lanes.sides import Sides
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.mixes import CURSORS
from mapleproof.props.maple.ports import was_refused
from mapleproof.props.maple.rules import Rules
from mapleproof.props.maple.shortage import Short, fields_of


class RecordedSides(Sides):
    """Makes an operation of every call. Raises Difference; AssertionError where a rule of use is broken."""

    def __init__(self, lockstep: Lockstep, rules: Rules) -> None:
        super().__init__(lockstep.flags["alloc_range"], lockstep.port.traits)
        self.lockstep = lockstep
        self.rules = rules
        self.pairs = [self._twin(0, lockstep.flags["rcu"])]
        self.places = [CursorPair(0, self.pairs[0], lockstep.model.cursors[0], None)]
        self.places += [self._init(number, self.pairs[0], 0) for number in range(1, CURSORS)]

    def _twin(self, number: int, rcu: bool) -> TreePair:
        return TreePair(number, self.lockstep.model.trees[number], None, rcu)

    def _step(self, op: Common) -> Answer:
        reason = self.rules.refusal(op, self.lockstep.model)
        if reason is not None:
            raise AssertionError(f"{spell(op)} is drawn against the rules: {reason}")
        return step(self.lockstep, self.rules, op)

    def _at(self, kind: Any, place: CursorPair, arguments: tuple[Any, ...], short: Short = None) -> bool:
        """An operation through a cursor; whether it was refused memory."""
        op = kind(*arguments, tree=place.pair.number, cursor=place.number, **fields_of(short))
        return was_refused(op, self._step(op))

    def _verify(self, tree: int) -> None:
        self.lockstep.verify(tree)

    def finish(self) -> None:
        self.lockstep.finish()

    def borders(self, pair: TreePair) -> list[int]:
        return self.lockstep.port.borders(pair.number)

    def _on_tree(self, kind: Any, pair: TreePair, short: Short, arguments: tuple[Any, ...]) -> None:
        self._step(kind(*arguments, tree=pair.number, **fields_of(short)))

    def _fill(self, pair: TreePair, first: int, stride: int, length: int, count: int) -> None:
        self._step(ops.Fill(first, stride, length, count, tree=pair.number))

    def _dup(self, kind: Any, pair: TreePair, number: int, short: Short) -> TreePair | None:
        answer = self._step(kind(number, tree=pair.number, **fields_of(short)))
        return self._twin(number, pair.rcu) if answer.ret == 0 else None

    def _barrier(self) -> None:
        self._step(ops.RcuBarrier())

    def _init(self, number: int, pair: TreePair, index: int) -> CursorPair:
        self._step(ops.MasInit(index, tree=pair.number, cursor=number))
        return CursorPair(number, pair, self.lockstep.model.cursors[number], None)

    def _place(self, kind: Kind, place: CursorPair, arguments: tuple[Any, ...]) -> None:
        self._at(kind, place, arguments)

    def _move(self, kind: Any, place: CursorPair, arguments: tuple[Any, ...]) -> None:
        answer = self._step(kind(*arguments, tree=place.pair.number, cursor=place.number))
        place.found = answer.entry is not None

    def _loop(self, kind: Any, place: CursorPair, limit: int) -> None:
        self._step(kind(limit, tree=place.pair.number, cursor=place.number))
        place.found = False

    def _alloc(self, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool:
        kind: Any = ops.MasAllocCyclic
        ret = self._step(
            kind(*arguments, tree=place.pair.number, cursor=place.number, **fields_of(short))
        ).ret
        assert isinstance(ret, int)
        return ret >= 0

    def _area(self, kind: Any, place: CursorPair, arguments: tuple[Any, ...]) -> int:
        ret = self._step(kind(*arguments, tree=place.pair.number, cursor=place.number)).ret
        assert isinstance(ret, int)
        return ret

    def _store(self, kind: Kind, place: CursorPair, short: Short, arguments: tuple[Any, ...]) -> bool:
        return self._at(kind, place, arguments, short)

    def _erase(self, place: CursorPair, short: Short) -> bool:
        return self._at(ops.MasErase, place, (), short)

    def _nomem(self, kind: Any, place: CursorPair, short: Short, arguments: tuple[int, ...]) -> bool:
        op = kind(*arguments, tree=place.pair.number, cursor=place.number, **fields_of(short))
        return self._step(op).ret == 1

    def _load_many(self, place: CursorPair, first: int, stride: int, length: int, count: int) -> None:
        self._at(ops.MasFill, place, (first, stride, length, count), 0)


def step(lockstep: Lockstep, rules: Rules, op: Common) -> Answer:
    """Carry out one operation that the rules allow."""
    before = rules.before(op, lockstep.model)
    answer = lockstep.apply(op)
    rules.note(op, answer, lockstep.model, before)
    return answer
