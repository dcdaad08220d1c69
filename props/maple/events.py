"""What must have happened in a run that is worth the name, by the names under which a tree counts it.

A run that never split a node says nothing about splitting: so runs tell their events, and tests assert these.
"""

from collections.abc import Iterable, Mapping

WRITE_KINDS = (
    "store_root",
    "new_root",
    "exact_fit",
    "slot_store",
    "append",
    "node_store",
    "split",
    "rebalance",
    "spanning_store",
)
"""Every kind of write that the kernel tells apart."""

SHAPE = (
    "push_left",
    "push_right",
    "split_two",
    "split_three",
    "rebalance_left",
    "rebalance_right",
    "height_up",
    "height_down",
)
"""How nodes are divided and joined."""

HEIGHTS = ("height_1", "height_2", "height_3", "height_4", "height_5")
"""Trees of so many levels; the kernel's own seldom have more."""

REFUSALS = (
    "alloc_failed.store_root",
    "alloc_failed.new_root",
    "alloc_failed.node_store",
    "alloc_failed.split",
    "alloc_failed.rebalance",
    "alloc_failed.spanning_store",
    "alloc_failed.dup",
    "alloc_failed.preallocate",
)
"""Memory refused, by what it was requested for. The other kinds of write never need any."""

C_TREE = "c."
"""Begins the names of what a kernel's own tree counts, which are never those of our own tree: a run of one
says nothing about the other. The rest of the name is the kernel's function that a tracepoint is in, or a word
for what the shim around the tree knows."""

C_EVENTS = tuple(
    C_TREE + name
    for name in (
        "mas_split",
        "mas_rebalance",
        "mas_is_span_wr",
        "mas_wr_spanning_store",
        "mas_wr_append",
        "mas_wr_bnode",
        "mas_wr_node_store",
        "mas_wr_slot_store",
        "mas_store",
        "mas_store_prealloc",
        "mtree_erase",
        "mtree_load",
        "mtree_store_range",
        "mt_find",
        "bulk_requests",
        "nodes_allocated",
        "nodes_freed_by_rcu",
        "requests_refused",
        "height_0",
        "height_1",
        "height_2",
        "height_3",
        "height_4",
        "height_5",
    )
)
"""Every tracepoint of Linux 6.12's tree, and what the shim counts: nodes and requests for them, and the
heights of the trees that were checked."""

TRACED = tuple(name.removeprefix(C_TREE) for name in C_EVENTS if name.startswith((C_TREE + "m",)))
"""Those of them that are tracepoints, by the functions that they are in."""

ALIKE = {"mas_wr_split": "mas_split", "mas_wr_rebalance": "mas_rebalance"}
"""Functions of newer kernels that do what those of older ones did by another name: counted under the
latter."""

UNTRACED = C_TREE + "untraced."
"""Begins the names of tracepoints that the kernel at hand has not got: counted once a run, never an event."""

READERS = ("dead_node_met",)
"""A cursor that goes on found that its node was replaced."""

REFUSED = "fork.refused."

FORKS = tuple(
    REFUSED + kind
    for kind in (
        "maple_node",
        "vma",
        "policy",
        "userfaultfd",
        "anon_vma",
        "anon_vma_chain",
        "page_table",
        "charge",
        "pat",
        "signal",
        "arch",
    )
)
"""Forks that failed half-way, by what they had asked for."""


ALL = (*WRITE_KINDS, *SHAPE, *HEIGHTS, *REFUSALS, *READERS)


def wanted(events: Mapping[str, int]) -> tuple[str, ...]:
    """What a run that met these should have met: of our own tree, of a kernel's, as far as it ran on them."""
    own = ALL if any(events.get(name) for name in ALL) else ()
    return own + tuple(
        name
        for name in (C_EVENTS if in_c_tree(events) else ())
        if not events.get(UNTRACED + name.removeprefix(C_TREE))
    )


def in_c_tree(events: Mapping[str, int]) -> list[str]:
    """Those that a kernel's own tree counted, in the order of `C_EVENTS`, then of the alphabet."""
    met = [
        name
        for name, times in events.items()
        if times and name.startswith(C_TREE) and not name.startswith(UNTRACED)
    ]
    order = {name: at for at, name in enumerate(C_EVENTS)}
    return sorted(met, key=lambda name: (order.get(name, len(order)), name))


def missing(events: Mapping[str, int], wanted: Iterable[str]) -> list[str]:
    """Those of the wanted events that never happened."""
    return [name for name in wanted if not events.get(name)]
