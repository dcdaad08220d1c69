"""What the model expects, of a port that may be refused memory.

Only the port knows how many nodes a write needs. So where `fail_after` is set, it goes first: it may have
been refused, and then nothing may have changed; or it succeeded, and then the model does the same.
"""

from typing import Any

from model.maple_tree import MapleTree
from props.ops import operations as ops
from props.ops.answers import Answer
from props.ops.dispatch import NO_MEMORY
from props.ops.operations import Common
from props.ports import ModelPort


def was_refused(op: Common, answer: Answer) -> bool:
    """Whether an answer says that there was no memory, to an operation that was kept short of it."""
    if op.fail_after is None:
        return False
    if isinstance(op, ops.MasErase):
        return answer.status == "error"
    if isinstance(op, ops.MasNomem):
        return answer.ret == 0
    return answer.ret == NO_MEMORY


def needs_no_memory(model: ModelPort, op: Any) -> bool:
    """Whether an operation must succeed without memory: its nodes were got ahead, or one slot changes."""
    if isinstance(op, (ops.MtreeStoreRange, ops.MtreeInsertRange)):
        tree, first, last = model.trees[op.tree], op.first, op.last
    elif isinstance(op, (ops.MasStoreGfp, ops.MasStore, ops.MasPreallocate)):
        if isinstance(op, ops.MasStore) and model.expected_stores.get(op.cursor, 0) > 0:
            return True
        cursor = model.cursors[op.cursor]
        tree, first, last = cursor.tree, cursor.index, cursor.last
    else:
        return isinstance(op, ops.MasFill)
    return first <= last and fits_one_slot(tree, first, last, op.entry)


def fits_one_slot(tree: MapleTree, first: int, last: int, entry: int | None) -> bool:
    """Whether a store replaces what one slot holds, which needs no memory in any mode."""
    if entry is None:
        return False
    if not tree.has_node:
        return last == 0
    return tree.map.at(first)[:2] == (first, last)


def expectation(model: ModelPort, op: Common, actual: Answer) -> Answer:
    """The right answer to an operation that the port has answered; the model does the same."""
    may_be_refused = not needs_no_memory(model, op)
    if isinstance(op, ops.MasNomem):
        may_be_refused = model.cursors[op.cursor].refused
    return model.refuse(op) if may_be_refused and was_refused(op, actual) else model.apply(op)
