"""A run with readers, from operations as data: the rules it keeps to, and how a failing one is made small.

Reader N is who uses cursor N, between its `rcu_read_lock` and its `rcu_read_unlock`. It keeps its place while
the tree is written to. Writers use the normal API. The grace period ends only while no reader is inside.
"""

from collections.abc import Callable, Sequence
from typing import Any

from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.guard import limited_steps
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import Port
from mapleproof.props.common.reducing import Patience
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes.reader_lockstep import PLACING, ReaderLockstep
from mapleproof.props.maple.shrink import Shrinker

MakePort = Callable[..., Port]


class RcuRun:
    """One run on a tree in RCU mode."""

    def __init__(self, make_port: MakePort, alloc_range: bool) -> None:
        self.lockstep = ReaderLockstep(
            make_port(alloc_range=alloc_range, rcu=True), alloc_range=alloc_range, rcu=True
        )
        self.cursors = {0}
        self.inside: set[int] = set()
        self.placed: set[int] = set()
        self.waiting: set[int] = set()
        self.failed = False

    def allows(self, op: Any) -> bool:
        """Whether an operation may come next."""
        form = form_of(op)
        if self.waiting and op.within is None and not form.writes:
            return False  # the write that they wait for comes next
        if self.waiting and isinstance(op, ops.Fill):
            return False  # they look in the middle of one write, and a fill is many
        if isinstance(op, ops.MasInit):
            return op.cursor not in self.cursors
        if isinstance(op, ops.RcuReadLock):
            return op.cursor in self.cursors - self.inside
        if isinstance(op, ops.RcuReadUnlock):
            return op.cursor in self.inside
        if isinstance(op, ops.RcuBarrier):
            return not self.inside
        if op.within is not None and op.cursor in self.waiting:
            return False
        if form.uses_cursor:
            ready = op.cursor in self.inside and (op.cursor in self.placed or isinstance(op, PLACING[1:3]))
            return ready and (form.reads or isinstance(op, PLACING))
        return form.writes or op.cursor in self.inside

    def do(self, op: Common) -> None:
        """Carry out an operation if it is allowed. Raises Difference."""
        if not self.allows(op):
            return
        try:
            self._carry_out(op)
        except Difference:
            self.failed = True
            raise

    def _carry_out(self, op: Common) -> None:
        form = form_of(op)
        if form.writes:
            self.waiting.clear()
            self.lockstep.write(op)
        elif form.reads or (form.uses_cursor and not isinstance(op, ops.MasInit)):
            self.lockstep.read(op)
            if op.within is not None:
                self.waiting.add(op.cursor)
        else:
            self.lockstep.apply(op)
        if isinstance(op, ops.MasInit):
            self.cursors.add(op.cursor)
        elif isinstance(op, ops.RcuReadLock):
            self.inside.add(op.cursor)
        elif isinstance(op, ops.RcuReadUnlock):
            self.inside.discard(op.cursor)
            self.placed.discard(op.cursor)
        elif form.uses_cursor:
            self.placed.add(op.cursor)

    def finish(self) -> None:
        """Let all readers leave, and look at everything a last time. Raises Difference."""
        if self.failed:
            return
        if self.waiting:
            self.do(ops.MtreeErase(0))
        for reader in sorted(self.inside):
            self.do(ops.RcuReadUnlock(cursor=reader))
        self.lockstep.finish()


def rerun(run: Sequence[Common], make_port: MakePort, alloc_range: bool) -> Difference | None:
    """The difference that a run ends in, if any. Operations that are not allowed are left out."""
    again = RcuRun(make_port, alloc_range)
    try:
        with limited_steps():
            for op in run:
                again.do(op)
            again.finish()
    except Difference as difference:
        return difference
    finally:
        again.lockstep.port.close()
    return None


def smallest(met: Difference, make_port: MakePort, alloc_range: bool) -> Difference:
    """The smallest run found that ends in a difference of the same kind."""
    found = [met]

    def fails(candidate: Sequence[Common]) -> bool:
        difference = rerun(candidate, make_port, alloc_range)
        if difference is None or difference.kind != met.kind:
            return False
        found.append(difference)
        return True

    patience = Patience()
    Shrinker([step.op for step in met.steps], fails, patience=patience).shrink()
    found[-1].unfinished = patience.told
    return found[-1]
