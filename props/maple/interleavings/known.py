"""Which scenarios meet what is known to be wrong in the kernel's tree under readers (docs/findings.md), to
keep away from.

A scenario is told by its contents, by how its reader goes, and by which functions its writes pass. All else
is explored with care too.
"""

from __future__ import annotations

from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.interleavings.scenario import Ranges, Scenario

DOWN = (
    ops.MtPrev,
    ops.MasPrev,
    ops.MasPrevRange,
    ops.MasFindRev,
    ops.MasFindRangeRev,
    ops.MasForEachRev,
)
"""What goes down from where it is."""

STANDS = (ops.MtreeLoad, ops.MasWalk, ops.LockVmaUnderRcu)
"""What looks at one place and does not go on from there."""

END = 2**64 - 1
"""The limit of a search that has none."""

SLOT_STORE = {"mas_wr_slot_store"}
REBALANCES = {"mas_wr_spanning_store", "mas_rebalance"}
REPLACES_PARENTS = REBALANCES | {"mas_wr_bnode", "mas_split", "mas_wr_split", "mas_wr_rebalance"}


def is_known(scenario: Scenario, paths: tuple[str, ...], capabilities: tuple[str, ...]) -> str:
    """The name of the finding that a scenario may meet in a kernel that has these; empty if there is none."""
    taken = set(paths)
    goes_on = not all(isinstance(op, STANDS) for op in scenario.reads)
    goes_down = any(isinstance(op, DOWN) for op in scenario.reads)
    rootless = [has_no_node(state) for state in scenario.states()]
    if goes_on and any(rootless[1:]):
        return "reader-of-emptied-tree"
    if goes_down and any(rootless):
        return "reader-of-first-node"
    walks = any(isinstance(op, ops.MasWalk) for op in scenario.reads)
    if taken & SLOT_STORE and (walks or goes_down):
        return "walk-beside-moved-border"
    if taken & SLOT_STORE and any(getattr(op, "max", END) != END for op in scenario.reads):
        return "find-past-limit"
    if taken & REBALANCES and goes_on and "big_nodes" in capabilities:
        return "step-beside-rebalance"
    if taken & REPLACES_PARENTS and goes_down:
        return "step-down-beside-split"
    return ""


def is_known_held_back(paths: tuple[str, ...]) -> str:
    """The finding that a scenario may meet where stores are held back; empty if there is none."""
    return "border-before-entry" if SLOT_STORE & set(paths) else ""


def has_no_node(ranges: Ranges) -> bool:
    """Whether a tree of these contents is empty or a bare entry."""
    return all((first, last) == (0, 0) for first, last, _ in ranges)
