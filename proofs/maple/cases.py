"""From the inputs of a counterexample about trees to a case: slots stored in order, then the stores.

Numbers of slots that need the kernel's fan-outs are kept, where a leaf lay is not. Where the counterexample
has fan-outs that no case can have, a large tree with many stores stands for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mapleproof.impl.maple.geometry import MAX
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.proofs.engine.cases import tree_case
from mapleproof.props.common.files import Case
from mapleproof.props.common.operation import Common
from mapleproof.props.maple.operations import MtreeStoreRange, Snapshot


def to_case(_part: str, inputs: dict[str, int]) -> Case:
    """The slots of the counterexample stored in order, then the store in question, of an entry and of NULL.
    Numbers of slots that need the kernel's fan-outs are kept; where the leaf lay is not."""
    return stored(ranges_in(inputs), [(inputs["first"], inputs["last"])], bool(inputs.get("rcu")))


def ranges_in(inputs: dict[str, int]) -> list[tuple[int, int, int | None]]:
    """What the slots of a counterexample hold, the first from 0 on and the last up to the top."""
    ends: list[int] = []
    while f"limit{len(ends)}" in inputs:
        ends.append(inputs[f"limit{len(ends)}"])
    low, found = 0, []
    for at, end in enumerate([*ends, MAX]):
        found.append((low, end, None if inputs.get(f"null{at}") else at + 2))
        low = end + 1
    return found


def stored(
    held: Sequence[tuple[int, int, int | None]], stores: Sequence[tuple[int, int]], rcu: bool = False
) -> Case:
    """A tree that holds these ranges, then stores in it."""
    program: list[Common] = [MtreeStoreRange(*one) for one in held]
    for first, last in stores:
        for entry in (1, None):
            program += [MtreeStoreRange(first, last, entry), Snapshot()]
    return tree_case("a store", program, rcu=rcu)


def many(_part: str, _inputs: dict[str, int]) -> Case:
    """Forty ranges in order and then out of it, and all of them cleared one by one: leaves of the kernel's
    size split, push and level out. The counterexample's own fan-out is none that a case can have."""
    ranges = [(10 * at, 10 * at + 9, at + 1) for at in range(60)]
    program: list[Common] = [MtreeStoreRange(*one) for one in [*ranges[::2], *ranges[1::2]]]
    program += [Snapshot(), *(MtreeStoreRange(10 * at, 10 * at + 4, None) for at in range(60)), Snapshot()]
    program += [step for at in range(0, 300, 7) for step in (MtreeStoreRange(at, at + 250, 99), Snapshot())]
    return tree_case("many stores", program)


def to_the_border(_part: str, _inputs: dict[str, int]) -> Case:
    """A tree of three levels, and a store up to where a node above the leaves ends, across leaves below it:
    as in the counterexample, whose fan-outs no case can have."""
    ranges = [(10 * at, 10 * at + 9, at + 1) for at in range(300)]
    tree = MapleTree(True)
    for one in ranges:
        tree.store_range(*one)
    assert tree.height == 3
    last = tree.borders(2)[0]
    program: list[Common] = [MtreeStoreRange(*one) for one in ranges]
    return tree_case("up to a border", [*program, MtreeStoreRange(last - 165, last, 999), Snapshot()])
