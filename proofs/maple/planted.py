"""Trees without symbolic inputs: a given shape, ranges of ten indices, every third NULL.

For claims about copies, which ask nothing about indices. That such trees are sound is a test's to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mapleproof.impl.maple.geometry import MAX, META, Geometry
from mapleproof.impl.maple.kinds import LIVE
from mapleproof.impl.maple.tree import MapleTree
from mapleproof.proofs.maple.shapes import Shape, height_of, slots_of


def plant(shape: Shape, geometry: Geometry) -> MapleTree:
    """A tree of this shape with ranges of ten indices, every third NULL; free nodes lie among its own."""
    tree = MapleTree(True, False, None, geometry)
    pool = tree.pool
    at = 0
    last = slots_of(shape)
    spare: list[int] = []

    def fresh() -> int:
        pool.grant(1)
        return pool.take()

    def build(part: Shape, slot: int) -> tuple[int, int, int]:
        nonlocal at
        if at % 2 or not at:
            spare.append(fresh())
        node = fresh()
        pool.states[node >> 4] = LIVE
        pool.parents[node >> 4] = slot
        if isinstance(part, int):
            made: list[tuple[int, Any, int]] = []
            for number_ in range(part):
                at += 1
                null = number_ % 3 == 1 and number_ < part - 1
                made.append((MAX if at == last else 10 * at - 1, None if null else at, 10 if null else 0))
        else:
            children = [build(child, node + number_) for number_, child in enumerate(part)]
            made = [(limit, child, gap) for child, limit, gap in children]
        for cell, (limit, held, gap) in enumerate(made, node):
            pool.pivots[cell] = limit
            if isinstance(part, int):
                pool.slots[cell] = held
            else:
                pool.children[cell], pool.gaps[cell] = held, gap
        pool.pivots[node + META] = node + len(made) - 1
        return node, made[-1][0], max(gap for _, _, gap in made)

    tree.height = height_of(shape)
    tree.root = build(shape, -tree.height)[0]
    pool.give_back(spare)
    tree.rcu = tree.wrapped = tree.loaded = True
    return tree


def nodes_of(tree: MapleTree) -> Iterator[tuple[int, list[int] | None]]:
    """Every node, a parent before its children, with its children; None for a leaf."""

    def walk(node: int, level: int) -> Iterator[tuple[int, list[int] | None]]:
        children = tree.pool.children[node : tree.pool.end(node) + 1] if level > 1 else None
        yield node, children
        for child in children or ():
            yield from walk(child, level - 1)

    if tree.root >= 0:
        yield from walk(tree.root, tree.height)
