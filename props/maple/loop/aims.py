"""The random numbers of a run: indices, ranges, sizes and limits, aimed at what breaks trees.

What is drawn, and how often, is that of `props.maple.lanes.aims`, which says why; the numbers are of a
generator of 64-bit words.
"""

from __future__ import annotations

from types import SimpleNamespace

from mapleproof.props.maple.loop.book import Book, Pair, Place
from mapleproof.props.maple.loop.codes import (
    BORDERS,
    CANNOT_WAIT,
    MAX,
    NEVER,
    NOFAIL,
    NOWAIT,
    ONCE,
    OVERFLOW,
    UNDERFLOW,
)
from mapleproof.props.maple.loop.tape import Tape
from mapleproof.props.maple.mixes import CURSORS as _CURSORS
from mapleproof.props.maple.mixes import LARGE as _LARGE
from mapleproof.props.maple.mixes import Mix

try:
    import cython
except ImportError:  # it is needed for compiling alone
    globals()["cython"] = SimpleNamespace(compiled=False)

LARGE, CURSORS = _LARGE, _CURSORS
GOLDEN, MULTIPLIER = 0x9E3779B97F4A7C15, 0x2545F4914F6CDD1D
"""Of the seed, and of each word: xorshift64* (Vigna 2016)."""
UNIT = 2.0**-53
ENDS, EDGES = 6, 6
"""Ranges, and ends of nodes, that are aimed at until it is looked again."""
AIMS = 4 + 2 * ENDS + EDGES


