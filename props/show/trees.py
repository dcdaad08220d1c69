"""Maple trees as items of a picture: nodes with their slots, and what the model holds beside them.

A tree that is shown may be damaged: nothing here relies on an invariant, and what breaks one is marked where
that can be seen from the nodes: an entry that the model has not, a gap that is not the one below, a parent
that is another, a node that is in no tree. Gaps of a kernel's tree are shown, not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from impl.kernel.wire import Node as KernelNode
from impl.maple import MapleTree
from impl.maple.geometry import MAX, STRIDE
from impl.maple.pool import LIVE
from impl.maple.rebuild import limits
from props.show.picture import Item, Items, Part

Range = tuple[int, int, int]

OUTSIDE = "outside"
"""The row of nodes that are allocated and in no tree."""


class Seen(NamedTuple):
    """A node as it was found: ``name``, ``level`` (leaves are 1), its limits, its slots with their limits,
    and what can be said against it."""

    name: str
    level: int
    first: int
    last: int
    slots: tuple[Part, ...]
    note: str = ""


Spell = Callable[[int, int, Any], tuple[str, str]]
"""From the range and what a slot of a leaf holds to the kind and label of its part."""


class Leaves:
    """Leaves as they were last seen, all whose entries the model had, so that they need no second look.

    ``held`` is what the model holds now.
    """

    def __init__(self) -> None:
        self.held: set[Range] = set()
        self.kept: dict[int, tuple[Any, set[Any], Seen, int]] = {}

    def known(self, node: int, made_of: Any) -> tuple[Seen, int] | None:
        """The leaf at a position and its largest run of NULL, if it is as it was."""
        made, entries, seen, gap = self.kept.get(node, (None, set(), None, 0))
        return (seen, gap) if seen is not None and made == made_of and entries <= self.held else None


def impl_nodes(tree: MapleTree, spell: Spell, known: Leaves | None = None) -> list[Seen]:
    """The nodes of our tree, from the root down. ``known`` are leaves that were seen before."""
    if tree.root < 0:
        return [] if tree.bare is None else [Seen("bare entry", 1, 0, 0, (Part(0, *spell(0, 0, tree.bare)),))]
    walk = _Walk(tree, spell, known)
    walk.subtree(tree.root, 0, MAX, tree.height, -1)
    return walk.found


class _Walk:
    """One walk over a tree that may be damaged."""

    def __init__(self, tree: MapleTree, spell: Spell, known: Leaves | None = None) -> None:
        self.tree = tree
        self.spell = spell
        self.known = known
        self.found: list[Seen] = []
        self.seen: set[int] = set()

    def subtree(self, node: Any, low: int, high: int, level: int, slot: int) -> int:
        """Take down ``node``, which hangs in ``slot``, and all below it; the largest run of NULL there."""
        pool = self.tree.pool
        if not isinstance(node, int) or node < 0 or node % STRIDE or node >= len(pool.pivots):
            self.found.append(Seen("no node", max(level, 1), low, high, (), f"the slot holds {node!r:.40}"))
            return 0
        name = f"{'leaf' if level == 1 else 'node'} {node >> 4}"
        if node in self.seen or level < 1:
            self.found.append(Seen(name, max(level, 1), low, high, (), "it is in the tree already"))
            return 0
        self.seen.add(node)
        notes = [] if pool.state[node >> 4] == LIVE else ["it is not allocated"]
        if pool.parents[node >> 4] != slot:
            notes.append("its parent slot is another")
        end = min(max(pool.end(node), node), node + STRIDE)
        if level == 1:
            return self._leaf(node, Seen(name, 1, low, high, (), "; ".join(notes)), end)
        place = len(self.found)
        self.found.append(Seen(name, level, low, high, ()))
        parts: list[Part] = []
        largest, first = 0, low
        for at in range(node, min(end + 1, len(pool.slots))):
            last = pool.pivots[at] if at < end else high
            held = pool.slots[at]
            gap = self.subtree(held, first, last, level - 1, at)
            parts.append(Part(last, *self._gap(at, gap)))
            largest, first = max(largest, gap), last + 1
        self.found[place] = Seen(name, level, low, high, tuple(parts), "; ".join(notes))
        return largest

    def _leaf(self, node: int, leaf: Seen, end: int) -> int:
        """A leaf that ends at slot ``end``."""
        pool = self.tree.pool
        pivots, slots = [*pool.pivots[node:end], leaf.last], pool.slots[node : end + 1]
        made_of = leaf, pivots, slots
        before = None if self.known is None else self.known.known(node, made_of)
        if before is not None:
            self.found.append(before[0])
            return before[1]
        parts: list[Part] = []
        largest, first = 0, leaf.first
        for last, held in zip(pivots, slots, strict=False):
            if held is None:
                largest = max(largest, last - first + 1)
            parts.append(Part(last, *self.spell(first, last, held)))
            first = last + 1
        self.found.append(leaf._replace(slots=tuple(parts)))
        if self.known is not None:
            firsts = [leaf.first, *(last + 1 for last in pivots)]
            entries = {one for one in zip(firsts, pivots, slots, strict=False) if one[2] is not None}
            self.known.kept[node] = made_of, entries, self.found[-1], largest
        return largest

    def _gap(self, slot: int, below: int) -> tuple[str, str]:
        if not self.tree.track_gaps:
            return "child", ""
        kept = self.tree.pool.gaps[slot]
        if kept == below:
            return "child", f"gap {kept:#x}"
        return "wrong", f"gap {kept:#x}, below is {below:#x}"


def nodes_outside(tree: MapleTree, inside: int) -> Iterator[Seen]:
    """The nodes that are allocated and not among the ``inside`` ones that the tree has; where a walk over the
    tree has found as many as there are, there is nothing to look for."""
    pool = tree.pool
    if pool.live - len(pool.retired) <= inside:
        return
    walk = _Walk(tree, lambda first, last, held: ("entry", ""))
    if tree.root >= 0:
        walk.subtree(tree.root, 0, MAX, tree.height, -1)
    for number, state in enumerate(pool.state):
        if state == LIVE and number * STRIDE not in walk.seen:
            try:
                first, last = limits(pool, number * STRIDE)
            except Exception:  # its parents may be gone
                first, last = 0, MAX
            yield Seen(f"node {number}", 0, first, last, (), "it is allocated, and in no tree")


def kernel_nodes(shape: Iterable[KernelNode], spell: Spell) -> list[Seen]:
    """The nodes of a kernel's tree, which have no names: they are numbered from the root down."""
    nodes = list(shape)
    height = max((node[0] for node in nodes), default=0)
    found = []
    for number, (depth, leaf, low, high, slots) in enumerate(nodes):
        parts, first = [], low
        for last, held in slots:
            if leaf:
                parts.append(Part(last, *spell(first, last, held)))
            else:
                parts.append(Part(last, "child", "" if held is None else f"gap {held:#x}"))
            first = last + 1
        name = "bare entry" if not depth else f"{'leaf' if leaf else 'node'} {number}"
        found.append(Seen(name, height - depth + 1 if depth else 1, low, high, tuple(parts)))
    return found


