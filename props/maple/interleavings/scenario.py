"""A scenario: how a tree is made, what its writer does then, and what one reader does meanwhile.

As a case it is: the steps that make the tree, `mas_init` of cursor 1 (where the reader has a cursor),
`rcu_read_lock`, the reader's steps with the interleaving in their keys `within`, `access` and `held_back`,
and the writes. What the tree must hold before and after each write comes from the reference model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mapleproof.impl.kernel.scenario import MOST_STEPS, Choice, Reader, Stage
from mapleproof.props.common.answers import ABSENT
from mapleproof.props.common.forms import form_of
from mapleproof.props.common.operation import Common
from mapleproof.props.common.values import Refused
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.ports import ModelPort

READER = 1
"""The reader's cursor."""

MOST_STORES = 20_000
"""Stores of one fill, and of all that makes a tree."""

SETUP = (
    ops.MtreeStoreRange,
    ops.MtreeInsertRange,
    ops.MtreeErase,
    ops.Fill,
    ops.MasSetRange,
    ops.MasPreallocate,
    ops.MtSetInRcu,
    ops.MtClearInRcu,
)
WRITES = (
    ops.MtreeStoreRange,
    ops.MtreeInsertRange,
    ops.MtreeErase,
    ops.MtreeDestroy,
    ops.MtreeDup,
    ops.MtSetInRcu,
    ops.MtClearInRcu,
    ops.MasStoreGfp,
    ops.MasStorePrealloc,
    ops.MasErase,
)
READS = (
    ops.MtreeLoad,
    ops.MtFind,
    ops.MtNext,
    ops.MtPrev,
    ops.MasWalk,
    ops.MasFind,
    ops.MasFindRange,
    ops.MasFindRev,
    ops.MasFindRangeRev,
    ops.MasNext,
    ops.MasNextRange,
    ops.MasPrev,
    ops.MasPrevRange,
    ops.MasForEach,
    ops.MasForEachRev,
    ops.LockVmaUnderRcu,
    ops.LockNextVma,
)

RANGED = (ops.MtreeStoreRange, ops.MtreeInsertRange, ops.MasSetRange)

Ranges = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A tree in RCU mode with a writer and a reader; ``at`` is where the reader's cursor begins."""

    alloc_range: bool
    setup: tuple[Common, ...]
    writes: tuple[Common, ...]
    reads: tuple[Common, ...]
    at: int = 0

    def states(self) -> tuple[Ranges, ...]:
        """What the tree holds before the first write and after each. Refused where the model refuses a
        step."""
        port = ModelPort(self.alloc_range)
        for op in self.setup:
            port.apply(op)
        states = [tuple(port.snapshot(0))]
        for op in self.writes:
            port.apply(op)
            states.append(tuple(port.snapshot(0)))
        return tuple(states)

    @property
    def uses_cursor(self) -> bool:
        return any(form_of(op).uses_cursor for op in self.reads)

    @property
    def reader(self) -> Reader:
        """The reader as the explorer takes it."""
        placing = [{"op": "mas_set", "index": self.at}] if self.uses_cursor else []
        return Reader((*placing, *map(step_of, self.reads)))

    @property
    def stage(self) -> Stage:
        """All but the reader, as the explorer takes it."""
        setup, writes = (tuple(map(step_of, steps)) for steps in (self.setup, self.writes))
        return Stage(self.alloc_range, True, setup, writes, self.states())

    def operations(self, choice: Choice | None = None) -> list[Common]:
        """The operations of a case, with the interleaving that was chosen."""
        keys = keys_of(choice) if choice is not None else {"within": 0}
        placing: list[Common] = [ops.MasInit(self.at, cursor=READER)] if self.uses_cursor else []
        reads = [replace(op, cursor=READER if form_of(op).uses_cursor else 0, **keys) for op in self.reads]
        return [*self.setup, *placing, ops.RcuReadLock(cursor=READER), *reads, *self.writes]

    def first_read(self) -> int:
        """The position of the reader's first step among the operations."""
        return len(self.setup) + self.uses_cursor + 1


def keys_of(choice: Choice) -> dict[str, int]:
    """An interleaving as keys of the reader's steps."""
    if choice.policy == "at-access":
        return {"within": 0, "access": choice.access}
    if choice.policy in ("both-writer", "both-reader"):
        return {"within": choice.stores, "access": choice.access}
    if choice.policy == "held-inside":
        return {"within": 0, "access": choice.access, "held_back": choice.stores}
    if choice.policy == "held-back":
        return {"within": choice.access - 1, "held_back": choice.stores}
    return {"within": choice.stores if choice.policy == "within" else 0}


