"""Maple trees as items of a picture: nodes with their slots, and what the model holds beside them.

A tree that is shown may be damaged: nothing here relies on an invariant, and what breaks one is marked where
that can be seen from the nodes: an entry that the model has not, a gap that is not the one below, a parent
that is another, a node that is in no tree. Gaps of a kernel's tree are shown, not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from mapleproof.impl.kernel.wire import Node as KernelNode
from mapleproof.impl.maple import MapleTree
from mapleproof.impl.maple.geometry import FIRST_NODE, MAX, STRIDE
from mapleproof.impl.maple.kinds import LIVE
from mapleproof.impl.maple.pool import NodePool, number_of
from mapleproof.show.picture import Item, Items, Part

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


class Known:
    """One tree as it was last looked at, so that the next look takes down only what has changed.

    Of leaves all whose entries the model had; ``there`` are all entries that leaves hold.
    """

    def __init__(self) -> None:
        self.held: set[Range] = set()
        self.there: set[Range] = set()
        self.entries: dict[tuple[Range, bool], tuple[str, Item]] = {}
        """The items of what the model held, with their keys, and whether it was lost."""
        self.nodes: dict[str, tuple[Seen, str, Item]] = {}
        """The items of nodes by name, with what they were made of and their keys."""
        self._gone: set[Range] = set()
        self._turn = 0
        self._leaves: dict[int, tuple[int, Any, set[Range], Seen, int]] = {}

    def look(self, held: set[Range]) -> None:
        """The model holds this now."""
        self._gone = self.held - held
        self.held = held
        self.there = set()
        self._turn += 1

    def leaf(self, node: int, made_of: Any) -> tuple[Seen, int] | None:
        """The leaf at a position and its largest run of NULL, if it is as it was."""
        turn, made, entries, seen, gap = self._leaves.get(node, (0, None, set(), None, 0))
        if seen is None or made != made_of:
            return None
        if not (entries.isdisjoint(self._gone) if turn == self._turn - 1 else entries <= self.held):
            return None
        self.keep(node, made, entries, seen, gap)
        return seen, gap

    def keep(self, node: int, made_of: Any, entries: set[Range], seen: Seen, gap: int) -> None:
        """A leaf is this, and holds these entries."""
        self.there |= entries
        if entries <= self.held:
            self._leaves[node] = self._turn, made_of, entries, seen, gap
        else:
            self._leaves.pop(node, None)


def impl_nodes(tree: MapleTree, spell: Spell, known: Known | None = None) -> list[Seen]:
    """The nodes of our tree, from the root down. ``known`` is what was seen before."""
    if tree.root < 0:
        if tree.bare is None:
            return []
        if known is not None:
            known.there.add((0, 0, tree.bare))
        return [Seen("bare entry", 1, 0, 0, (Part(0, *spell(0, 0, tree.bare)),))]
    walk = _Walk(tree, spell, known)
    walk.subtree(tree.root, 0, MAX, tree.height, -tree.height)
    return walk.found


def _word(pool: NodePool, row: str, at: int) -> Any:
    return pool.cells(row, at, at + 1)[0]


class _Walk:
    """One walk over a tree that may be damaged."""

    def __init__(self, tree: MapleTree, spell: Spell, known: Known | None = None) -> None:
        self.tree = tree
        self.spell = spell
        self.known = known
        self.found: list[Seen] = []
        self.seen: set[int] = set()

    def subtree(self, node: int, low: int, high: int, level: int, slot: int) -> int:
        """Take down ``node``, which hangs in ``slot``, and all below it; the largest run of NULL there."""
        pool = self.tree.pool
        if not FIRST_NODE <= node < pool.used or node % STRIDE:
            self.found.append(Seen("no node", max(level, 1), low, high, (), f"the slot holds {node!r:.40}"))
            return 0
        name = f"{'leaf' if level == 1 else 'node'} {number_of(node)}"
        if node in self.seen or level < 1:
            self.found.append(Seen(name, max(level, 1), low, high, (), "it is in the tree already"))
            return 0
        self.seen.add(node)
        notes = [] if _word(pool, "states", node >> 4) == LIVE else ["it is not allocated"]
        if _word(pool, "parents", node >> 4) != slot:
            notes.append("its parent slot is another")
        end = min(max(pool.end(node), node), node + STRIDE)
        if level == 1:
            return self._leaf(node, Seen(name, 1, low, high, (), "; ".join(notes)), end)
        place = len(self.found)
        self.found.append(Seen(name, level, low, high, ()))
        parts: list[Part] = []
        largest, first = 0, low
        pivots = [*pool.cells("pivots", node, end), high]
        for at, (last, child) in enumerate(
            zip(pivots, pool.cells("children", node, end + 1), strict=False), node
        ):
            gap = self.subtree(child, first, last, level - 1, at)
            parts.append(Part(last, *self._gap(at, gap)))
            largest, first = max(largest, gap), last + 1
        self.found[place] = Seen(name, level, low, high, tuple(parts), "; ".join(notes))
        return largest

    def _leaf(self, node: int, leaf: Seen, end: int) -> int:
        """A leaf that ends at slot ``end``."""
        pool = self.tree.pool
        pivots, slots = [*pool.cells("pivots", node, end), leaf.last], pool.cells("slots", node, end + 1)
        made_of = leaf, pivots, slots
        before = None if self.known is None else self.known.leaf(node, made_of)
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
            self.known.keep(node, made_of, entries, self.found[-1], largest)
        return largest

    def _gap(self, slot: int, below: int) -> tuple[str, str]:
        if not self.tree.track_gaps:
            return "child", ""
        kept = _word(self.tree.pool, "gaps", slot)
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
        walk.subtree(tree.root, 0, MAX, tree.height, -tree.height)
    for at, state in enumerate(pool.cells("states", 0, pool.used // STRIDE)):
        node = at * STRIDE
        if node >= FIRST_NODE and state == LIVE and node not in walk.seen:
            try:
                first, last = tree.limits(node)
            except Exception:  # its parents may be gone
                first, last = 0, MAX
            told = "it is allocated, and in no tree"
            yield Seen(f"node {number_of(node)}", 0, first, last, (), told)


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


def node_items(lane: str, nodes: Iterable[Seen], broken: str = "", known: Known | None = None) -> Items:
    """Items of nodes; ``broken`` is the name of the node that an invariant is broken at."""
    items: Items = {}
    for seen in nodes:
        name, level, first, last, slots, note = seen
        made = None if known is None else known.nodes.get(name)
        if made is not None and made[0] is seen and name != broken:
            items[made[1]] = made[2]
            continue
        row = f"level {level}" if level else OUTSIDE
        kind = "leaf" if level == 1 else "node"
        if not level:
            kind = "leaked"
        elif note or name == broken:
            kind = "broken"
        key = f"{lane}/{name}" if note != "it is in the tree already" else f"{lane}/{name}/{first:x}"
        items[key] = Item(lane, row, first, last, kind, name, slots, note)
        if known is not None and kind == "leaf":
            known.nodes[name] = seen, key, items[key]
    return items


def model_items(lane: str, held: Iterable[Range], lost: Collection[Range], known: Known) -> Items:
    """What the model holds; ``lost`` is what of it the tree has not."""
    items: Items = {}
    for one in held:
        is_lost = one in lost
        made = known.entries.get((one, is_lost))
        if made is None:
            first, last, entry = one
            item = Item(lane, "entries", first, last, "lost" if is_lost else "entry", str(entry))
            made = known.entries[one, is_lost] = f"{lane}/{first:x}", item
        items[made[0]] = made[1]
    return items


def lost_from(nodes: Iterable[Seen], held: Collection[Range]) -> set[Range]:
    """What of all that a tree must hold is in none of its leaves."""
    there = set()
    for node in nodes:
        first = node.first
        for last, kind, label in node.slots if node.level == 1 else ():
            if kind != "null":
                there.add((first, last, label))
            first = last + 1
    return {one for one in held if (one[0], one[1], f"{one[2]!r:.24}") not in there}


def rows_of(nodes: Iterable[Item]) -> dict[str, str]:
    """The rows of a tree's lane, the root's first."""
    found = {item.row for item in nodes}
    levels = sorted((int(row.split()[1]) for row in found - {OUTSIDE}), reverse=True)
    rows = {f"level {level}": "leaves" if level == 1 else f"level {level}" for level in levels}
    return rows | ({OUTSIDE: "in no tree"} if OUTSIDE in found else {})