def spell_against(held: Collection[Range]) -> Spell:
    """How the slots of a leaf are spelled whose entries must be those of the model."""

    def spell(first: int, last: int, entry: Any) -> tuple[str, str]:
        if entry is None:
            return "null", "NULL"
        return "entry" if (first, last, entry) in held else "wrong", f"{entry!r:.24}"

    return spell


def node_items(lane: str, nodes: Iterable[Seen], broken: str = "") -> Items:
    """Items of nodes; ``broken`` is the name of the node that an invariant is broken at."""
    items: Items = {}
    for name, level, first, last, slots, note in nodes:
        row = f"level {level}" if level else OUTSIDE
        kind = "leaf" if level == 1 else "node"
        if not level:
            kind = "leaked"
        elif note or name == broken:
            kind = "broken"
        key = f"{lane}/{name}" if note != "it is in the tree already" else f"{lane}/{name}/{first:x}"
        items[key] = Item(lane, row, first, last, kind, name, slots, note)
    return items


def model_items(lane: str, held: Iterable[Range], there: Collection[tuple[int, int, str]] | None) -> Items:
    """What the model holds; lost is what is not ``there`` in the tree."""
    return {
        f"{lane}/{first:x}": Item(
            lane,
            "entries",
            first,
            last,
            "entry" if there is None or (first, last, str(entry)) in there else "lost",
            str(entry),
        )
        for first, last, entry in held
    }


def entries_of(nodes: Iterable[Seen]) -> set[tuple[int, int, str]]:
    """What leaves hold, entries as they are spelled."""
    found = set()
    for node in nodes:
        first = node.first
        for last, kind, label in node.slots if node.level == 1 else ():
            if kind != "null":
                found.add((first, last, label))
            first = last + 1
    return found


def rows_of(nodes: Iterable[Item]) -> dict[str, str]:
    """The rows of a tree's lane, the root's first."""
    found = {item.row for item in nodes}
    levels = sorted((int(row.split()[1]) for row in found - {OUTSIDE}), reverse=True)
    rows = {f"level {level}": "leaves" if level == 1 else f"level {level}" for level in levels}
    return rows | ({OUTSIDE: "in no tree"} if OUTSIDE in found else {})
