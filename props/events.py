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


def missing(events: Mapping[str, int], wanted: Iterable[str]) -> list[str]:
    """Those of the wanted events that never happened."""
    return [name for name in wanted if not events.get(name)]
