"""A copy of a tree holds the same in nodes of its own, and a copy that fails leaves nothing behind.

impl/maple/dup.py asks nothing about the indices of a tree, only about its shape; so every shape is tried, and
every request refused in turn (a copy makes as many requests as the source has internal nodes, and one for the
root). Shapes are counted, and the count is asserted.

Not covered: sources with readers or retired nodes (which the copy leaves out), replacing the entries.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import product
from typing import Any

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.maple.dup import mt_dup
from mapleproof.impl.maple.geometry import FIRST_NODE, META, Geometry
from mapleproof.impl.maple.kinds import DEAD, FREE, LIVE
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.proofs.engine.cases import tree_case
from mapleproof.proofs.engine.claim import Claim, Edit, Twin, main
from mapleproof.proofs.engine.integers import claim
from mapleproof.proofs.engine.paths import Program
from mapleproof.proofs.maple.planted import nodes_of, plant
from mapleproof.proofs.maple.shapes import Shape
from mapleproof.proofs.maple.slots import guarded
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.files import Case
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.props.maple.operations import MtreeDup, MtreeStoreRange, Snapshot

FAN_OUT = Geometry(leaf_slots=5, node_slots=4, leaf_min=2, node_min=2)

LEAVES = (2, 5)
"""Slots of the leaves tried: the fewest and the most. A copy takes a leaf as it is."""

COUNTS = {0: 1, 1: 5, 2: 2**2 + 2**3 + 2**4, 3: 0}
"""Shapes by height. An empty tree and one with a bare entry are parts of their own."""


def shapes(height: int) -> Iterator[Shape]:
    """Trees of a height: leaves of the fewest or the most slots, nodes of 2 to 4 children; in trees of three
    levels all leaves are alike."""
    if height == 1:
        yield from range(1, FAN_OUT.leaf_slots + 1)
    elif height == 2:
        for count in range(FAN_OUT.node_min, FAN_OUT.node_slots + 1):
            yield from product(LEAVES, repeat=count)
    else:
        for count in range(FAN_OUT.node_min, FAN_OUT.node_slots + 1):
            for below in product(range(FAN_OUT.node_min, FAN_OUT.node_slots + 1), repeat=count):
                yield tuple((2,) * one for one in below)


COUNTS[3] = 3**2 + 3**3 + 3**4


class Ledger(FailurePlan):
    """Counts requests and what they are for; refuses the ``refused``-th, none where that is 0."""

    def __init__(self, refused: int) -> None:
        super().__init__()
        self.at = refused
        self.sizes: list[int] = []

    def grants(self, kind: str, count: int, atomic: bool) -> bool:
        self.sizes.append(count)
        return self.asked != self.at


class FreedOnce:
    """Notes which nodes of a pool are freed."""

    def __init__(self, tree: MapleTree) -> None:
        self.nodes: list[int] = []
        pool_type = type(tree.pool)
        self.pool_type, self.free = pool_type, pool_type.free

    def __enter__(self) -> FreedOnce:
        def free(pool: Any, node: int) -> None:
            self.nodes.append(node)
            self.free(pool, node)

        self.pool_type.free = free  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        self.pool_type.free = self.free  # type: ignore[method-assign]


def copied(source: MapleTree, refused: int) -> tuple[int, MapleTree, Ledger, list[int]]:
    """A copy made into an empty tree: what it answered, the tree, the requests, the nodes that were freed."""
    plan = Ledger(refused)
    target = MapleTree(source.track_gaps, False, plan, source.geometry)
    with FreedOnce(target) as freed:
        ret = mt_dup(source, target)
    return ret, target, plan, freed.nodes


def claim_copied(source: MapleTree, refused: int) -> int:
    """Copy a tree, one request refused or none; how many requests there were."""
    before = picture(source)
    ret, target, plan, freed = copied(source, refused)
    claim("the source is as it was", picture(source) == before)
    below = [len(children) for children in before[1]]
    wanted = [1, *below]
    if not refused:
        claim("a copy succeeds where every request is granted", ret == 0)
        claim("each node is asked for once: the root, then each node's children", plan.sizes == wanted)
        claim("the copy is the source over again", picture(target) == before)
        pools = target.pool, source.pool
        own = all(getattr(pools[0], row) is not getattr(pools[1], row) for row in ROWS)
        claim("no node is shared", own)
        used = sorted(target.nodes())
        live = [at << 4 for at, state in enumerate(states(target)) if state == LIVE]
        claim("what is allocated is in the copy", used == live and target.pool.live == len(used))
        free = [at << 4 for at, state in enumerate(states(target)) if state == FREE and at << 4 >= FIRST_NODE]
        claim("all else may be used", sorted(target.pool.free_nodes()) == free)
        plain = MapleTree(source.track_gaps, False, None, source.geometry)
        claim("it succeeds where nobody is asked", mt_dup(source, plain) == 0 and picture(plain) == before)
        return len(plan.sizes)
    claim("a copy fails where a request is refused", ret == -errno.ENOMEM)
    claim("nothing is asked for after that", plan.sizes == wanted[:refused])
    got = sorted(nodes_got(source, refused))
    claim("what was allocated is freed, each node once, and nothing else", sorted(freed) == got)
    claim("nothing is left", target.pool.live == 0 and target.root < 0 and target.height == 0)
    claim("no node is left in use", not {LIVE, DEAD} & set(states(target)))
    return len(plan.sizes)


ROWS = ("pivots", "slots", "children", "gaps", "parents", "states")


def states(tree: MapleTree) -> list[int]:
    """The states of all nodes that there were."""
    return tree.pool.cells("states", 0, tree.pool.used >> 4)


def nodes_got(source: MapleTree, refused: int) -> list[int]:
    """The nodes that were granted before the refused request: the root's, then each node's children."""
    if refused == 1:
        return []
    got, met = [source.root], 0
    for _, children in nodes_of(source):
        if children is None:
            continue
        met += 1
        if met == refused - 1:
            break
        got += children
    return got


def picture(tree: MapleTree) -> tuple[Any, ...]:
    """All that a tree is: its root, and of each node in order its limits, slots, gaps and parent."""
    pool = tree.pool
    inner: list[list[int]] = []
    nodes: list[Any] = []
    for node, children in nodes_of(tree):
        if children is not None:
            inner.append(children)
        end = pool.pivots[node + META] + 1
        held = pool.slots[node:end] if children is None else [*children, *pool.gaps[node:end]]
        nodes.append((node, pool.pivots[node:end], held, pool.parents[node >> 4]))
    return (tree.root, tree.height, tree.bare, tree.rcu, tree.wrapped, tree.loaded), inner, nodes


def program(height: int) -> Program:
    """Every shape of a height, copied whole and with each request refused."""

    def run() -> None:
        found = 0
        for shape in shapes(height):
            found += 1
            source = plant(shape, FAN_OUT)
            requests = claim_copied(source, 0)
            for refused in range(1, requests + 1):
                claim_copied(source, refused)
        claim("every shape was tried", found == COUNTS[height])

    return guarded(run)


def others() -> None:
    """Trees without nodes, and targets into which nothing can be copied."""
    for bare in (None, 7):
        source = MapleTree(True, True)
        source.bare, source.wrapped = bare, True
        ret, target, plan, freed = copied(source, 0)
        claim("a tree without nodes needs none", ret == 0 and not plan.sizes and not freed)
        claim("the copy is the source over again", picture(target) == picture(source))
    source = plant(2, FAN_OUT)
    bare_tree, full, other = MapleTree(True), plant(3, FAN_OUT), MapleTree(False)
    bare_tree.bare = 7
    for target in (bare_tree, full, other):
        before = picture(target)
        claim("only an empty tree with the same flags takes a copy", mt_dup(source, target) == -errno.EINVAL)
        claim("which else is as it was", picture(target) == before)


COPY = "impl.maple.dup:copy_nodes"
UNDO = "impl.maple.dup:undo"


def case_of(height: int, refused: bool) -> Any:
    """A tree of that height is copied, in the case where nodes last for a part of it."""

    def to_case(_part: str, _inputs: dict[str, int]) -> Case:
        stores: list[Common] = [MtreeStoreRange(20 * at, 20 * at + 9, at + 1) for at in range(8 * height**3)]
        if not refused:
            return tree_case("a copy", [*stores, MtreeDup(into=1), Snapshot(tree=1)])
        case = tree_case("a copy that fails", stores)
        # One node is granted, for the root
        case.steps.append(Step(MtreeDup(into=1, fail_after=1), Answer(ret=-errno.ENOMEM)))
        return case

    return to_case


CLAIM = Claim(
    name="dup_is_isomorphic",
    sentence="A copy of a tree is the source over again in nodes of its own, each asked for once; where the"
    " k-th request is refused, what was allocated is freed, each node once, and nothing else.",
    formula="dup(t) = 0 and dup(t) ~ t and nodes(dup(t)) = allocated;  refused(k) => freed ="
    " allocated(1..k-1)"
    " and left = {}",
    bounds=f"no symbolic input: all {sum(COUNTS.values())} shapes of heights 1 to 3 with leaves of 2 or 5"
    " slots (2 at height 3; a root leaf 1 to 5) and nodes of 2 to 4 children, each k; trees without nodes",
    executes=(
        "dup.mt_dup",
        "dup.copy_nodes",
        "dup.undo",
        "dup.clear_unused",
    ),
    around=(
        "failure",
        "pool",
        "rows",
        "structure",
        "tally",
        "tree",
    ),
    parts={
        "no node": guarded(others),
        **{f"height {height}": program(height) for height in (1, 2, 3)},
    },
    twins=(
        Twin(
            "subtree_forgotten",
            "the walk forgets the last subtree of a node",
            (Edit(COPY, "range(end, node - 1, -1)", "range(end - 1, node - 1, -1)"),),
            ("height 3",),
            to_case=case_of(3, False),
        ),
        Twin(
            "children_of_the_refused_freed",
            "the undo frees children whose request was refused",
            (Edit(COPY, "undo(new, root, done)", "undo(new, root, [*done, node])"),),
            ("height 2",),
            to_case=case_of(2, True),
        ),
        Twin(
            "root_left_behind",
            "the undo does not free the root",
            (Edit(UNDO, "pool.free(root)", "pool.end(root)"),),
            ("height 2",),
            to_case=case_of(2, True),
        ),
        Twin(
            "leaves_take_the_walk",
            "the walk goes into leaves as if they were nodes",
            (Edit(COPY, "if level > 2:", "if level >= 2:"),),
            ("height 2",),
            to_case=case_of(2, False),
        ),
    ),
)

if __name__ == "__main__":
    main(CLAIM)
