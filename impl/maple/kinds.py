"""Small integers that stand for words, and the words: states of nodes, kinds of stores, states of cursors.

Who looks from outside meets the words.
"""

from __future__ import annotations

FREE, LIVE, DEAD = range(3)
"""States of a node: not in use (free, or requested for later); in use; replaced, and readable until the
grace period ends."""

(
    EXACT_FIT,
    SLOT_STORE,
    APPEND,
    NODE_STORE,
    NEW_ROOT,
    STORE_ROOT,
    SPLIT,
    REBALANCE,
    SPANNING_STORE,
) = range(9)
"""Kinds of stores, see ``classify.py``."""

(
    PUSH_LEFT,
    PUSH_RIGHT,
    SPLIT_TWO,
    SPLIT_THREE,
    REBALANCE_LEFT,
    REBALANCE_RIGHT,
    HEIGHT_UP,
    HEIGHT_DOWN,
    DUP_NODES,
    DEAD_NODE_MET,
    HEIGHT_0,
) = range(9, 20)
"""What else is counted; ``HEIGHT_0 + n``: a root was put in place above ``n - 1`` levels."""

MOST_LEVELS = 65
"""No tree has so many levels: a node but the root has at least two children."""

STORES = (
    "exact_fit",
    "slot_store",
    "append",
    "node_store",
    "new_root",
    "store_root",
    "split",
    "rebalance",
    "spanning_store",
)
"""Names of the kinds of stores."""

EVENTS = (
    *STORES,
    "push_left",
    "push_right",
    "split_two",
    "split_three",
    "rebalance_left",
    "rebalance_right",
    "height_up",
    "height_down",
    "dup_nodes",
    "dead_node_met",
    *(f"height_{levels}" for levels in range(MOST_LEVELS)),
)
"""Names of all that is counted."""

START, ACTIVE, ROOT, NONE, PAUSE, OVERFLOW, UNDERFLOW, ERROR = range(8)
"""States of a cursor, see ``cursor.py``."""

STATES = ("start", "active", "root", "none", "pause", "overflow", "underflow", "error")
"""Their names."""
