"""What the model expects, of a port that may be refused memory.

Only the port knows how many nodes a write needs. So where `fail_after` is set, it goes first: it was refused
memory, and then nothing may have changed; or it was granted all, and then it succeeds as the model does. A
port that counts refusals is held to that both ways; of one that does not, the answer is believed.
"""

from typing import Any

from mapleproof.model.interval_map import MAX_INDEX
from mapleproof.model.maple_tree import MapleTree
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import USUAL, Traits
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.ports import ModelPort, was_refused
from mapleproof.props.maple.shortage import NOFAIL, Short, passes, short_of


def needs_no_memory(model: ModelPort, op: Any, traits: Traits = USUAL) -> bool:
    """Whether an operation must succeed without memory: its nodes were got ahead, or one slot changes. With
    coarse cursors a store up to the top is one over several leaves, whatever it replaces, and a
    preallocation always asks for some."""
    if isinstance(op, (ops.MtreeStoreRange, ops.MtreeInsertRange)):
        tree, first, last = model.trees[op.tree], op.first, op.last
    elif isinstance(op, (ops.MasStoreGfp, ops.MasStore, ops.MasPreallocate)):
        if isinstance(op, ops.MasStore) and model.expected_stores.get(op.cursor, 0) > 0:
            return True
        cursor = model.cursors[op.cursor]
        tree, first, last = cursor.tree, cursor.index, cursor.last
    else:
        return isinstance(op, ops.MasFill)
    if traits.coarse and (last == MAX_INDEX or isinstance(op, ops.MasPreallocate)):
        return False
    return first <= last and fits_one_slot(tree, first, last, op.entry)


ASK_AGAIN = (
    ops.MtreeStoreRange,
    ops.MtreeInsertRange,
    ops.MtreeErase,
    ops.MtreeAllocRange,
    ops.MtreeAllocRrange,
    ops.MtreeAllocCyclic,
    ops.MasAllocCyclic,
    ops.MasStoreGfp,
    ops.MasErase,
)
"""What asks for memory with the lock held, and again without it, when it may sleep."""


ERASE = (ops.MtreeErase, ops.MasErase)
MUST_NOT_FAIL = (
    *(kind for kind in ASK_AGAIN if kind not in ERASE),
    ops.MasPreallocate,
    ops.MtreeDup,
    ops.MtDup,
)
"""What is not refused memory where the caller says that it may not be."""


def asks_again(op: Common) -> bool:
    """Whether an operation must succeed: only what it asks for first is refused to it, or nothing may be."""
    return cannot_be_refused(type(op), short_of(op))


def cannot_be_refused(kind: type[Common], short: Short) -> bool:
    """The same of a kind of operation. What erases never says that its requests may not fail."""
    if short == NOFAIL:
        return kind in MUST_NOT_FAIL
    return kind in ASK_AGAIN and passes(short)


def fits_one_slot(tree: MapleTree, first: int, last: int, entry: int | None) -> bool:
    """Whether a store replaces what one slot holds, which needs no memory in any mode."""
    if entry is None:
        return False
    if not tree.has_node:
        return last == 0
    return tree.map.at(first)[:2] == (first, last)


def expectation(
    model: ModelPort,
    op: Common,
    actual: Answer,
    refused: bool | None = None,
    traits: Traits = USUAL,
) -> Answer:
    """The right answer to an operation that the port has answered; the model does the same.

    ``refused`` is whether memory was refused to it for good, None where the port does not tell; ``traits``
    are the port's.
    """
    may_be_refused = not needs_no_memory(model, op, traits) and not asks_again(op)
    if isinstance(op, ops.MasNomem):
        may_be_refused = model.cursors[op.cursor].refused
    elif isinstance(op, ops.MasNomemNofail):
        may_be_refused = False
    if refused is None:
        refused = was_refused(op, actual)
    return model.refuse(op) if may_be_refused and refused else model.apply(op)
