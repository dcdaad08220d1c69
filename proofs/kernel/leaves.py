"""A leaf in the memory of a kernel's C."""

from __future__ import annotations

from collections.abc import Sequence

from mapleproof.proofs.ir.arithmetic import Value
from mapleproof.proofs.ir.machine import Machine
from mapleproof.proofs.ir.memory import Block
from mapleproof.proofs.kernel.subject import Kernel

NODE = 0xFFFF_8880_0100_0000
TYPE_SHIFT, NOT_NULL = 3, 4
"""How a node's address holds its type: mt_mk_node()."""

ROOT = 1
"""The bit by which a root's parent is the tree: MA_ROOT_PARENT."""

NODE_BYTES = 256


def place_leaf(kernel: Kernel, machine: Machine, limits: Sequence[Value], slots: Sequence[Value]) -> Block:
    """A node at NODE with the highest indices of its slots, and what they hold."""
    at, struct, count = kernel.facts.offset, "maple_range_64", len(slots)
    most = kernel.facts.value("MAPLE_RANGE64_SLOTS")
    node = machine.block("node", NODE_BYTES, base=NODE)
    for slot in range(most - 1):
        node.store(at(struct, "pivot") + 8 * slot, 8, limits[slot] if slot < count else 0)
    for slot in range(most):
        node.store(at(struct, "slot") + 8 * slot, 8, slots[slot] if slot < count else 0)
    if count < most:
        node.store(at(struct, "meta") + at("maple_metadata", "end"), 1, count - 1)
    return node
