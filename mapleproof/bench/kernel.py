"""The C tree's own figures, measured inside the process that it lives in.

The port's clock is read before and after a batch of steps, so the pipe does not count; what the process does
for each step besides (some ten nanoseconds, "step") does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mapleproof.bench.layout import Layout
from mapleproof.bench.measure import Figure, Limits, figure
from mapleproof.impl.kernel import source
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.tree import KernelTree

TOP = 2**64 - 1
COPIES = 8
"""Trees that are duplicated into, one after the other."""

Step = dict[str, Any]


@contextmanager
def kernel() -> Iterator[tuple[KernelTree | None, str]]:
    """The C tree of a kernel source on this machine, with its name; or None and the reason."""
    try:
        path = source.find()
        tree = KernelTree(path, alloc_range=True)
    except (KernelBuildError, OSError) as error:
        yield None, str(error)
        return
    with tree:
        yield tree, path.name


def measure(tree: KernelTree, plan: Layout, limits: Limits) -> dict[str, Figure]:
    """All that can be measured of it, by operation."""
    tree.reset(alloc_range=True, rcu=False)
    n = len(plan.ranges)
    in_order, at_random = stores(plan.ranges), stores(plan.shuffled)
    loads = [{"op": "mtree_load", "index": index} for index in plan.indices]
    dup: Step = {"op": "mtree_dup", "tree": 0, "into": 2}
    find: Step = {"op": "mas_find", "max": TOP, "cursor": 1}
    found: dict[str, Figure] = {}

    def rounds(name: str, steps: Sequence[Step], count: int, *before: Step) -> None:
        found[name] = figure([timed(tree, steps, *before) / count for _ in range(limits.rounds)])

    clear: Step = {"op": "mtree_destroy", "tree": 1}
    rounds("build at random", at_random, n, clear)
    rounds("build in order", in_order, n, clear)
    tree.apply_many(stores(plan.ranges, 0))
    rounds("load", loads, len(loads))
    place: Step = {"op": "mas_init", "index": 0, "tree": 0, "cursor": 1}
    rounds("iterate", [find] * n, n, place)
    for name, (low, high, size) in plan.searches.items():
        kind = "mas_empty_area" if name.startswith("lowest") else "mas_empty_area_rev"
        search = {"op": kind, "min": low, "max": high, "size": size, "cursor": 2}
        reset = {"op": "mas_init", "index": 0, "tree": 0, "cursor": 2}
        rounds(name, [reset, search] * 500, 500)
    # A tree that is duplicated into is emptied first, which is not to count: so each is new.
    fresh = [[{"op": "mtree_destroy", "tree": 3 + k}] for k in range(COPIES)]
    repeats = max(1, 2000 // n)
    times = []
    for _ in range(limits.rounds):
        spent = 0.0
        for k in range(repeats):
            into = 3 + k % COPIES
            spent += timed(tree, [dup | {"into": into}], *fresh[k % COPIES])
        times.append(spent / (repeats * n))
    found["dup"] = figure(times)
    on_copy: Step = {"op": "mas_init", "index": 0, "tree": 2, "cursor": 1}
    replace: list[Step] = [dup, on_copy]
    for _, _, entry in plan.ranges:
        replace += (find, {"op": "mas_store_gfp", "entry": entry, "cursor": 1})
    rounds("dup and replace", replace, n, {"op": "mtree_destroy", "tree": 2})
    copy: list[Step] = []
    for store in in_order:
        copy += (find, store)
    rounds("copy one by one", copy, n, clear, place)
    rounds("copy by bulk load", bulk_load(plan), n, clear)
    rounds(
        "overwrite", stores(plan.overwrites, 2), len(plan.overwrites), {"op": "mtree_destroy", "tree": 2}, dup
    )
    live = tree.apply({"op": "live_allocations"})["live"]
    tree.apply(clear)
    nodes = live - tree.apply({"op": "live_allocations"})["live"]
    found["memory per entry"] = figure([256 * nodes / n])
    return found


def stores(ranges: Sequence[tuple[int, int, int]], tree: int = 1) -> list[Step]:
    """These ranges as steps."""
    kind = "mtree_store_range"
    return [{"op": kind, "first": a, "last": b, "entry": entry, "tree": tree} for a, b, entry in ranges]


def bulk_load(plan: Layout) -> list[Step]:
    """A load in order with all nodes got ahead, into tree 1."""
    steps: list[Step] = [
        {"op": "mas_init", "index": 0, "tree": 1, "cursor": 3},
        {"op": "mas_expected_entries", "count": len(plan.ranges), "cursor": 3},
    ]
    for first, last, entry in plan.ranges:
        steps += (
            {"op": "mas_set_range", "first": first, "last": last, "cursor": 3},
            {"op": "mas_store", "entry": entry, "cursor": 3},
        )
    return [*steps, {"op": "mas_destroy", "cursor": 3}]


def timed(tree: KernelTree, steps: Sequence[Step], *before: Step) -> float:
    """Nanoseconds that a batch of steps takes, others done before it."""
    clock: Step = {"op": "clock"}
    answers = tree.apply_many([*before, clock, *steps, clock])
    if "crash" in answers[-1]:
        raise AssertionError(f"the C tree crashed: {answers[-1]['crash']}")
    return float(answers[-1]["ns"] - answers[len(before)]["ns"])