def step_of(op: Common) -> dict[str, Any]:
    """An operation as the explorer takes it."""
    form = form_of(op)
    return {"op": form.name} | {name: getattr(op, name) for name in form.arguments}


def scenario_of(alloc_range: bool, operations: Sequence[Common]) -> Scenario:
    """The scenario that a case holds. Refused, with the reason, where it holds none."""
    entered = [at for at, op in enumerate(operations) if isinstance(op, ops.RcuReadLock)]
    if len(entered) != 1:
        raise Refused("a scenario has one reader that comes in once")
    before, after = list(operations[: entered[0]]), list(operations[entered[0] + 1 :])
    at = 0
    for op in before[-1:]:
        if isinstance(op, ops.MasInit) and op.cursor == READER:
            at = op.index
            before.pop()
    reads: list[Common] = []
    writes: list[Common] = []
    setup: list[Common] = []
    for op in after:
        if isinstance(op, READS) and not writes:
            reads.append(replace(op, cursor=0, within=None, access=None, held_back=None))
        elif isinstance(op, WRITES):
            writes.append(op)
        elif not isinstance(op, ops.RcuReadUnlock):
            raise Refused(f"{form_of(op).name} is nothing that stands here in a scenario")
    for op in before:
        if not isinstance(op, SETUP):
            raise Refused(f"{form_of(op).name} is nothing that makes the tree of a scenario")
        setup.append(op)
    scenario = Scenario(alloc_range, tuple(setup), tuple(writes), tuple(reads), at)
    check(scenario)
    return scenario


def check(scenario: Scenario) -> None:
    """Refused unless the explorer can take it, and its steps keep the rules of use."""
    if not scenario.reads or not scenario.writes:
        raise Refused("a scenario has a reader and a writer")
    if len(scenario.reads) >= MOST_STEPS or len(scenario.writes) >= MOST_STEPS:
        raise Refused(f"more than {MOST_STEPS - 1} steps of a reader or a writer")
    if sum(getattr(op, "count", 1) for op in scenario.setup) > MOST_STORES:
        raise Refused("too many stores before the reader comes in")
    placed = ready = False
    for op in (*scenario.setup, *scenario.writes):
        if op.tree != 0 or op.cursor != 0 or op.fail_after is not None or op.within is not None:
            raise Refused("a scenario has one tree, one writer, and memory enough")
        if (
            isinstance(op, (ops.MtreeStoreRange, ops.MtreeInsertRange, ops.MasSetRange))
            and op.first > op.last
        ):
            raise Refused("`first` is above `last`")
        if isinstance(op, ops.MtreeInsertRange) and op.entry is None:
            raise Refused("NULL is inserted")
        if isinstance(op, ops.MasSetRange):
            placed, ready = True, False
        elif isinstance(op, ops.MasPreallocate):
            if not placed:
                raise Refused("a cursor gets nodes that was not set")
            ready = True
        elif isinstance(op, (ops.MasStoreGfp, ops.MasErase, ops.MasStorePrealloc)):
            if not placed or (isinstance(op, ops.MasStorePrealloc) and not ready):
                raise Refused("a cursor is used that is not ready")
            if isinstance(op, ops.MasStorePrealloc) and op.entry != _promised(scenario):
                raise Refused("another entry is stored than was said")
            placed = ready = False
        elif ready or (placed and op in scenario.writes):
            raise Refused("the tree is written to while a cursor is on its way")
    dups = [op for op in scenario.writes if isinstance(op, ops.MtreeDup)]
    if len(dups) > 1 or (dups and scenario.writes[-1] is not dups[0]):
        raise Refused("the copy is the last that a writer makes")
    if any(isinstance(op, ops.MtClearInRcu) for op in scenario.writes[:-1]):
        raise Refused("without RCU mode no reader may be inside")
    if any(isinstance(op, (ops.MtSetInRcu, ops.MtClearInRcu)) for op in scenario.setup):
        raise Refused("a reader's tree is in RCU mode")


def _promised(scenario: Scenario) -> object:
    """The entry that nodes were got for."""
    return next(
        (op.entry for op in (*scenario.writes, *scenario.setup) if isinstance(op, ops.MasPreallocate)), ABSENT
    )
