"""How an operation is kept short of memory: one number, in three other tongues."""

import pytest

from mapleproof.impl.failure import FailOnce
from mapleproof.impl.kernel import wire
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.expect import asks_again
from mapleproof.props.maple.ports import ImplPort
from mapleproof.props.maple.shortage import (
    CANNOT_WAIT,
    NOFAIL,
    NOWAIT,
    Short,
    fields_of,
    once,
    passes,
    plan_of,
    sent,
    short_of,
)

SHORTAGES: list[Short] = [None, 0, 3, NOWAIT, CANNOT_WAIT, NOFAIL, once(0), once(4)]


@pytest.mark.parametrize("short", SHORTAGES)
def test_each_is_said_and_sent_alike(short: Short) -> None:
    op = ops.MtreeStoreRange(1, 2, 3, **fields_of(short))
    assert short_of(op) == short
    step = {"op": "mtree_store_range", "first": 1, "last": 2, "entry": 3, **fields_of(short)}
    assert wire.failing(step) == sent(short)
    assert op.short_of_memory == (short is not None)


def test_one_request_is_refused_and_none_after_it() -> None:
    plan = FailOnce(3)
    granted = [plan.ask("node", count, atomic=True) for count in (2, 1, 1, 1, 5)]
    assert granted == [True, True, False, True, True]


@pytest.mark.parametrize("short", [NOWAIT, NOFAIL, once(0)])
def test_who_asks_again_succeeds(short: int) -> None:
    """In RCU mode a store takes a node, which is refused where it cannot wait, and then granted."""
    port = ImplPort(rcu=True)
    port.apply(ops.MtreeStoreRange(5, 9, 1))
    store = ops.MtreeStoreRange(20, 29, 2, **fields_of(short))
    assert asks_again(store)
    assert passes(short)
    assert port.apply(store).ret == 0
    assert port.snapshot(0) == [(5, 9, 1), (20, 29, 2)]


def test_who_cannot_wait_is_refused_and_who_may_not_fail_is_not() -> None:
    """A preallocation and a copy ask once: they are refused for good, unless they may not be."""
    for short, ret in ((CANNOT_WAIT, -12), (NOFAIL, 0)):
        port = ImplPort(rcu=True)
        port.apply(ops.MtreeStoreRange(5, 9, 1))
        port.apply(ops.MasSetRange(20, 29))
        fields = fields_of(short)
        assert port.apply(ops.MtreeDup(1, **fields)).ret == ret
        assert port.apply(ops.MasPreallocate(2, **fields)).ret == ret
        assert port.apply(ops.MtreeStoreRange(40, 49, 2, **fields)).ret == ret
        asked = (ops.MtreeDup(1, **fields), ops.MasPreallocate(2, **fields), ops.MasStoreGfp(3, **fields))
        assert [asks_again(op) for op in asked] == [short == NOFAIL] * 3


def test_what_is_refused_for_good_is_not_asked_for_again() -> None:
    assert not passes(2)
    assert not asks_again(ops.MtreeStoreRange(1, 2, 3, fail_after=0))
    assert not asks_again(ops.MasStore(3, fail_nowait=1))
    assert plan_of(0).ask("node") is False


@pytest.mark.parametrize("step", [{"fail_after": 0, "fail_nowait": 1}, {"fail_after": 0, "fail_count": 2}])
def test_two_ways_at_once_are_refused(step: dict[str, int]) -> None:
    with pytest.raises(
        ValueError, match="a step has fail_after, fail_after with a fail_count of 1, or fail_no"
    ):
        wire.failing({"op": "mtree_load", "index": 0, **step})
