"""The rules of use: what a generated or shrunk run may do next."""

import pytest

from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import USUAL, Traits
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lockstep import Lockstep
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.rules import Rules
from mapleproof.props.maple.standings import AFTER_ANOTHER, ANYTHING, BOUND, MAY, THEN, WHY_NOT, Standing

STORE = ops.MtreeStoreRange(5, 9, 1)
FOUND = (STORE, ops.MasSet(5), ops.MasWalk())
REFUSED = (ops.MasSetRange(3, 4), ops.MasStoreGfp(1, fail_after=0))
UNPREPARED = (ops.MasSetRange(3, 4), ops.MasPreallocate(1, fail_after=0))
PREPARED = (STORE, ops.MasSetRange(6, 7), ops.MasPreallocate(1))


def refusal(next_op: Common, *before: Common, careful: bool = True, traits: Traits = USUAL) -> str | None:
    """Why the rules do not allow an operation after some others, which they allow."""
    lockstep = Lockstep(ImplPort(alloc_range=True), alloc_range=True)
    rules = Rules(True, careful=careful, traits=traits)
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
        (ops.MasNext(100), (*FOUND, ops.MasSetRange(3, 6), ops.MasStoreGfp(2))),
        (ops.MasFind(100), (*FOUND, ops.MasErase(), ops.MasReset())),
        (ops.MasPrev(0), (*PREPARED, ops.MasStorePrealloc(1))),
        (ops.MasStoreGfp(2), (*FOUND, ops.MasSetRangeStaying(6, 20))),
        (ops.MasPreallocate(2), (*FOUND, ops.MasSetRangeStaying(5, 7))),
        (ops.MasReset(), REFUSED),
        (ops.MasStoreGfp(1), (*REFUSED, ops.MasReset())),
        (ops.MasPreallocate(1), UNPREPARED),
        (ops.MasStoreGfp(1), UNPREPARED),
        (ops.MasPrev(0), PREPARED),
        (ops.MasPreallocate(1), (*PREPARED, ops.MasPrev(0), ops.MasSetRangeStaying(0, 7))),
        (ops.MasStorePrealloc(1), (*PREPARED, ops.MasSetRangeStaying(6, 7))),  # the same range
        (ops.MasNext(100), (STORE, ops.MasEmptyArea(0, 100, 5))),  # from the first index of a gap
        (ops.MasNext(100), (STORE, ops.MasAllocCyclic(1, 0, 100, 0))),
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
        (ops.MasNext(100), (*FOUND, ops.MasStoreGfp(None))),  # the tree's last entry
        (ops.MasNext(100), (*FOUND, ops.MasErase())),
        (ops.MasNext(100), (ops.MasSetRange(5, 9), ops.MasStoreGfp(1))),  # the tree's first node
        (ops.MasPrev(0), (STORE, ops.MasEmptyAreaRev(0, 3, 1))),  # within a gap
        (ops.MasNext(100), (*FOUND, ops.MasSetRangeStaying(6, 7))),
        (ops.MasSetRangeStaying(4, 9), FOUND),
        (ops.MasStoreGfp(1), REFUSED),
        (ops.MasStoreGfp(2), (*REFUSED, ops.MasReset())),
        (ops.MasNext(100), (*REFUSED, ops.MasReset())),
        (ops.MasPreallocate(2), UNPREPARED),
        (ops.MasPreallocate(1), (*UNPREPARED, ops.MtreeStoreRange(7, 7, 1))),
        (ops.MasStorePrealloc(1), (*PREPARED, ops.MasPrev(0))),
        (ops.MasPrev(0), (STORE, ops.MasSetRange(3, 12), ops.MasPreallocate(1))),  # on no one slot
        (ops.MasAllocCyclic(1, 0, 100, 0), FOUND),
        (ops.MasEmptyArea(0, 9, 1), FOUND),
        (ops.MasEmptyArea(0, 9, 1), (ops.MasPause(),)),
        (ops.MasPause(), (STORE, ops.MasEmptyArea(5, 9, 5))),  # found no room: its range is nothing
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


@pytest.mark.parametrize(
    ("next_op", "before"),
    [
        (ops.MasStoreGfp(1), REFUSED),
        (ops.MasPrev(0), (STORE, ops.MasEmptyAreaRev(0, 3, 1))),
        (ops.MasNext(100), (ops.MasSetRange(5, 9), ops.MasStoreGfp(1))),
        (ops.MasFind(100), (*FOUND, ops.MasStoreGfp(None))),
    ],
)
def test_only_careful_runs_keep_away(next_op: Common, before: tuple[Common, ...]) -> None:
    assert refusal(next_op, *before) is not None
    assert refusal(next_op, *before, careful=False) is None


@pytest.mark.parametrize("before", [(), (ops.MtreeStoreRange(0, 0, 1),)])
def test_coarse_cursors_do_not_erase_where_a_node_may_be_given_up(before: tuple[Common, ...]) -> None:
    """The tree keeps its node after all is erased; a kernel as old as 6.1 may hold a bare entry by then."""
    emptied = (ops.MtreeStoreRange(0, 2**64 - 1, 1), ops.MtreeErase(0), *before, ops.MasSet(0))
    coarse = Traits(coarse=True)
    assert refusal(ops.MasErase(), *emptied, traits=coarse) is not None
    assert refusal(ops.MasErase(), *emptied) is None
    assert refusal(ops.MasErase(), STORE, ops.MasSet(5), traits=coarse) is None


def test_the_table_of_standings_is_whole() -> None:
    assert set(MAY) == set(WHY_NOT) == set(Standing)
    told = {one for outcomes in THEN.values() for one in outcomes.values()} | set(AFTER_ANOTHER.values())
    assert told | {Standing.MOVED} == set(Standing)  # MOVED is where a prepared cursor went on
    may_follow = {kind for kinds in MAY.values() for kind in kinds}
    assert set(ANYTHING) | set(BOUND) == may_follow | {ops.MasDestroy}
    assert set(THEN) >= set(ANYTHING)
