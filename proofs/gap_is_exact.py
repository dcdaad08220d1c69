"""The gap kept for a node is the largest run of NULL below it, and a search finds a place if there is one.

A leaf: leaf_gap() of any leaf. A tree: MapleTree.write() on small trees whose gaps are right before; gaps are
symbolic, so that no more is known of them than that. A search: empty_area() in such trees, upwards and
downwards, any limits and size.

Not covered: gaps in trees of three levels after a store; those that lowest() and highest() meet there are.
"""

from __future__ import annotations

import errno
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.impl.maple import classify, gaps, search
from mapleproof.impl.maple.geometry import MAX, Geometry
from mapleproof.impl.maple.place import Place
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.proofs.engine.cases import tree_case
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import Integer, assume, choice, claim, number
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.cases import ranges_in
from mapleproof.proofs.maple.one_leaf import SMALL, WIDE, OneLeaf
from mapleproof.proofs.maple.shapes import Shape
from mapleproof.proofs.maple.slots import NEW, Range, Ranges, guarded
from mapleproof.proofs.maple.stage import TreeStage, grow, held_by, is_largest, new_tree
from mapleproof.proofs.maple.stores import claim_stored
from mapleproof.props.common.files import Case
from mapleproof.props.common.operation import Common
from mapleproof.props.maple.operations import (
    MasEmptyArea,
    MasEmptyAreaRev,
    MtreeAllocRange,
    MtreeAllocRrange,
    MtreeStoreRange,
    Snapshot,
)


def leaf_program(count: int) -> Program:
    """leaf_gap() of a leaf of so many slots."""

    def run() -> None:
        at = OneLeaf(count, WIDE, True)
        gap = gaps.leaf_gap(at.tree.pool, at.leaf, at.low, at.high)
        claim("the gap of a leaf is its largest run of NULL", is_largest(gap, at.was))

    return guarded(run)


def store_program(shape: Shape, entry: Any, rcu: bool) -> Program:
    """One store anywhere in a small tree that tracks gaps."""

    def run() -> None:
        tree = new_tree(SMALL, True, rcu)
        was = grow(TreeStage(tree), shape)
        first, last = Integer.named("first"), Integer.named("last")
        assume(first.term <= last.term)
        tree.write(first, last, entry)  # type: ignore[arg-type]
        if tree.root >= 0:
            claim_stored(was, held_by(tree), first, last, entry)

    return guarded(run)


def fits(held: Ranges, start: Any, least: Any, most: Any, size: Any) -> Any:
    """Formula: ``size`` indices from ``start`` on lie within the limits and are free."""
    end = start + size - 1
    taken = [
        z3.And(z3.Not(null), number(low) <= end, start <= number(last)) for low, last, null in held.nulls()
    ]
    return z3.And(least <= start, end <= most, z3.Not(z3.Or(*taken)))


def without_nodes(tree: MapleTree) -> Ranges:
    """Leave the tree empty or give it a bare entry: what it holds."""
    tree.bare = (None, NEW)[choice("bare", 2)]
    return Ranges(0, [Range(0, tree.bare), Range(MAX, None)])


