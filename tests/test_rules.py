"""The rules of use: what a generated or shrunk run may do next."""

import pytest

from props.lockstep import Lockstep
from props.ops import operations as ops
from props.ops.operations import Common
from props.ports import ImplPort
from props.rules import Rules

STORE = ops.MtreeStoreRange(5, 9, 1)
FOUND = (STORE, ops.MasSet(5), ops.MasWalk())


def refusal(next_op: Common, *before: Common, careful: bool = True) -> str | None:
    """Why the rules do not allow an operation after some others, which they allow."""
    lockstep = Lockstep(ImplPort(alloc_range=True), alloc_range=True)
    rules = Rules(True, careful=careful)
    for op in before:
        assert rules.refusal(op, lockstep.model) is None, op
        noted = rules.before(op, lockstep.model)
        rules.note(op, lockstep.apply(op), lockstep.model, noted)
    return rules.refusal(next_op, lockstep.model)


@pytest.mark.parametrize(
    ("next_op", "before"),
    [
        (ops.MasNext(100), FOUND),
        (ops.MasStoreGfp(2), FOUND),
        (ops.MasNext(100), (*FOUND, ops.MasStoreGfp(2))),  # over just the range it stood on
        (ops.MasPause(), (*FOUND, STORE)),
        (ops.MasFind(100), (*FOUND, STORE, ops.MasPause())),
        (ops.MasWalk(), (ops.MasSet(3), STORE)),  # it has not looked yet
        (ops.MasStoreGfp(3), (ops.MasSet(0), ops.MasEmptyArea(0, 100, 5))),
        (ops.MasNomem(), (ops.MasSetRange(3, 4), ops.MasStore(1, fail_after=0))),
        (ops.MasStorePrealloc(2), (ops.MasSetRange(3, 4), ops.MasPreallocate(2))),
        (ops.MasPreallocate(2), (ops.MasPreallocate(1), ops.MasSetRange(3, 4))),
        (ops.MasStore(1), (ops.MasExpectedEntries(2), ops.MasSetRange(3, 4))),
        (ops.RcuBarrier(), (ops.RcuReadLock(), ops.RcuReadUnlock())),
        (ops.MasPrev(0), (*FOUND, ops.MasNext(9))),
    ],
)
def test_allowed(next_op: Common, before: tuple[Common, ...]) -> None:
    assert refusal(next_op, *before) is None


@pytest.mark.parametrize(
    ("next_op", "before"),
    [
        (ops.MasNext(100), (*FOUND, STORE)),
        (ops.MasNext(100), (*FOUND, ops.MasStoreGfp(None))),
        (ops.MasNext(100), (*FOUND, ops.MasErase())),
        (ops.MasEmptyArea(0, 9, 1), FOUND),
        (ops.MasEmptyArea(0, 9, 1), (ops.MasPause(),)),
        (ops.MasNext(100), (ops.MasEmptyArea(0, 100, 5),)),
        (ops.MasPause(), (STORE, ops.MasEmptyArea(5, 9, 5))),  # found no room: its range is nothing
        (ops.MasReset(), (ops.MasSetRange(3, 4), ops.MasStoreGfp(1, fail_after=0))),
        (ops.MasNomem(), FOUND),
        (STORE, (ops.MasPreallocate(2),)),
        (ops.MasStorePrealloc(3), (ops.MasPreallocate(2),)),
        (ops.MasStorePrealloc(3), ()),
        (ops.MasInit(0), (ops.MasPreallocate(2),)),
        (ops.MasExpectedEntries(2), (STORE,)),
        (ops.MasExpectedEntries(2), (ops.MtSetInRcu(),)),
        (ops.MasSetRange(3, 3), (ops.MasExpectedEntries(2), ops.MasSetRange(3, 4), ops.MasStore(1))),
        (ops.MasWalk(cursor=1), ()),
        (ops.MasWalk(tree=1), (ops.MtreeDup(1),)),
        (ops.MtreeDup(1), (ops.MtreeDup(1),)),
        (ops.MtreeLoad(1, fail_after=0), ()),
        (ops.RcuBarrier(), (ops.RcuReadLock(),)),
        (ops.RcuReadUnlock(), ()),
        (ops.MasNext(100), (STORE, ops.MasSet(9), ops.MasNext(9))),  # met its limit without a look
    ],
)
def test_not_allowed(next_op: Common, before: tuple[Common, ...]) -> None:
    assert refusal(next_op, *before) is not None
