"""The two sides behind operations: any port, in lockstep, with every operation on record."""

from __future__ import annotations

from typing import Any

from props.expect import was_refused
from props.lanes.sides import CURSORS, Kind, Place, Sides, Twin
from props.lockstep import Lockstep
from props.ops import operations as ops
from props.ops.answers import Answer
from props.ops.common_operations import Common
from props.ops.forms import spell
from props.rules import Rules


class RecordedSides(Sides):
    """Makes an operation of every call. Raises Difference; AssertionError where a rule of use is broken."""

    def __init__(self, lockstep: Lockstep, rules: Rules) -> None:
        super().__init__(lockstep.flags["alloc_range"])
        self.lockstep = lockstep
        self.rules = rules
        self.twins = [self._twin(0, lockstep.flags["rcu"])]
        self.places = [Place(0, self.twins[0], lockstep.model.cursors[0], None)]
        self.places += [self._init(number, self.twins[0], 0) for number in range(1, CURSORS)]

    def _twin(self, number: int, rcu: bool) -> Twin:
        return Twin(number, self.lockstep.model.trees[number], None, rcu)

    def _step(self, op: Common) -> Answer:
        reason = self.rules.refusal(op, self.lockstep.model)
        if reason is not None:
            raise AssertionError(f"{spell(op)} is drawn against the rules: {reason}")
        return step(self.lockstep, self.rules, op)

    def _at(self, kind: Any, place: Place, arguments: tuple[Any, ...], short: int | None = None) -> bool:
        """An operation through a cursor; whether it was refused memory."""
        op = kind(*arguments, tree=place.twin.number, cursor=place.number, fail_after=short)
        return was_refused(op, self._step(op))

    def _verify(self, tree: int) -> None:
        self.lockstep.verify(tree)

    def finish(self) -> None:
        self.lockstep.finish()

    def borders(self, twin: Twin) -> list[int]:
        return self.lockstep.port.borders(twin.number)

    def _on_tree(self, kind: Any, twin: Twin, short: int | None, arguments: tuple[Any, ...]) -> None:
        self._step(kind(*arguments, tree=twin.number, fail_after=short))

    def _fill(self, twin: Twin, first: int, stride: int, length: int, count: int) -> None:
        self._step(ops.Fill(first, stride, length, count, tree=twin.number))

    def _dup(self, twin: Twin, number: int, short: int | None) -> Twin | None:
        answer = self._step(ops.MtreeDup(number, tree=twin.number, fail_after=short))
        return self._twin(number, twin.rcu) if answer.ret == 0 else None

    def _barrier(self) -> None:
        self._step(ops.RcuBarrier())

    def _init(self, number: int, twin: Twin, index: int) -> Place:
        self._step(ops.MasInit(index, tree=twin.number, cursor=number))
        return Place(number, twin, self.lockstep.model.cursors[number], None)

    def _place(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> None:
        self._at(kind, place, arguments)

    def _move(self, kind: Kind, place: Place, arguments: tuple[Any, ...]) -> None:
        self._at(kind, place, arguments)

    def _area(self, kind: Any, place: Place, arguments: tuple[Any, ...]) -> int:
        ret = self._step(kind(*arguments, tree=place.twin.number, cursor=place.number)).ret
        assert isinstance(ret, int)
        return ret

    def _store(self, kind: Kind, place: Place, short: int | None, arguments: tuple[Any, ...]) -> bool:
        return self._at(kind, place, arguments, short)

    def _erase(self, place: Place, short: int | None) -> bool:
        return self._at(ops.MasErase, place, (), short)

    def _load_many(self, place: Place, first: int, stride: int, length: int, count: int) -> None:
        self._at(ops.MasFill, place, (first, stride, length, count), 0)


def step(lockstep: Lockstep, rules: Rules, op: Common) -> Answer:
    """Carry out one operation that the rules allow."""
    before = rules.before(op, lockstep.model)
    answer = lockstep.apply(op)
    rules.note(op, answer, lockstep.model, before)
    return answer
