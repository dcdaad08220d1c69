"""Rules of use for cursors that have no status of their own, as up to Linux 6.7: they are good for less."""

from typing import Any

from mapleproof.props.common.answers import Answer
from mapleproof.props.common.forms import form_of
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.standings import ROOM, STORES, Standing


def refusal(op: Any, cursor: Any) -> str | None:
    """What such a cursor is not good for."""
    if isinstance(op, ops.MasWalk) and cursor.status != "start":
        return "walks from the root only"
    if type(op) in ROOM and not (op.min < op.max and 0 < op.size <= op.max - op.min + 1):
        return "is not looked at for a window that cannot do"
    if type(op) in ROOM and cursor.tree.has_node and not cursor.tree.map.ranges:
        return "finds room in a slot over all indices"
    if isinstance(op, ops.MasErase) and gives_up_its_node(cursor.tree):
        return "erases what may be a bare entry"
    goes_up = isinstance(op, (ops.MasFind, ops.MasNext))
    return "paused, goes on upwards only" if cursor.status == "pause" and not goes_up else None


def without_node(tree: Any) -> bool:
    """Whether such a kernel's tree may be without a node: it gives up the last one sooner."""
    return not tree.has_node or all(last == 0 for _, last, _ in tree.map.ranges[:2])


def gives_up_its_node(tree: Any) -> bool:
    """Whether such a kernel's tree may be without a node where ours has one: where a cursor that erases ends
    differs."""
    return tree.has_node and without_node(tree)


def standing_after(
    op: Any, answer: Answer, was: Standing, then: Standing, before: tuple[Any, ...]
) -> Standing:
    """What it is good for after an operation, where any other is good for ``then``: it goes on after a store
    over just what it stood on, and after a search that found something."""
    if then is not Standing.READY:
        return then
    if isinstance(op, ops.MasErase):
        return then if answer.entry is None else Standing.STALE
    if type(op) in (*STORES, ops.MasStorePrealloc):
        status, first, last, has_node, slot = before
        just_there = has_node and status == "active" and (first, last) == slot
        stays = just_there and was is Standing.READY and op.entry is not None
        return then if stays else Standing.STALE
    if type(op) in ROOM:
        return Standing.NARROWED
    if form_of(op).loops:
        return Standing.LOST
    return Standing.LOST if answer.entry is None and not form_of(op).writes else then
