"""Operation mixes, drawn from a seed: what a bulk run is made of.

Swarm testing: each mix has only some kinds of operations, one profile of addresses, one share of NULLs, and
so on, so that rare combinations become frequent in some run.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS

CURSORS, TREES = 3, 4
"""Cursors in a run, and the most trees."""

RHYTHM = 40
"""Writes to a small tree between two looks at all that it holds; a large tree is looked at less often."""

LARGE = 600
"""Ranges from which on a tree is large."""

AIM_EVERY = 96
"""Steps after which is looked anew where ranges and leaves end."""

OUTSIDE_LOCKS = 0.3
"""Share of the runs whose trees are written under a lock outside them, as mm's are, where there are locks."""

LOOPED_OVER = 60
"""Ranges of a tree that is looped over, at most."""

UP_TO_THE_TOP = 0.25
"""Share of the loads in order that end at the last index: what is last in a tree has no gap behind it."""

FAR, FARTHEST = 0.08, 40
"""Share of the gaps in such a load that are far, and the farthest."""

NEEDS: dict[str, type[Common]] = {
    "alloc_cyclic": ops.MtreeAllocCyclic,
    "mas_alloc_cyclic": ops.MasAllocCyclic,
    "mas_narrow": ops.MasSetRangeStaying,
    "prealloc_here": ops.MasSetRangeStaying,
    "dup": ops.MtreeDup,
    "bulk_load": ops.MasExpectedEntries,
}
"""The operation without which a kind of step cannot be made, where it is not that operation itself."""


@dataclass(frozen=True, slots=True)
class Mix:
    """One operation mix. ``space`` is the number of indices it uses, from ``base`` up; ``longest`` the
    longest usual range; ``nulls`` the share of NULLs; ``short_of_memory`` the share of writes that are kept
    short of it; ``prefill`` the number of ranges stored in order before; ``kinds`` what is drawn from."""

    alloc_range: bool
    rcu: bool
    base: int
    space: int
    longest: int
    nulls: float
    short_of_memory: float
    prefill: int
    touching: bool
    kinds: tuple[str, ...]


def _drawn(group: str) -> tuple[str, ...]:
    """The operations that are drawn as they are, with nothing done before or after."""
    return tuple(name for name, form in TREE_FORMS.items() if form.drawn == group)


GROUPS: dict[str, tuple[str, ...]] = {
    "fill": ("fill", "store"),
    "store": ("store", "store", "store_null", "store_null", "store_wide"),
    "counted": ("store_counted",),
    "normal": ("insert", "erase", *_drawn("normal")),
    "alloc": ("alloc", "alloc_rev", "alloc_cyclic", "bare", "mas_alloc_cyclic"),
    "step": ("set", *_drawn("step"), "pause"),
    "cross": ("cross", "cross", "cross", "sweep"),
    "ranges": ("set", *_drawn("ranges"), "pause", "for_each"),
    "area": ("area", "area_rev"),
    "write_cursor": ("mas_store", "mas_erase", "mas_replace", "mas_store_here", "mas_narrow"),
    "prealloc": ("prealloc", "prealloc_here"),
    "wrong": ("wrong", "store"),
    "retry": ("retry", "retry"),
    "load": ("bulk_load",),
    "trees": ("dup", "destroy", "mtree_load"),
    "rcu": ("rcu_mode", "barrier", "reader"),
}


PREFILLS = (0, 0, 0, 10, 10, 40, 40, 200, 200, 600, 1500)
"""How many ranges a tree holds at first."""

TALL = 7000
"""Ranges of a tree of five levels. To fill it costs more than the run that follows, so it is rare."""


def draw_mix(rng: random.Random, careful: bool = False) -> Mix:
    """A mix, at random. A `careful` one has no RCU mode where the 6.12 kernel gets it wrong."""
    chosen = [name for name in GROUPS if rng.random() < 0.5] or ["store"]
    kinds = [kind for name in chosen for kind in GROUPS[name] for _ in range(rng.choice((1, 1, 2, 4)))]
    if not any(kind.startswith(("store", "insert", "alloc")) for kind in kinds):
        kinds += GROUPS["store"]
    space = rng.choice((8, 24, 60, 200, 600, 3000, 40_000, 2**32, 2**64))
    prefill = TALL if rng.random() < 0.05 else rng.choice(PREFILLS)
    if prefill >= 600:
        space = max(space, 4 * prefill)
    prefill = min(prefill, space // 3)
    base = rng.choice((0, 0, 0, rng.randrange(2**40), 2**64 - space))
    longest = max(1, rng.choice((1, 2, 5, 30, space // 50, space // 4)))
    alloc_range = rng.random() < 0.65
    return Mix(
        alloc_range=alloc_range,
        rcu=rng.random() < 0.4 and (alloc_range or not careful),
        base=base if base + space <= 2**64 else 0,
        space=space,
        longest=longest,
        nulls=rng.choice((0.0, 0.1, 0.3, 0.6)),
        short_of_memory=rng.choice((0.0, 0.0, 0.05, 0.3)),
        prefill=prefill,
        touching=rng.random() < 0.4,
        kinds=tuple(kinds),
    )
