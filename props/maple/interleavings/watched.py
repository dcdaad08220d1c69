"""Our own tree with a look at every access to what readers share: its rows, its root, its bare entry, its
height.

It is the sources that are watched: uncompiled a row is a list, so a list that tells takes its place. A store
of several cells is told cell by cell, in the order in which what is compiled makes them. The workbench is the
writer's own.

Not covered: what is compiled, whose rows are arrays in C that nothing can take the place of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mapleproof.impl.maple import Cursor, MapleTree
from mapleproof.impl.maple.geometry import FIRST_NODE

ROWS = ("pivots", "slots", "children", "gaps", "parents", "states")
PLACE = ("node", "low", "high", "index", "last", "state", "error", "slot", "end", "prepared", "bulk")
"""What makes a cursor, but for the nodes that it has got ahead."""


MOST_READS = 200_000
"""Reads of shared cells after which a run has no end."""


class Endless(AssertionError):
    """A run comes to no end."""


class Watch:
    """Who is told: ``on_store`` before a store, ``on_read`` before a read. Raises Endless where there are
    more reads than any run has."""

    def __init__(self) -> None:
        self.reads = 0
        self.on_store: Callable[[], None] | None = None
        self.on_read: Callable[[], None] | None = None

    def store(self) -> None:
        if self.on_store is not None:
            self.on_store()

    def read(self) -> None:
        self.reads += 1
        if self.reads > MOST_READS:
            raise Endless("it does not end")
        if self.on_read is not None:
            self.on_read()


class Row(list[Any]):
    """A row that tells; ``own`` cells at its beginning are the writer's."""

    def __init__(self, cells: list[Any], watch: Watch, own: int) -> None:
        super().__init__(cells)
        self.watch, self.own = watch, own

    def __getitem__(self, at: Any) -> Any:
        self.watch.read()
        return list.__getitem__(self, at)

    def __setitem__(self, at: Any, value: Any) -> None:
        if not isinstance(at, slice):
            if at >= self.own:
                self.watch.store()
            list.__setitem__(self, at, value)
            return
        cells = list(value)
        places = range(*at.indices(len(self)))
        if len(places) != len(cells):
            raise AssertionError("a row changes its length")
        for place, cell in zip(places, cells, strict=True):
            self[place] = cell


class WatchedTree(MapleTree):
    """A tree as another one is, each access to it told."""

    watch = Watch()

    def __init__(self, of: MapleTree, watch: Watch) -> None:
        super().__init__(of.track_gaps, of.rcu, None, of.geometry)
        self.copy_from(of)
        self.reserve = None
        for name in ROWS:
            own = FIRST_NODE if name not in ("parents", "states") else 0
            setattr(self.pool, name, Row(getattr(self.pool, name), watch, own))
        self.watch = watch
        self.yield_point = lambda _: None  # readers look: children of new nodes learn of it in the tree only


def _field(name: str) -> property:
    def read(tree: WatchedTree) -> Any:
        tree.watch.read()
        return tree.__dict__[name]

    def store(tree: WatchedTree, value: Any) -> None:
        tree.watch.store()
        tree.__dict__[name] = value

    return property(read, store)


for _name in ("root", "bare", "height"):
    setattr(WatchedTree, _name, _field(_name))


def cursor_on(tree: MapleTree, of: Cursor) -> Cursor:
    """A cursor as another one is, on a tree that is as that one's."""
    made = Cursor(tree)
    for name in PLACE:
        setattr(made, name, getattr(of, name))
    made.reserve = list(of.reserve)
    return made
