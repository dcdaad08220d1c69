"""Where things are in a tree: a leaf, a store in it, a free range that was found. Each tree has one of the
last two and uses it again and again."""

from __future__ import annotations

from mapleproof.impl.maple.geometry import MAX
from mapleproof.impl.maple.kinds import EXACT_FIT, STORES


class Place:
    """A leaf: ``node``, and its limits ``low`` and ``high``."""

    def __init__(self) -> None:
        self.node = -1
        self.low = 0
        self.high = MAX


class Store(Place):
    """A store, once it is classified, and the leaf that it begins in.

    ``first``, ``last``: the range, a NULL's widened. ``left``, ``right``: the positions of the slots that
    hold first and last. ``keep_left``, ``keep_right``: whether a part of those slots' old ranges remains.
    ``new_end``: the position of the leaf's last slot afterwards (may lie beyond the node); of a spanning
    store, the leaf on the far side.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kind = EXACT_FIT
        self.first = 0
        self.last = 0
        self.left = -1
        self.right = -1
        self.keep_left = False
        self.keep_right = False
        self.new_end = -1

    @property
    def name(self) -> str:
        """The name of its kind."""
        return STORES[self.kind]


class Found(Place):
    """What came of a search for a free range: ``ret`` is 0, -EBUSY or -EINVAL, ``start`` its first index.

    ``slot`` is the slot in the leaf; the leaf is -1 in a tree without nodes, and where nothing was found.
    ``left_tree`` see :func:`search.highest`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ret = 0
        self.start = 0
        self.slot = -1
        self.left_tree = False
