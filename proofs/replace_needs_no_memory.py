"""Replacing an entry over exactly its range takes no node; clearing it takes as many as a span at the most.

This is why storing each copied VMA after __mt_dup() cannot fail, and clearing a VM_DONTCOPY range can.

MapleTree.write() is executed on one leaf in any place of a tree of any height, with an allocator that refuses
whatever it is asked for. Not covered: cursors, which find the leaf and then call the same.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.maple import classify
from mapleproof.impl.maple.geometry import ARANGE_64, MAX, RANGE_64, Geometry
from mapleproof.proofs.engine.cases import tree_case
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import Integer, assume, choice, claim, number
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.cases import ranges_in
from mapleproof.proofs.maple.one_leaf import OneLeaf, Taken
from mapleproof.proofs.maple.slots import NEW, guarded
from mapleproof.props.common.files import Case
from mapleproof.props.common.operation import Common
from mapleproof.props.maple.operations import MtreeStoreRange, Snapshot


class Refuses(FailurePlan):
    """Grants nothing."""

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        return False


def exactly_one(at: OneLeaf) -> int:
    """Let the range be that of a slot that holds an entry: which one."""
    slot = choice("slot", len(at.was.ranges))
    low, high, null = list(at.was.nulls())[slot]
    assume(z3.And(at.first.term == number(low), at.last.term == number(high), z3.Not(null)))
    return slot


def replace_program(count: int, geometry: Geometry) -> Program:
    """An entry over an entry."""

    def run() -> None:
        at = OneLeaf(count, geometry, True)
        slot = exactly_one(at)
        tree, plan = at.tree, Refuses()
        tree.plan = plan
        _place(at)
        done = tree.write(at.first, at.last, NEW, True)  # type: ignore[arg-type]
        claim("nothing is asked for", plan.asked == 0 and tree.error == 0)
        claim("it is an exact fit", done and tree.store.name == "exact_fit")
        held = [one.held for one in at.was.ranges]
        held[slot] = NEW
        now = at.now().ranges
        claim("the slot is replaced and no other", [one.held for one in now] == held)
        claim("no limit moves", all(a.limit is b.limit for a, b in zip(now, at.was.ranges, strict=True)))

    return guarded(run)


def clear_program(count: int, geometry: Geometry, most: bool) -> Program:
    """NULL over an entry. ``most``: the entry ends a leaf that is not the last, where the most is needed."""

    def run() -> None:
        at = OneLeaf(count, geometry, True)
        slot = exactly_one(at)
        tree = at.tree
        height: Any = 1
        if not at.alone:
            height = Integer.named("height")
            assume(height.term >= 2)
            tree.height = height
        if most:
            assume(z3.And(slot == count - 1, number(at.high) != MAX))
        _classify(at)
        need = classify.nodes_needed(tree, tree.store, None)
        if most:
            claim("three nodes a level and one are needed", number(need) == 3 * height.term + 1)
        elif at.alone:
            claim("in a tree of one leaf a node is needed for RCU mode alone", need <= (1 if tree.rcu else 0))
        else:
            claim("no more than three nodes a level and one", number(need) <= 3 * height.term + 1)

    return guarded(run)


def _place(at: OneLeaf) -> None:
    """The tree knows the leaf that its next store begins in."""
    store = at.tree.store
    store.node, store.low, store.high = at.leaf, at.low, at.high


def _classify(at: OneLeaf) -> None:
    """The kind of the store of NULL; one that leaves the leaf is not followed, its kind is what matters."""
    _place(at)
    with Taken():
        classify.classify(at.tree, at.tree.store, at.first, at.last, None, False)  # type: ignore[arg-type]


def to_case(_part: str, inputs: dict[str, int]) -> Case:
    """Each entry of the counterexample's leaf replaced where it is while no node is to be had."""
    held = ranges_in(inputs)
    program: list[Common] = [MtreeStoreRange(*one) for one in held]
    program += [
        MtreeStoreRange(first, last, 99, fail_after=0) for first, last, entry in held if entry is not None
    ]
    return tree_case("replaced in place", [*program, Snapshot()], rcu=bool(inputs.get("rcu")))


CLASSIFY = "impl.maple.classify:classify"
NEEDED = "impl.maple.classify:nodes_needed"

CLAIM = Claim(
    name="replace_needs_no_memory",
    sentence="Storing an entry over exactly the range of another allocates nothing, in RCU mode and out"
    " of it;"
    " clearing it takes at the most three nodes a level and one, and does where its range ends a leaf.",
    formula="range(s) = [first, last], s != NULL => requests(store(e)) = 0;  nodes(store(NULL)) <= 3"
    " height + 1,"
    " with equality where last = max(leaf) != top;  height 1: <= 1, 0 outside RCU mode",
    bounds="leaves of 1 to 16 slots, each NULL or not, any pivots, in any place of a tree of any height;"
    " RCU mode"
    " on and off",
    executes=(
        "classify.classify",
        "classify.nodes_needed",
        "structure.Structure.__init__",
        "tree.MapleTree.write",
        "write.commit",
        "write.replace_entry",
    ),
    around=(
        "failure",
        "pool",
        "rows",
        "tally",
    ),
    parts={
        **{f"replaced, {count} slots": replace_program(count, RANGE_64) for count in range(1, 17)},
        **{f"cleared, {count} slots": clear_program(count, ARANGE_64, False) for count in range(1, 17)},
        **{
            f"cleared, last of {count} slots": clear_program(count, ARANGE_64, True) for count in range(7, 17)
        },
    },
    twins=(
        Twin(
            "exact_fit_with_a_rest",
            "a store of one slot's range is no exact fit where it ends the leaf",
            (
                Edit(
                    CLASSIFY, "if left == right and not keep_left", "if left == right < end and not keep_left"
                ),
                Edit(NEEDED, "(EXACT_FIT, SLOT_STORE, APPEND)", "(EXACT_FIT,)"),
                Edit(NEEDED, "return 1 if tree.rcu else 0", "return 1"),
            ),
            ("replaced, 2 slots",),
            to_case=to_case,
        ),
        Twin(
            "node_for_an_exact_fit",
            "a node is reserved for an exact fit",
            (Edit(NEEDED, "(EXACT_FIT, SLOT_STORE, APPEND)", "(SLOT_STORE, APPEND)"),),
            ("replaced, 2 slots",),
            to_case=to_case,
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
