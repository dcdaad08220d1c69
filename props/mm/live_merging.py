"""Which VMAs the kernel has made one, as far as that shows: a fork copies all of a VMA's pages, or none.

Reference and implementation keep neighbours apart and know of each whether it was written (has an anon_vma).
Where the kernel has made one VMA of two, both have. It does so with neighbours that are equal and continue
each other, unless one got its anon_vma through a fork and the other has none (vma_had_uncowed_parents).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from mapleproof.impl.mm.objects import Vma
from mapleproof.impl.mm.rmap import prepare_anon_vma
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.ports import ImplSpaces, ModelSpaces
from mapleproof.props.mm.seen import VISIBLE


class Merging:
    """Tells both sides, after each call, what became of neighbours. ``mattered`` counts how often."""

    def __init__(self, model: ModelSpaces, impl: ImplSpaces) -> None:
        self.model = model
        self.impl = impl
        self.mattered = 0

    def note(self, op: Any) -> None:
        """A call about ``op.space`` succeeded."""
        if isinstance(op, ops.Mremap) and op.to != op.start:
            self._moved(op)
        while self._one_more(op.space):
            self.mattered += 1

    def _moved(self, op: ops.Mremap) -> None:
        """What was never written counts from where it is now (copy_vma)."""
        area = self.model.world.spaces[op.space].inside(op.to, op.to + 1)[0]
        held = self.model.contents.contents.spaces[op.space]
        extent = held.at(op.to)
        if extent.what is None and not area.anon:
            held.extents[held.extents.index(extent)] = replace(extent, offset=extent.start)

    def _one_more(self, space: int) -> bool:
        """Hand an anon_vma from one area to an equal neighbour that has none; whether there was such."""
        for one, other in pairwise(self.impl.spaces[space].vmas()):
            if (one.anon_vma is None) == (other.anon_vma is None) or not self._continues(space, one, other):
                continue
            has, lacks = (other, one) if one.anon_vma is None else (one, other)
            if len(has.chain or ()) > 1:
                continue
            prepare_anon_vma(self.impl.machine, lacks)
            areas = self.model.world.spaces[space].areas
            at = next(at for at, area in enumerate(areas) if area.start == lacks.start)
            areas[at] = replace(areas[at], anon=True)
            return True
        return False

    def _continues(self, space: int, one: Vma, other: Vma) -> bool:
        """Whether two VMAs are equal, and the second maps what follows the first."""
        if one.end != other.start or (one.flags ^ other.flags) & VISIBLE:
            return False
        held = self.model.contents.contents.spaces[space]
        left, right = held.at(one.end - 1), held.at(other.start)
        return left.what == right.what and left.offset - left.start == right.offset - right.start
