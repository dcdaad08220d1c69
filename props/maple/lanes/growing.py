"""Tiny worlds of any size, a few states at a time: what `mapleproof.props.maple.lanes.tiny` visits in one go.

A state is known by a digest of its shape and reached by a path, the operations that lead to it from the
empty tree, each a number in `tiny.operations`. To expand a state is to carry out every operation on it, each
held against the model; what it leads to comes back as digests and paths. Whoever keeps the digests that were
met (`mapleproof.campaign.ledger`) visits the whole world, on as many machines as there are.
"""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mapleproof.impl.maple import Geometry, MapleTree
from mapleproof.impl.maple.tally import Tally
from mapleproof.props.maple.lanes.tiny import SMALL, operations, shape, step
from mapleproof.props.maple.operations import MtreeErase, MtreeStoreRange

DIGEST = 16
"""Bytes of a digest: two of a billion states are the same with a chance of 1 in 10**21."""

MOST_INDICES = 12
"""Indices of the largest world: a number in a path is one byte."""

WIDER = Geometry(leaf_slots=6, node_slots=5, leaf_min=2, node_min=2)
"""One slot more in each node than SMALL."""


@dataclass(frozen=True, slots=True)
class TinyWorld:
    """So many indices, nodes of that many slots, in RCU mode or not."""

    indices: int
    geometry: Geometry
    rcu: bool

    @property
    def name(self) -> str:
        """What tells it from others."""
        slots = f"{self.geometry.leaf_slots} and {self.geometry.node_slots} slots"
        return f"{self.indices} indices, {slots}" + (", RCU mode" if self.rcu else "")


WORLDS = tuple(
    TinyWorld(indices, geometry, rcu)
    for indices in range(3, MOST_INDICES + 1)
    for geometry in (SMALL, WIDER)
    for rcu in (False, True)
)
"""The worlds in the order in which they are visited."""

Operation = MtreeStoreRange | MtreeErase


@dataclass(slots=True)
class Expanded:
    """What came of some states: their ``successors`` as digest and path, each once; ``steps`` taken,
    the ``tally`` of all trees, and the first ``failure``: the program that fails, and in what way."""

    successors: dict[bytes, bytes] = field(default_factory=dict)
    steps: int = 0
    tally: Tally = field(default_factory=Tally)
    failure: tuple[list[Operation], str] | None = None

    @property
    def events(self) -> Counter[str]:
        """What happened in the trees, by name."""
        return self.tally.events()


def digest(tree: MapleTree) -> bytes:
    """What stands for the shape of a tree."""
    return hashlib.blake2b(repr(shape(tree)).encode(), digest_size=DIGEST).digest()


def start(world: TinyWorld) -> tuple[bytes, bytes]:
    """The state that a world begins with, and the path to it."""
    return digest(_tree(world, ())), b""


def expand(world: TinyWorld, paths: Iterable[bytes]) -> Expanded:
    """Carry out every operation of a world on the states that these paths lead to. Raises ValueError where a
    path is none in this world."""
    every = list(operations(world.indices))
    found = Expanded()
    for path in paths:
        if path and max(path) >= len(every):
            raise ValueError(f"a path through {world.name} has no operation {max(path)}")
        tree = _tree(world, [every[number] for number in path])
        before = tuple(tree.entries())
        for number, op in enumerate(every):
            after = copy.deepcopy(tree)
            after.share_tally(found.tally)
            found.steps += 1
            if failure := step(before, after, op):
                found.failure = [*(every[number] for number in path), op], failure
                return found
            found.successors.setdefault(digest(after), path + bytes([number]))
    return found


def _tree(world: TinyWorld, program: Sequence[Operation]) -> MapleTree:
    tree = MapleTree(alloc_range=True, rcu=world.rcu, geometry=world.geometry)
    for op in program:
        if isinstance(op, MtreeErase):
            tree.erase(op.index)
        else:
            tree.store_range(op.first, op.last, op.entry)
        tree.synchronize_rcu()
    return tree
