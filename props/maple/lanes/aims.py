"""The numbers of a bulk run: indices, ranges, sizes and limits, aimed at what breaks trees.

Addresses are aimed at the ends of ranges and leaves, and at the limits of the address space.
"""

from __future__ import annotations

import random

from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.lanes.pairs import READY, STALE, CursorPair, TreePair
from mapleproof.props.maple.lanes.sides import Sides
from mapleproof.props.maple.mixes import CURSORS, LARGE, Mix
from mapleproof.props.maple.shortage import CANNOT_WAIT, NOFAIL, NOWAIT, Short, once

MAX = 2**64 - 1


class Aims:
    """Draws the numbers of one run on ``sides``, by its mix. ``careful`` keeps away from what is known to be
    wrong in the 6.12 kernel, see ``rules.py``."""

    def __init__(self, rng: random.Random, mix: Mix, sides: Sides, careful: bool = False) -> None:
        self.careful = careful
        self.can_wait = False
        """Whether no caller may ask with GFP_NOWAIT: under a lock outside the tree one can wait."""
        self.rng = rng
        self.random = rng.random
        self.mix = mix
        self.sides = sides
        self.aims: list[int] = []
        self.edges: list[int] = []

    def _aim(self) -> None:
        """Look where ranges and leaves end now."""
        mix, random = self.mix, self.random
        pair = self._tree()
        ranges = pair.model.map.ranges
        aims = [0, mix.base, min(mix.base + mix.space, MAX), MAX]
        if ranges:
            for _ in range(6):
                aims += ranges[int(random() * len(ranges))][:2]
        borders = self.sides.borders(pair)
        self.edges = [borders[int(random() * len(borders))] for _ in range(6)] if borders else [mix.base]
        aims += self.edges
        self.aims = aims

    def _aimed(self) -> int:
        return self.aims[int(self.random() * len(self.aims))]

    def _index(self) -> int:
        random = self.random
        if random() < 0.3:
            aimed = self.aims[int(random() * len(self.aims))] + (-1, 0, 0, 1)[int(random() * 4)]
            return 0 if aimed < 0 else aimed if aimed < MAX else MAX
        return self.mix.base + int(random() * self.mix.space)

    def _range(self) -> tuple[int, int]:
        first = self._index()
        chance = self.random()
        if chance < 0.15:
            other = self._index()
            return self._spared(first, other) if first <= other else self._spared(other, first)
        if chance < 0.25:
            last = self._aimed()
            return self._spared(first, last if last > first else first)
        if chance < 0.27:
            return self._edge()
        last = first + int(self.random() * self.mix.longest)
        return first, last if last < MAX else MAX

    def _edge(self) -> tuple[int, int]:
        """From inside the last leaves to the top, or from the bottom into the first ones."""
        ranges = self._tree().model.map.ranges
        if not ranges:
            return 0, MAX
        near = int(self.random() * min(40, len(ranges)))
        if self.random() < 0.5:
            return ranges[-1 - near][0], MAX if self.random() < 0.5 else ranges[-1][1]
        return (0 if self.random() < 0.5 else ranges[0][0]), ranges[near][1]

    def _spared(self, first: int, last: int) -> tuple[int, int]:
        """A range that does not wipe out most of a large tree, at least not often: else none lives long."""
        wide = self.mix.space // 50
        if self.mix.prefill >= LARGE and last - first > wide and self.random() < 0.98:
            return first, first + wide
        return first, last

    def _window(self) -> tuple[int, int]:
        chance = self.random()
        if chance < 0.25:
            return 0, MAX
        if chance < 0.5:
            # From inside the last slots before a border, to the top: a search that has to leave a subtree.
            return max(0, self._aimed() - int(self.random() * (self.mix.longest + 3))), MAX
        first, second = self._index(), self._index()
        return (first, second) if first <= second else (second, first)

    def _size(self) -> int:
        random = self.random
        ranges = self._tree().model.map.ranges
        if len(ranges) > 1 and random() < 0.4:
            at = int(random() * (len(ranges) - 1))
            room: int = ranges[at + 1][0] - ranges[at][1] - int(random() * 2)
            return max(1, room)
        return 1 + int(random() * self.mix.longest * 2)

    def _entry(self) -> int:
        return 1 + int(self.random() * 1000)

    def _maybe_null(self) -> int | None:
        return None if self.random() < self.mix.nulls else 1 + int(self.random() * 1000)

    def _tree(self) -> TreePair:
        pairs = self.sides.pairs
        return pairs[0] if len(pairs) == 1 else pairs[int(self.random() * len(pairs))]

    def _short(self, asks_again: bool = True) -> Short:
        """How the next write is kept short of memory, if it is. What asks again where it was refused asks for
        ever in some kernels, where a part can be had: a careful run has none to be had then."""
        share = self.mix.short_of_memory
        if share and self.random() < share:
            granted, chance = (0, 0, 1, 2, 5)[int(self.random() * 5)], self.random()
            if chance < 0.5:
                return 0 if self.careful and asks_again else granted
            if chance < 0.6:
                return NOFAIL if chance < 0.55 or self.can_wait else CANNOT_WAIT
            return NOWAIT if chance < 0.8 else once(granted)
        return None

    def _area_window(self, top_down: bool) -> tuple[int, int]:
        """Limits of a search for room."""
        top = self._area_window_top(top_down)
        low, high = self._window()
        return min(low, top), min(high, top)

    def _area_window_top(self, top_down: bool) -> int:
        """The highest limit of such a search: no careful one begins at the last index."""
        return MAX - 1 if self.careful and top_down else MAX

    def _limit(self, up: bool) -> int:
        if self.random() < 0.6:
            return MAX if up else 0
        return self._index()

    def _any_cursor(self) -> CursorPair:
        return self.sides.places[int(self.random() * CURSORS)]

    def _stuck(self, place: CursorPair) -> bool:
        """Whether the cursor must be set anew: a coarse one that is on no entry; in a careful run one that
        met its limit before it looked at the tree, or is doubtful."""
        model = place.model
        if self.sides.traits.coarse:
            return model.status not in ("active", "root") or not place.found
        if self.careful and place.doubtful:
            return True
        return self.careful and not model.placed and model.status.endswith("flow")

    def _cursor(self) -> CursorPair:
        """A cursor that may be used for anything; it is set, reset or paused first where it must be."""
        place = self._any_cursor()
        if self._stuck(place) or not place.usable():
            chance = self.random()
            if chance < 0.6 or place.standing not in (READY, STALE) or self.sides.traits.coarse:
                self.sides.put(ops.MasSet, place, self._index())
            else:
                self.sides.put(ops.MasPause if chance < 0.85 else ops.MasReset, place)
        return place