def search_program(shape: Shape, highest: bool, geometry: Geometry = SMALL) -> Program:
    """A search in a tree of this shape. A tree that is one NULL counts as full, as in the kernel; that there
    is such a one is left to the tests."""

    def run() -> None:
        tree = new_tree(geometry, True, False)
        held = without_nodes(tree) if shape == 0 else grow(TreeStage(tree), shape)
        assume(z3.Not(held.ranges[0].held.null) if shape == 1 else True)
        if geometry is WIDE:
            # A full leaf, whose last limit is not stored: that slot is what matters
            assume(z3.Not(z3.Or(*(one.held.null for one in held.ranges[:-1]))))
        least, most, size = Integer.named("least"), Integer.named("most"), Integer.named("size")
        ret = search.empty_area(tree, least, most, size, not highest)  # type: ignore[arg-type]
        found = tree.found
        bad = z3.Or(size.term == 0, least.term > most.term, most.term - least.term < size.term - 1)
        if ret == -errno.EINVAL:
            claim("a size that the limits do not leave is refused", bad)
            return
        claim("only such a size is refused", z3.Not(bad))
        other = Integer.named("other").term
        limits = least.term, most.term, size.term
        if ret:
            claim("nothing is found only where there is nothing", z3.Not(fits(held, other, *limits)))
            return
        start = number(found.start)
        claim("what is found fits", fits(held, start, *limits))
        beyond = other > start if highest else other < start
        claim("and there is none beyond it", z3.Implies(beyond, z3.Not(fits(held, other, *limits))))
        if found.node < 0:
            claim("a leaf is found where there are leaves", tree.root < 0)
            return
        inside = z3.And(number(found.low) <= start, start <= number(found.high))
        claim("it lies in the leaf that was found", inside)
        place = Place()
        classify.locate(tree, tree.root, found.start, place)
        claim("which holds it", found.node == place.node)
        limits_found = number(found.low) == number(place.low), number(found.high) == number(place.high)
        claim("within its limits", z3.And(*limits_found))

    return guarded(run)


def raise_program(slots: int, least: int) -> Program:
    """raise_gap() in a node of so many slots below a root of two, of any gaps."""

    def run() -> None:
        tree = new_tree(SMALL, True, False)
        stage = TreeStage(tree)
        root, node = stage.node(), stage.node()
        leaves = [stage.node() for _ in range(slots)]
        pool = tree.pool
        stage.put_above(root, [1, MAX], [node, -1])
        stage.put_above(node, [*range(slots)], leaves)
        pool.parents[root >> 4], pool.parents[node >> 4] = -1, root
        sizes = [Integer.named(f"gap{at}") for at in range(slots)]
        for at, leaf in enumerate(leaves):
            pool.parents[leaf >> 4] = node + at
            pool.gaps[node + at] = sizes[at]  # type: ignore[call-overload]
        top = Integer.named("top")
        assume(_is_max(top, sizes))
        pool.gaps[root], pool.gaps[root + 1] = top, 0  # type: ignore[call-overload]
        new = Integer.named("new")
        gaps.raise_gap(pool, leaves[least], new)  # type: ignore[arg-type]
        sizes[least] = new
        now = pool.gaps[node : node + slots]
        claim(
            "a gap is told to the node above",
            z3.And(*(number(a) == number(b) for a, b in zip(now, sizes, strict=True))),
        )
        claim("and on to the one above that", _is_max(pool.gaps[root], sizes))

    return guarded(run)


def _is_max(top: Any, gaps: list[Any]) -> Any:
    return z3.And(
        *(number(top) >= gap.term for gap in gaps), z3.Or(*(number(top) == gap.term for gap in gaps))
    )


def to_case(part: str, inputs: dict[str, int]) -> Case:
    """The slots of the counterexample stored in order, the store in question, and every search there is."""
    return searched(ranges_in(inputs), inputs)


def searched(held: list[tuple[int, int, int | None]], inputs: dict[str, int]) -> Case:
    """A tree that holds these, the searches of a counterexample in it, and a snapshot."""
    program: list[Common] = [MtreeStoreRange(*one) for one in held]
    if "first" in inputs:
        for entry in (1, None):
            program += [MtreeStoreRange(inputs["first"], inputs["last"], entry), Snapshot()]
    if "least" in inputs:
        limits = inputs["least"], inputs["most"], inputs["size"]
        program += [MasEmptyArea(*limits), MasEmptyAreaRev(*limits)]
    program += [MtreeAllocRange(91, 1, 0, MAX), MtreeAllocRrange(92, 1, 0, MAX), Snapshot()]
    return tree_case("a gap", program)


LOWEST = "impl.maple.search:lowest"
HIGHEST = "impl.maple.search:highest"
LEAF = "impl.maple.gaps:leaf_gap"
RAISE = "impl.maple.gaps:raise_gap"


