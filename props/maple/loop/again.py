"""The steps of a run of the loop as operations, to be done again where each is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mapleproof.impl.kernel.wire import FAIL_AFTER, FAIL_NEVER, FAIL_NOWAIT, FAIL_ONCE, GFP, LARGEST, OPS
from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS
from mapleproof.props.maple.loop.codes import CANNOT_WAIT, GIVE_BACK, NOFAIL
from mapleproof.props.maple.shortage import CANNOT_WAIT as MAY_NOT_WAIT
from mapleproof.props.maple.shortage import NOFAIL as MAY_NOT_FAIL
from mapleproof.props.maple.shortage import NOWAIT, Short, fields_of, once

NAMES = tuple(OPS)
OF_THE_PORT = frozenset({"reset", "borders", "check", "live_allocations", "events", "nodes", "in_rcu"})
"""What only a port is asked."""

assert FAIL_AFTER == 0  # so that what is left of such a word is its number
assert set(GFP) == {"kernel", "nowait", "nofail"}


def operations(steps: Iterable[tuple[int, ...]]) -> Iterator[Common]:
    """What a run did, up to where it ended; a Snapshot where all that a tree holds was looked at."""
    for code, cursor, tree, fail, *words in steps:
        name = NAMES[code]
        if code == GIVE_BACK:
            return
        if name in OF_THE_PORT:
            continue
        form = TREE_FORMS[name]
        given: dict[str, Any] = dict(zip(form.arguments, words, strict=False))
        if "entry" in given:
            given["entry"] = given["entry"] or None
        if form.uses_cursor:
            given["cursor"] = cursor
        if form.operation is not ops.RcuBarrier:
            given["tree"] = tree
        yield form.operation(**given, **fields_of(short_of(fail)))


def short_of(fail: int) -> Short:
    """How a step was kept short of memory, as lanes draw it."""
    if fail == FAIL_NEVER:
        return None
    if fail in (FAIL_NOWAIT, CANNOT_WAIT, NOFAIL):
        return {FAIL_NOWAIT: NOWAIT, CANNOT_WAIT: MAY_NOT_WAIT, NOFAIL: MAY_NOT_FAIL}[fail]
    number = fail & LARGEST
    return once(number) if fail & FAIL_ONCE else number
