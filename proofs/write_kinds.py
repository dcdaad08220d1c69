"""Every write kind leaves what an interval map holds, in sound nodes, with the nodes it reserved.

A leaf: classify.classify() and write.commit() on one leaf in any place of a tree, over any range in it. What
goes on to rebuild.py is taken there: the slots that it is to hold.
A tree: MapleTree.write() on small trees, where stores split, level out and span leaves. Splits at the
kernel's fan-outs are in ``rebuilds.py``, requests for nodes in ``requests.py``.

Not covered: gaps (`gap_is_exact`), readers who look in between, bulk loads.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.maple import classify, write
from mapleproof.impl.maple.geometry import MAX, META, Geometry
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import Integer, assume, claim, number, same
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.cases import many, to_case, to_the_border
from mapleproof.proofs.maple.one_leaf import QUARTER, SMALL, WIDE, OneLeaf, Taken
from mapleproof.proofs.maple.rebuilds import cut_program, rebuild_program
from mapleproof.proofs.maple.requests import request_parts
from mapleproof.proofs.maple.shapes import Shape
from mapleproof.proofs.maple.slots import NEW, Range, Ranges, guarded
from mapleproof.proofs.maple.stage import TreeStage, grow, held_by, new_tree
from mapleproof.proofs.maple.stores import claim_stored


def leaf_program(count: int, geometry: Geometry, entry: Any, nulls: bool) -> Program:
    """One store that begins in one leaf."""

    def run() -> None:
        at = OneLeaf(count, geometry, nulls)
        tree, low, high, first, last = at.tree, at.low, at.high, at.first, at.last
        leaves = z3.Or(
            last.term > number(high),
            z3.And(entry is None, last.term == number(high), number(high) != MAX),
        )
        with Taken() as taken:
            store = tree.store
            store.node, store.low, store.high = at.leaf, low, high
            classify.classify(tree, store, first, last, entry, False)  # type: ignore[arg-type]
            kind = store.name
            need = classify.nodes_needed(tree, store, entry)
            everything = z3.And(number(store.first) == 0, number(store.last) == MAX)
            if kind == "new_root":
                claim("a new root is for what covers everything", everything)
                claim("it takes one node, for NULL none", need == (entry is not None))
                return
            if kind == "spanning_store":
                claim("a store spans if it leaves the leaf, or a NULL would end it", leaves)
                claim("what covers everything does not span", z3.Not(everything))
                claim("three nodes a level are reserved, and one for a new root", need == 3 * tree.height + 1)
                return
            claim("what leaves the leaf spans", z3.Not(leaves))
            tree.pool.grant(need)
            write.commit(tree, store, entry, False)
        if taken.kind:
            now = Ranges(low, [Range(*pair) for pair in zip(taken.limits, taken.slots, strict=True)])
        else:
            now = at.now()
        claim_stored(at.was, now, first, last, entry)
        _claim_kind(at, store, need, len(now.ranges), taken.kind)

    return guarded(run)


def _claim_kind(at: OneLeaf, store: Any, need: int, size: int, taken: str) -> None:
    """The kind is what the kernel calls it, the leaf has its size, and nodes are taken as reserved."""
    tree, kind, pool = at.tree, store.name, at.tree.pool
    shape, before, border = tree.geometry, len(at.was.ranges), store.right - store.left == 1
    short = size < shape.leaf_min
    if taken:
        claim("what overflows is split", (size > shape.leaf_slots) == (taken == "split") == (kind == "split"))
        claim("what is short is levelled out", taken == "split" or (short and tree.height > 1))
        most = 2 * tree.height + (1 if taken == "split" else -1)
        claim("two nodes a level are reserved, and one for a new root", need == most)
        return
    claim("a leaf is no larger than its fan-out", size <= shape.leaf_slots)
    claim("a leaf but the root keeps its minimum", tree.height == 1 or not short)
    node = tree.root if at.alone else pool.children[at.above]
    copied, rcu = node != at.leaf, bool(tree.rcu)
    first, last = number(store.first), number(store.last)
    one = z3.Or(*(z3.And(number(low) == first, number(end) == last) for low, end, _ in at.was.nulls()))
    claim("an exact fit is the range of one slot", one if kind == "exact_fit" else z3.Not(one))
    claim("a node is needed for a copy and for nothing else", need == copied)
    small = kind == "exact_fit" or (size == before and border and not (short and tree.height == 1))
    claim(
        "in RCU mode, and only there, all but a slot or a border is changed in a copy",
        copied == (rcu and not small),
    )
    at_end = store.left - store.node == before - 1
    if kind != "exact_fit" and not short and not rcu:
        name = "append" if at_end else "slot_store" if size == before else "node_store"
        claim("kinds are named as the kernel names them", kind == name)
    claim("the last slot's position is kept", pool.pivots[node + META] == node + size - 1)
    if size <= META:
        stored = pool.pivots[node + size - 1]
        claim("the maximum is stored", same(stored, at.high) or number(stored) == number(at.high))


def tree_program(shape: Shape, entry: Any, nulls: bool, geometry: Geometry = SMALL) -> Program:
    """One store anywhere in a small tree."""

    def run() -> None:
        tree = new_tree(geometry, False, False)
        was = grow(TreeStage(tree), shape, nulls)
        first, last = Integer.named("first"), Integer.named("last")
        assume(first.term <= last.term)
        claim("a store is done where there is memory", tree.write(first, last, entry))  # type: ignore[arg-type]
        if tree.root < 0:
            claim("only a NULL over everything leaves no node", entry is None)
            everything = z3.And(
                *(
                    z3.Or(null, z3.And(first.term <= number(low), number(end) <= last.term))
                    for low, end, null in was.nulls()
                )
            )
            claim("and then nothing else was there", everything)
            claim("no node is left", tree.pool.live == 0)
            return
        claim_stored(was, held_by(tree), first, last, entry)

    return guarded(run)


def _parts() -> dict[str, Program]:
    parts: dict[str, Program] = {}
    for count in COUNTS:
        parts[f"entry, leaf of {count} slots"] = leaf_program(count, WIDE, NEW, False)
    for count in range(1, 5):
        parts[f"entry, leaf of {count} slots of 4, NULLs"] = leaf_program(count, QUARTER, NEW, True)
    for count in NULL_COUNTS:
        parts[f"NULL, leaf of {count} slots"] = leaf_program(count, WIDE, None, True)
    for shape in TREES:
        for name, entry in (("entry", NEW), ("NULL", None)):
            parts[f"{name}, tree {shape}"] = tree_program(shape, entry, True)
    for size in (17, 18):
        parts[f"split of {size} slots"] = rebuild_program(size)
    for size in range(1, 7):
        parts[f"levelling out of {size} slots"] = rebuild_program(size)
    for size in range(17, 37):
        parts[f"cut of {size} slots"] = cut_program(size, WIDE)
    for size in (17, 18):
        parts[f"cut of {size} slots in a load"] = cut_program(size, WIDE, True)
    return parts | request_parts()


COUNTS = range(1, 17)
NULL_COUNTS = (*range(1, 9), 16)
"""Slots of leaves that are tried for a store of an entry and of NULL."""

TREES: tuple[Shape, ...] = (1, 3, 5, (2, 2), (2, 5), (5, 2), (2, 2, 2), ((2, 2), (2, 2)))

CLASSIFY = "impl.maple.classify:classify"


def _twin(name: str, what: str, where: str, old: str, new: str, *parts: str, case: Any = None) -> Twin:
    return Twin(name, what, (Edit(where, old, new),), parts, to_case=case or to_case)


CLAIM = Claim(
    name="write_kinds",
    sentence="After a store of any kind every index holds what an interval map holds; ranges are in"
    " order, no two"
    " NULLs touch, no leaf but the last ends with one; nodes keep their limits, a split leaves the minimum on"
    " both sides, and the nodes reserved suffice.",
    formula="leaf'(x) = e if first <= x <= last else leaf(x);  p0 < p1 < ... < max;  not (NULL(k) and"
    " NULL(k+1));"
    "  min <= slots <= fan-out;  nodes(kind) >= nodes taken",
    bounds="one leaf anywhere, any pivots and any range, RCU mode on and off: of 16 slots 1 to 16 in"
    " use for an entry, 1 to 8 and 16 for NULL (each slot NULL or not); splits of 17 and 18 slots"
    " and levelling out of 1 to 6 between any siblings of 7 to 16 or none; cuts of 17 to 36 slots; whole"
    " trees of fan-out 5 and 4 up to height 3 and 8 slots, or without a node; requests granted or refused"
    " in trees of 4 and 5 slots",
    executes=(
        "classify.classify",
        "classify.classify_root",
        "classify.classify_span",
        "classify.locate",
        "classify.nodes_needed",
        "gaps.update_gap",
        "rebuild.add_level",
        "rebuild.climb",
        "rebuild.grow_root",
        "rebuild.push",
        "rebuild.rebalance",
        "rebuild.span",
        "rebuild.split",
        "rebuild.with_neighbour",
        "structure.Structure.__init__",
        "structure.Structure.add_nodes",
        "structure.Structure.high_of",
        "structure.Structure.low_of",
        "structure.Structure.nodes",
        "structure.Structure.pause_point",
        "structure.Structure.put",
        "structure.Structure.retire",
        "structure.Structure.adopt",
        "structure.Structure.set_root",
        "structure.Structure.take",
        "tree.MapleTree.write",
        "workbench.build",
        "workbench.build_node",
        "workbench.cuts",
        "workbench.fill",
        "workbench.gather_above",
        "workbench.gather_leaf",
        "workbench.gather_node",
        "workbench.gather_span",
        "workbench.lift",
        "workbench.off_null",
        "workbench.put_range",
        "write.change_leaf",
        "write.commit",
        "write.move_border",
        "write.replace_entry",
        "write.replace_root_by_range",
        "write.splice",
        "write.store_at_root",
    ),
    around=(
        "failure",
        "pool",
        "rows",
        "tally",
    ),
    parts=_parts(),
    twins=(
        _twin(
            "left_rest_lost",
            "what is left of the range before the store is lost",
            CLASSIFY,
            "keep_left = left_min < first",
            "keep_left = left_min < first - 1",
            "entry, leaf of 2 slots",
        ),
        _twin(
            "null_not_merged",
            "a NULL is not merged with the one behind it",
            CLASSIFY,
            "elif last == right_max and right < end",
            "elif last == right_max and right < end - 1",
            "NULL, leaf of 3 slots",
        ),
        _twin(
            "border_one_off",
            "a border is moved one index too far",
            "impl.maple.write:move_border",
            "pool.pivots[store.left] = store.first - 1",
            "pool.pivots[store.left] = store.first",
            "entry, leaf of 7 slots",
        ),
        _twin(
            "slot_copied_twice",
            "a spanning store copies the slot that it has overwritten once more",
            "impl.maple.classify:classify_span",
            "left_min < first, last < far_high",
            "left_min < first, right <= end",
            "entry, tree ((2, 2), (2, 2))",
            case=to_the_border,
        ),
        _twin(
            "split_at_null",
            "a split may leave a NULL at the end of the left leaf",
            "impl.maple.workbench:off_null",
            "if leaf and tree.pool.slots[start + cut] is None:",
            "if cut < 0:",
            "split of 17 slots",
            case=many,
        ),
        _twin(
            "split_far_right",
            "a split leaves the right node below its minimum",
            "impl.maple.workbench:cuts",
            "half = end // 2",
            "half = end - 2",
            "split of 17 slots",
            case=many,
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
