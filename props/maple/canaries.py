"""Damaged maple trees, each with the invariant that must be named; see `props/common/canary.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from mapleproof.impl import compiled
from mapleproof.impl.maple import Cursor, MapleTree
from mapleproof.impl.maple.check import INVARIANTS, check_cursor
from mapleproof.impl.maple.geometry import META
from mapleproof.impl.maple.kinds import ACTIVE, FREE, LIVE
from mapleproof.impl.maple.pool import POISON
from mapleproof.props.common.canary import Canary

ENTRIES = 60
"""[0..0]→1, [3..3]→2, ...: a tree of two levels."""

MAX = 2**64 - 1


def tree() -> MapleTree:
    made = MapleTree(alloc_range=True, rcu=True)
    for number in range(ENTRIES):
        made.store_range(3 * number, 3 * number, number + 1)
    made.synchronize_rcu()
    return made


def cell(of: MapleTree, row: str, at: int) -> int:
    """One cell of a row."""
    value: int = of.pool.cells(row, at, at + 1)[0]
    return value


def child(of: MapleTree, number: int) -> int:
    """A leaf, from 0 on."""
    return cell(of, "children", of.root + number)


def end(of: MapleTree, node: int) -> int:
    """The last used slot of a node."""
    return cell(of, "pivots", node + META)


Damage = Callable[[MapleTree], object]


def _checked(damage: Damage) -> Iterable[str]:
    """What the check says of a damaged tree, which was sound before."""
    made = tree()
    made.check()
    damage(made)
    made.check()
    return []


def _height_without_root(made: MapleTree) -> None:
    made.destroy()
    made.height = 1


def _height(height: int) -> Damage:
    return lambda made: setattr(made, "height", height)


def _bare_and_root(made: MapleTree) -> None:
    made.bare = 7


def _short_leaf(made: MapleTree) -> None:
    """One slot is left of a leaf in the middle; it reaches up to the leaf's limit."""
    leaf = child(made, 1)
    made.pool.put_cell("pivots", leaf + META, leaf)
    made.pool.put_cell("pivots", leaf, cell(made, "pivots", made.root + 1))
    made.pool.put_cell("slots", leaf, 5)


def _limit(made: MapleTree) -> None:
    leaf = child(made, 0)
    made.pool.put_cell("pivots", end(made, leaf), cell(made, "pivots", end(made, leaf)) + 1)


def _cursor(damage: Callable[[Cursor], object]) -> Iterable[str]:
    cursor = Cursor(tree(), 3)
    cursor.walk()
    check_cursor(cursor)
    damage(cursor)
    check_cursor(cursor)
    return []


def _without_a_node(cursor: Cursor) -> None:
    cursor.node = -1


def _on_a_free_node(cursor: Cursor) -> None:
    cursor.tree.pool.put_cell("states", cursor.node >> 4, FREE)


def _never_placed() -> Iterable[str]:
    cursor = Cursor(tree(), 3)
    cursor.state = ACTIVE
    check_cursor(cursor)
    return []


def _freed_twice() -> Iterable[str]:
    pool = tree().pool
    node = pool.used
    pool.grant(1)
    node = pool.take()
    pool.put_cell("states", node >> 4, LIVE)
    pool.free(node)
    pool.free(node)
    return []


def _retired_twice() -> Iterable[str]:
    made = tree()
    made.pool.retire(child(made, 0))
    made.pool.retire(child(made, 0))
    return []


def _taken_unasked() -> Iterable[str]:
    made = tree()
    made.pool.grant(0)
    made.pool.take()
    return []


def _read_after_free() -> Iterable[str]:
    made = tree()
    cursor = Cursor(made, 3)
    cursor.walk()
    made.store_range(0, MAX, 5)
    made.synchronize_rcu()
    cursor.next(MAX)
    return []


def _reader_that_was_not_there() -> Iterable[str]:
    tree().rcu_read_unlock()
    return []


def _node_of_nobody(made: MapleTree) -> None:
    made.pool.take_all(1, [])


def _node_of_an_empty_tree() -> Iterable[str]:
    made = MapleTree()
    _node_of_nobody(made)
    made.check()
    return []


def _in_root(row: str, slot: int, value: object) -> Damage:
    """Something else in a cell of the root."""
    return lambda made: made.pool.put_cell(row, made.root + slot, value)


