"""How an operation is kept short of memory, as lanes draw it: one number, or None where nothing is refused.

N from 0 up: N nodes are granted, and every later request is refused. NOWAIT: every request that may not sleep
is refused, and granted when it is made again with leave to. CANNOT_WAIT: so is the caller's, who may not
sleep either (GFP_NOWAIT). NOFAIL: every request is refused that may be, and the caller's may not
(__GFP_NOFAIL). `once(N)`: N nodes are granted, then one request is refused, and all after it are granted.
"""

from __future__ import annotations

from mapleproof.impl.failure import FailAfter, FailAtomic, FailOnce, FailurePlan
from mapleproof.impl.kernel.wire import FAIL_AFTER, FAIL_NEVER, FAIL_NOWAIT, FAIL_ONCE, GFP
from mapleproof.props.common.operation import Common

Short = int | None

NOWAIT = -1
CANNOT_WAIT, NOFAIL = -(1 << 30), -(1 << 30) - 1

_WAITING = {NOWAIT: 1, CANNOT_WAIT: 2, NOFAIL: 3}
"""How a case says these, as `fail_nowait`."""


def once(granted: int) -> int:
    """One request is refused, after so many nodes that were granted."""
    return -2 - granted


def passes(short: Short) -> bool:
    """Whether a request that is made again is granted, so that who asks again succeeds."""
    return short is not None and short < 0 and short != CANNOT_WAIT


def fields_of(short: Short) -> dict[str, int]:
    """The same as an operation says it."""
    if short is None:
        return {}
    if short in _WAITING:
        return {"fail_nowait": _WAITING[short]}
    return {"fail_after": short} if short >= 0 else {"fail_after": -2 - short, "fail_count": 1}


def short_of(op: Common) -> Short:
    """How an operation is kept short of memory."""
    if op.fail_nowait is not None:
        return (NOWAIT, CANNOT_WAIT, NOFAIL)[op.fail_nowait - 1]
    if op.fail_after is None:
        return None
    return op.fail_after if op.fail_count is None else once(op.fail_after)


def plan_of(short: int) -> FailurePlan:
    """The same for the implementation."""
    if short in (NOWAIT, NOFAIL):
        return FailAtomic()
    if short == CANNOT_WAIT:
        return FailAfter(0)
    return FailAfter(short) if short >= 0 else FailOnce(-2 - short)


def sent(short: Short) -> int:
    """The same for a kernel's tree, as it goes over the pipe."""
    if short is None:
        return FAIL_NEVER
    if short == NOWAIT:
        return FAIL_NOWAIT
    if short == CANNOT_WAIT:
        return FAIL_NOWAIT | GFP["nowait"]
    if short == NOFAIL:
        return FAIL_AFTER | GFP["nofail"]
    return FAIL_AFTER | short if short >= 0 else FAIL_ONCE | (-2 - short)