class Aims(Book):
    """Draws the numbers of one run, by its mix. ``careful`` keeps away from what is known to be wrong in the
    6.12 kernel, see `props.maple.rules`."""

    def __init__(self, seed: int, mix: Mix, tape: Tape, careful: bool) -> None:
        super().__init__(tape, mix.alloc_range, mix.rcu)
        self.state = (seed * GOLDEN + 1) % 2**64
        self.careful = careful
        self.can_wait = False
        self.base, self.longest, self.prefill = mix.base, mix.longest, mix.prefill
        self.widest = mix.space - 1
        self.nulls, self.short_of_memory, self.touching = mix.nulls, mix.short_of_memory, mix.touching
        self.low = self.high = 0
        self.aimed_at = 0
        if not cython.compiled:
            self.aims = [0] * AIMS
            self.edges = [0] * EDGES

    def word(self) -> int:
        """The next 64 random bits."""
        x = self.state
        x ^= x >> 12
        x ^= x << 25 & MAX
        x ^= x >> 27
        self.state = x
        return x * MULTIPLIER & MAX

    def random(self) -> float:
        """A number in [0, 1)."""
        return (self.word() >> 11) * UNIT

    def below(self, count: int) -> int:
        """A number from 0 on, below ``count``."""
        return self.word() % count

    def aim(self) -> None:
        """Look where ranges and leaves end now."""
        pair = self.tree()
        held, aims = pair.tree.map, self.aims
        aims[0], aims[1], aims[2], aims[3] = 0, self.base, self.base + self.widest, MAX
        n = 4
        if held.count:
            for _ in range(ENDS):
                k = self.below(held.count)
                aims[n], aims[n + 1] = held.firsts[k], held.lasts[k]
                n += 2
        tape = self.tape
        tape.step(BORDERS, 0, pair.number, NEVER)
        tape.ask()
        many = tape.status
        for k in range(EDGES):
            self.edges[k] = tape.word(self.below(many)) if many else self.base
            aims[n + k] = self.edges[k]
        self.aimed_at = n + EDGES

    def aimed(self) -> int:
        return self.aims[self.below(self.aimed_at)]

    def index(self) -> int:
        if self.random() < 0.3:
            aimed = self.aimed()
            off = self.below(4)
            if off == 0:
                return aimed - 1 if aimed else 0
            return aimed + 1 if off == 3 and aimed < MAX else aimed
        return self.base + self.up_to(self.widest)

    def up_to(self, most: int) -> int:
        """A number from 0 to ``most``."""
        return self.word() if most == MAX else self.below(most + 1)

    def draw_range(self) -> None:
        """A range: ``low`` to ``high``."""
        first = self.index()
        chance = self.random()
        if chance < 0.15:
            other = self.index()
            self.low, self.high = (first, other) if first <= other else (other, first)
            self.spare()
        elif chance < 0.25:
            last = self.aimed()
            self.low, self.high = first, last if last > first else first
            self.spare()
        elif chance < 0.27:
            self.draw_edge()
        else:
            long = self.below(self.longest)
            self.low, self.high = first, first + long if long < MAX - first else MAX

    def draw_edge(self) -> None:
        """From inside the last leaves to the top, or from the bottom into the first ones."""
        held = self.tree().tree.map
        self.low, self.high = 0, MAX
        count = held.count
        if count == 0:
            return
        near = self.below(count if count < 40 else 40)
        if self.random() < 0.5:
            self.low = held.firsts[count - 1 - near]
            if self.random() >= 0.5:
                self.high = held.lasts[count - 1]
        else:
            if self.random() >= 0.5:
                self.low = held.firsts[0]
            self.high = held.lasts[near]

    def spare(self) -> None:
        """Not often a range that wipes out most of a large tree: else none lives long."""
        wide = self.widest // 50
        if self.prefill >= LARGE and self.high - self.low > wide and self.random() < 0.98:
            self.high = self.low + wide

    def draw_window(self) -> None:
        """Limits: ``low`` and ``high``."""
        chance = self.random()
        if chance < 0.25:
            self.low, self.high = 0, MAX
        elif chance < 0.5:
            # From inside the last slots before a border, to the top: a search that has to leave a subtree.
            aimed, back = self.aimed(), self.below(self.longest + 3)
            self.low, self.high = aimed - back if aimed > back else 0, MAX
        else:
            first, second = self.index(), self.index()
            self.low, self.high = (first, second) if first <= second else (second, first)

    def draw_area(self, top_down: bool) -> None:
        """Limits of a search for room: no careful one begins at the last index."""
        self.draw_window()
        top = MAX - 1 if self.careful and top_down else MAX
        if self.low > top:
            self.low = top
        if self.high > top:
            self.high = top

    def size(self) -> int:
        held = self.tree().tree.map
        if held.count > 1 and self.random() < 0.4:
            k = self.below(held.count - 1)
            room = held.firsts[k + 1] - held.lasts[k]
            less = self.below(2)
            return room - less if room > less + 1 else 1
        return 1 + self.below(self.longest * 2)

    def entry(self) -> int:
        return 1 + self.below(1000)

    def maybe_null(self) -> int:
        return 0 if self.random() < self.nulls else self.entry()

    def limit(self, up: bool) -> int:
        if self.random() < 0.6:
            return MAX if up else 0
        return self.index()

    def short(self, asks_again: bool) -> int:
        """How the next write is kept short of memory, if it is. What asks again where it was refused asks for
        ever in some kernels, where a part can be had: a careful run has none to be had then."""
        if self.short_of_memory == 0.0 or self.random() >= self.short_of_memory:
            return NEVER
        number = self.below(5)
        granted = 0 if number < 2 else number - 1 if number < 4 else 5
        chance = self.random()
        if chance < 0.5:
            return 0 if self.careful and asks_again else granted
        if chance < 0.6:
            return NOFAIL if chance < 0.55 or self.can_wait else CANNOT_WAIT
        return NOWAIT if chance < 0.8 else ONCE | granted

    def tree(self) -> Pair:
        """Any tree."""
        pair: Pair = self.pairs[self.below(len(self.pairs))]
        return pair

    def any_cursor(self) -> Place:
        place: Place = self.places[self.below(CURSORS)]
        return place

    def stuck(self, place: Place) -> bool:
        """Whether a careful run must set the cursor anew: it met its limit before it looked at the tree, or
        it is doubtful."""
        if not self.careful:
            return False
        return place.doubtful or (
            not place.placed and (place.status == OVERFLOW or place.status == UNDERFLOW)
        )
