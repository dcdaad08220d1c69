"""What happened around the switches of one interleaving, in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mapleproof.impl.kernel.explorer import Access, Traced

MOST_SWITCHES = 4

LEAF, RANGE, ARANGE = 1, 2, 3
LAYOUTS = {
    LEAF: (("pivot", 1, 15), ("slot", 16, 16)),
    RANGE: (("pivot", 1, 15), ("slot", 16, 16)),
    ARANGE: (("pivot", 1, 9), ("slot", 10, 10), ("gap", 20, 10), ("metadata", 30, 1)),
}
"""Of each type of node on 64 bits: what its words are called, from which word on, and how many there are."""


def switches(traced: Traced) -> Iterator[tuple[Access, Access]]:
    """The accesses on both sides of each switch."""
    accesses = traced.accesses
    for before, after in pairwise(accesses):
        if before.reader != after.reader:
            yield before, after


def told(traced: Traced) -> list[str]:
    """A line for each side of the first switches."""
    words = Words(traced)
    met = list(switches(traced))[:MOST_SWITCHES]
    return [f"{words.spelled(before)}; then {words.spelled(after)}" for before, after in met]


class Words:
    """What the words of a traced run's tree and nodes are called."""

    def __init__(self, traced: Traced) -> None:
        flags, root, self._size = traced.fields
        self._fields = {flags: "the flags", root: "the root"}
        self.kinds = kinds_of(traced)

    def spelled(self, access: Access) -> str:
        """One access in words."""
        who = "the reader" if access.reader else "the writer"
        did = "stores to" if access.write else "reads"
        return f"{who} {did} {self.of(access)} at {line_of(access)}"

    def of(self, access: Access) -> str:
        """The word of the tree or the node that an access is to."""
        if access.node == 0:
            return self._fields.get(access.offset % self._size, "the tree")
        return f"node {access.node}, {name_of(access.offset, self.kinds.get(access.node, 0))}"


def line_of(access: Access) -> str:
    """The innermost function of the kernel's source that made an access, and the line."""
    return access.place.partition(" < ")[0]


def name_of(offset: int, kind: int) -> str:
    """What stands at an offset of a node of this type (enum maple_type); the byte where that is not known."""
    word, inside = divmod(offset, 8)
    if word == 0:
        return "parent"
    for name, first, count in LAYOUTS.get(kind, ()):
        if first <= word < first + count:
            return f"{name} {word - first}" if inside == 0 else f"metadata, byte {inside}"
    return f"byte {offset}"


def kinds_of(traced: Traced) -> dict[int, int]:
    """The types of nodes, from the pointers to them that were read or that stand in nodes in the end."""
    words = [access.value for access in traced.accesses if access.size == 8]
    words += [word for node in traced.nodes if node is not None for word in node]
    kinds: dict[int, int] = {}
    for word in words:
        number, rest = divmod((word & ~0xFF) - traced.arena, 256)
        if 0 < number < len(traced.nodes) and rest == 0 and word & 0x4 and word >> 3 & 0xF in LAYOUTS:
            kinds.setdefault(number, word >> 3 & 0xF)
    return kinds