def _in_leaf(row: str, slot: int, value: object) -> Damage:
    """Something else in a cell of the first leaf."""
    return lambda made: made.pool.put_cell(row, child(made, 0) + slot, value)


def _parent_of_root(made: MapleTree) -> None:
    made.pool.put_cell("parents", made.root >> 4, 3)


def _parent_of_child(made: MapleTree) -> None:
    made.pool.put_cell("parents", child(made, 0) >> 4, made.root + 1)


def _child_between(made: MapleTree) -> None:
    made.pool.put_cell("children", made.root, child(made, 0) + 1)


def _child_free(made: MapleTree) -> None:
    made.pool.put_cell("states", child(made, 0) >> 4, FREE)


def _child_twice(made: MapleTree) -> None:
    made.pool.put_cell("children", made.root + 1, child(made, 0))


def _end_of_root(slots: int) -> Damage:
    return lambda made: made.pool.put_cell("pivots", made.root + META, made.root + slots)


def _null_at_the_end(made: MapleTree) -> None:
    made.pool.put_cell("slots", end(made, child(made, 0)), None)


_DAMAGE: tuple[tuple[str, str, Damage], ...] = (
    ("a height without a root", "root", _height_without_root),
    ("a root without a height", "root", _height(0)),
    ("a bare entry beside a root", "root", _bare_and_root),
    ("a root with a parent", "parent", _parent_of_root),
    ("a child that names another slot", "parent", _parent_of_child),
    ("a child that is no node", "live", _in_root("children", 0, 16 * 5000)),
    ("a child between two nodes", "live", _child_between),
    ("a child before all nodes", "live", _in_root("children", 0, 0)),
    ("a child that is free", "live", _child_free),
    ("a node reached twice", "live", _child_twice),
    ("more slots than a node has", "end", _end_of_root(12)),
    ("no slot at all", "end", _end_of_root(-1)),
    ("a leaf that is too small", "occupancy", _short_leaf),
    ("pivots that fall", "order", _in_leaf("pivots", 1, 0)),
    ("a pivot above the maximum", "order", _in_root("pivots", 0, MAX)),
    ("a last limit that is not the node's", "limit", _limit),
    ("what was freed in a slot", "poison", _in_leaf("slots", 0, POISON)),
    ("NULLs that touch", "nulls", _in_leaf("slots", 2, None)),
    ("NULL at the end of a leaf", "nulls", _null_at_the_end),
    ("a gap that is too large", "gap", _in_root("gaps", 0, 12345)),
    ("a gap that is too small", "gap", _in_root("gaps", 0, 0)),
    ("a node that nobody has", "leak", _node_of_nobody),
)

_CURSORS: tuple[tuple[str, Callable[[Cursor], object]], ...] = (
    ("an active cursor without a node", _without_a_node),
    ("an active cursor on a free node", _on_a_free_node),
    ("an active cursor behind its node", lambda cursor: setattr(cursor, "slot", cursor.end + 1)),
    ("an active cursor before its node", lambda cursor: setattr(cursor, "slot", cursor.node - 1)),
)

_OTHERS: tuple[tuple[str, Callable[[], Iterable[str]], str], ...] = (
    ("an active cursor that was never placed", _never_placed, INVARIANTS["cursor"]),
    ("a node of an empty tree", _node_of_an_empty_tree, INVARIANTS["leak"]),
    ("a node freed twice", _freed_twice, "is freed twice"),
    ("a node taken unasked", _taken_unasked, "that was not asked for"),
    ("a node read after it was freed", _read_after_free, "is read after it was freed"),
    ("a reader that was not there", _reader_that_was_not_there, "without a reader inside"),
)

_OF_SOURCES = (Canary("a node retired twice", _retired_twice, "is retired twice"),)
"""What can be reached from outside in the sources alone."""

CANARIES: tuple[Canary, ...] = (
    *(Canary(name, partial(_checked, damage), INVARIANTS[broken]) for name, broken, damage in _DAMAGE),
    Canary("a tree without damage", partial(_checked, lambda made: None), ""),
    *(Canary(name, partial(_cursor, damage), INVARIANTS["cursor"]) for name, damage in _CURSORS),
    Canary("a cursor without damage", partial(_cursor, lambda cursor: None), ""),
    *(Canary(name, damage, says) for name, damage, says in _OTHERS),
    *(() if compiled.is_compiled() else _OF_SOURCES),
)
"""All of them."""
