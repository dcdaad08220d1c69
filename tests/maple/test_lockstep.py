"""Lockstep: what it holds a port to, with and without memory, and with readers."""

import pytest

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.difference import ANSWER, CONTENT, CRASH, INVARIANT, LEAK, Difference
from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes.reader_lockstep import ReaderLockstep
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.ports import ImplPort, ModelPort

STORE = ops.MtreeStoreRange(3, 9, 1)


class Answering(ImplPort):
    """The implementation, but for one operation's answer."""

    def __init__(self, kind: type[Common], answer: Answer) -> None:
        super().__init__(alloc_range=True, rcu=True)
        self.kind, self.answer = kind, answer

    def apply(self, op: Common) -> Answer:
        answer = super().apply(op)
        return self.answer if isinstance(op, self.kind) else answer


def carry_out(lockstep: Lockstep, *run: Common) -> None:
    for op in run:
        lockstep.apply(op)
    lockstep.finish()


def failure(lockstep: Lockstep, *run: Common) -> Difference:
    with pytest.raises(Difference) as raised:
        carry_out(lockstep, *run)
    return raised.value


def test_agreement_leaves_nothing_behind() -> None:
    lockstep = Lockstep(ImplPort(alloc_range=True), alloc_range=True)
    carry_out(lockstep, STORE, ops.MtreeDup(1), ops.MtreeErase(4, tree=1), ops.MasSet(4), ops.MasWalk())
    assert len(lockstep.steps) == 5


def test_a_wrong_answer_stops_the_run_and_carries_it() -> None:
    met = failure(Lockstep(Answering(ops.MtreeLoad, Answer(entry=7))), STORE, ops.MtreeLoad(4), STORE)
    assert (met.kind, met.number, met.op) == (ANSWER, 2, ops.MtreeLoad(4))
    assert (met.expected, met.actual) == (Answer(entry=1), Answer(entry=7))
    assert [step.op for step in met.steps] == [STORE, ops.MtreeLoad(4)]


def test_a_crash_is_met_where_nothing_is_answered() -> None:
    met = failure(Lockstep(Answering(ops.MtreeDestroy, Answer(crash="IndexError"))), ops.MtreeDestroy())
    assert met.kind == CRASH


def test_an_exception_of_the_implementation_is_a_crash() -> None:
    port = ImplPort()
    port.trees[0] = None
    assert failure(Lockstep(port), STORE).kind == CRASH


def test_contents_and_invariants_are_looked_at_in_rhythm() -> None:
    class Losing(ImplPort):
        def snapshot(self, tree: int) -> list[tuple[int, int, int]]:
            return []

    class Broken(ImplPort):
        def check(self, tree: int) -> None:
            raise AssertionError("Pivots rise strictly.")

    stores = [ops.MtreeStoreRange(i, i, 1) for i in range(10)]
    met = failure(Lockstep(Losing(), rhythm=3), *stores)
    assert (met.kind, met.number) == (CONTENT, 4)
    assert met.op == ops.Snapshot()
    assert failure(Lockstep(Broken(), rhythm=100), *stores).kind == INVARIANT


def test_a_leak_is_met_at_the_end() -> None:
    class Leaking(ImplPort):
        def live_allocations(self) -> int:
            return 2

    assert failure(Lockstep(Leaking()), STORE).kind == LEAK


def test_the_level_decides_whether_a_status_counts() -> None:
    odd = Answer(entry=1, index=3, last=9, status="none")
    run = (STORE, ops.MasSet(4), ops.MasWalk())
    assert failure(Lockstep(Answering(ops.MasWalk, odd)), *run).keys == ("status",)
    carry_out(Lockstep(Answering(ops.MasWalk, odd), level="documented"), *run)


def test_memory_may_be_refused_where_it_is_short_and_only_there() -> None:
    refusing = Answer(ret=-12)
    Lockstep(Answering(ops.MtreeInsertRange, refusing)).apply(ops.MtreeInsertRange(30, 31, 1, fail_after=0))
    unasked = ops.MtreeInsertRange(30, 31, 1)
    assert failure(Lockstep(Answering(ops.MtreeInsertRange, refusing)), unasked).kind == ANSWER


def test_a_store_over_one_slot_needs_no_memory() -> None:
    """[0x3..0x9]→1 takes [0x3..0x9]→2 without a node, and a bare entry another one."""
    refusing = Answer(ret=-12)
    for place in ((3, 9), (0, 0)):
        lockstep = Lockstep(Answering(ops.MtreeInsertRange, refusing))
        exact = ops.MtreeInsertRange(*place, 2, fail_after=0)
        if place == (3, 9):
            lockstep.apply(STORE)
            lockstep.apply(ops.MtreeStoreRange(3, 9, None))
            lockstep.apply(ops.MtreeStoreRange(0, 2, 5))
            lockstep.apply(ops.MtreeStoreRange(10, 12, 5))
        assert failure(lockstep, exact).kind == ANSWER


def test_a_refused_write_must_change_nothing() -> None:
    class HalfDone(ImplPort):
        def apply(self, op: Common) -> Answer:
            answer = super().apply(op)
            self.out_of_memory = op.fail_after is not None
            return Answer(ret=-12) if self.out_of_memory else answer

    met = failure(Lockstep(HalfDone(), rhythm=1), ops.MtreeStoreRange(3, 9, 1, fail_after=50))
    assert met.kind == CONTENT


def test_the_model_agrees_with_itself() -> None:
    run = (STORE, ops.MasSet(4), ops.MasFind(100), ops.MasNextRange(100), ops.MasErase())
    carry_out(Lockstep(ModelPort()), *run)


def readers(port: ImplPort) -> ReaderLockstep:
    lockstep = ReaderLockstep(port, alloc_range=True, rcu=True)
    lockstep.write(STORE)
    lockstep.write(ops.MtreeStoreRange(20, 29, 2))
    lockstep.read(ops.MasSet(0))
    lockstep.read(ops.MasFind(100))
    return lockstep


@pytest.mark.parametrize("entry", [1, 5])
def test_a_reader_may_meet_the_tree_before_or_after_a_write(entry: int) -> None:
    lockstep = readers(ImplPort(alloc_range=True, rcu=True))
    lockstep.port.late_answers = lambda: [Answer(entry=entry)]  # type: ignore[method-assign]
    lockstep.read(ops.MtreeLoad(4, within=0))
    lockstep.write(ops.MtreeStoreRange(3, 9, 5))


def test_a_reader_must_not_meet_anything_else() -> None:
    lockstep = readers(ImplPort(alloc_range=True, rcu=True))
    lockstep.port.late_answers = lambda: [Answer(entry=9)]  # type: ignore[method-assign]
    lockstep.read(ops.MtreeLoad(4, within=0))
    with pytest.raises(Difference) as raised:
        lockstep.write(ops.MtreeStoreRange(3, 9, 5))
    assert raised.value.number == 5


@pytest.mark.parametrize(
    "wrong",
    [
        Answer(entry=3, index=40, last=49, status="active"),  # skips what stood there all the time
        Answer(entry=1, index=3, last=9, status="active"),  # meets an entry again
        Answer(entry=2, index=20, last=31, status="active"),  # a range that the tree does not hold
        Answer(entry=None, index=10, last=19, status="overflow"),  # ends too early
    ],
)
def test_a_reader_that_goes_on_keeps_its_promises(wrong: Answer) -> None:
    lockstep = readers(Answering(ops.MasNext, wrong))
    lockstep.write(ops.MtreeStoreRange(40, 49, 3))
    with pytest.raises(Difference):
        lockstep.read(ops.MasNext(100))
