"""What a mistake is that is put into a copy of lib/maple_tree.c."""

from __future__ import annotations

from typing import NamedTuple


class Spot(NamedTuple):
    """Where a mistake is put in: a function, a fragment of it, and what stands there instead."""

    function: str
    find: str
    replace: str


class KernelSeed(NamedTuple):
    """One mistake; ``elsewhere`` are its places in kernels of other versions."""

    name: str
    function: str
    find: str
    replace: str
    promise: str
    elsewhere: tuple[Spot, ...] = ()

    @property
    def places(self) -> tuple[Spot, ...]:
        return (Spot(self.function, self.find, self.replace), *self.elsewhere)