def many(_part: str, _inputs: dict[str, int]) -> Case:
    """A tree of three levels with a gap after each range, then stores in its last leaf and clearings:
    what the counterexample has is a leaf or a node alone."""
    program: list[Common] = [MtreeStoreRange(100 * at, 100 * at + 90, at + 1) for at in range(100)]
    program += [
        step
        for at in range(3)
        for step in (MtreeStoreRange(20000 + 100 * at, 20050 + 100 * at, 7), Snapshot())
    ]
    for at in range(1, 95, 6):
        program += [MtreeStoreRange(100 * at + 50, 100 * at + 60, None), Snapshot()]
        program += [MtreeStoreRange(100 * at + 91, 100 * at + 95, 8), Snapshot()]
    return tree_case("many gaps", program)


def _twin(name: str, what: str, where: str, old: str, new: str, *parts: str, case: Any = None) -> Twin:
    return Twin(name, what, (Edit(where, old, new),), parts, to_case=case or to_case)


LEAVES = range(1, 9)
STORED: tuple[tuple[Shape, bool], ...] = (((2, 2), False), ((2, 2), True), ((2, 3), False))
SEARCHED: tuple[Shape, ...] = (0, 1, 2, 3, 4, 5, (2, 2), (2, 3), (3, 2), (2, 2, 2), ((2, 2), (2, 2)))

CLAIM = Claim(
    name="gap_is_exact",
    sentence="The gap kept for a node is the largest run of NULL below it, before a store and after it,"
    " whatever"
    " its kind; and a search finds the lowest (highest) place that fits if and only if there is one.",
    formula="gap(node) = max {last - first + 1 : NULL [first, last] below node};  empty_area = min (max) {s :"
    " [s, s + size - 1] free and inside the limits}, -EBUSY where that is empty",
    bounds="leaves of 1 to 8 slots, any pivots, each slot NULL or not; told on through a node of 2 to 4"
    " children;"
    " stores in trees of two levels and 4 slots, RCU mode on and off, or 5; searches in trees of up to"
    " three levels"
    " and 8 slots, and in a full leaf"
    " of 16 with its last slot NULL or not, any limits and size; not the tree that is one NULL",
    executes=(
        "gaps.leaf_gap",
        "gaps.raise_gap",
        "gaps.update_gap",
        "search.empty_area",
        "search.highest",
        "search.lowest",
        "classify.classify",
        "classify.classify_span",
        "classify.locate",
        "classify.nodes_needed",
        "rebuild.add_level",
        "rebuild.climb",
        "rebuild.rebalance",
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
        "workbench.cuts",
        "workbench.fill",
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
    ),
    around=(
        "failure",
        "pool",
        "rows",
        "tally",
    ),
    parts={
        **{f"leaf of {count} slots": leaf_program(count) for count in LEAVES},
        **{
            f"told on, child {at} of {count}": raise_program(count, at)
            for count in (2, 3, 4)
            for at in range(count)
        },
        **{
            f"store of {name} in {shape}, {'RCU' if rcu else 'in place'}": store_program(shape, entry, rcu)
            for shape, rcu in STORED
            for name, entry in (("an entry", NEW), ("NULL", None))
        },
        **{
            f"{'highest' if highest else 'lowest'} in {shape}": search_program(shape, highest)
            for shape in SEARCHED
            for highest in (False, True)
        },
        "lowest in a full leaf": search_program(16, False, WIDE),
        "highest in a full leaf": search_program(16, True, WIDE),
    },
    twins=(
        _twin(
            "trailing_null_ignored",
            "a NULL in the last slot does not count",
            LEAF,
            "if end > node and slots[end]",
            "if end > node + META and slots[end]",
            "leaf of 3 slots",
            case=many,
        ),
        _twin(
            "largest_not_told",
            "the gap of a node above is not that of its largest child",
            RAISE,
            "gaps, node, pivots[node + META] + 1)",
            "gaps, node, node + 1)",
            "told on, child 0 of 2",
            case=many,
        ),
        _twin(
            "limit_not_kept",
            "the search from below goes beyond its upper limit",
            LOWEST,
            "(min(limit, most) - start + 1)",
            "(limit - start + 1)",
            "lowest in 3",
        ),
        _twin(
            "too_large",
            "the search from above takes a gap that begins below the lower limit",
            HIGHEST,
            "size - 1 > limit - least",
            "size < 1",
            "highest in 3",
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
