"""Flat memory: things at known addresses. So casts between pointers and integers, tags in the low bits of
pointers and container_of() need nothing special.

An access to what is nowhere near anything that is there says nothing about the code: it is not understood.
One below the first page, or a little beside a thing, is a mistake of the code, and refutes.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import claim
from mapleproof.proofs.ir.arithmetic import Value, term, tidy, truth
from mapleproof.proofs.ir.errors import NotUnderstood

FIRST_PAGE = 4096
BESIDE = 256
"""So many bytes behind a thing belong to nothing else: an access there is one outside of the thing."""

Unknown = Callable[[int, int], Value]
"""What bytes hold that were never stored, by their offset and how many they are."""


class Thing(Protocol):
    """Anything that has an address: ``load`` and ``store`` get an offset, plain or symbolic, and a size."""

    name: str
    base: int
    size: int

    def load(self, offset: Value, size: int) -> Value: ...

    def store(self, offset: Value, size: int, value: Value) -> None: ...


class Block:
    """Plain bytes, kept as cells of the sizes that were stored. Where nothing was stored, ``unknown`` says
    what is there."""

    def __init__(self, name: str, base: int, size: int, unknown: Unknown | None = None) -> None:
        self.name, self.base, self.size, self.unknown = name, base, size, unknown
        self.cells: dict[int, tuple[int, Value]] = {}
        self.changed: dict[int, int] = {}
        """Where something was stored since ``mark()``, and how much."""
        self._widest = 1

    def mark(self) -> None:
        """From here on it is noted where something is stored."""
        self.changed = {}

    def load(self, offset: Value, size: int) -> Value:
        if not isinstance(offset, int):
            offset = self._picked(offset, size)
        cell = self.cells.get(offset)
        if cell is not None and cell[0] == size:
            return cell[1]
        parts: list[Any] = []
        at = offset
        while at < offset + size:
            hit = self._over(at)
            if hit is None:
                self._invent(at, offset + size)
                continue
            start, (width, value) = hit
            upto = min(start + width, offset + size)
            parts.append(_bytes_of(value, at - start, upto - start))
            at = upto
        return tidy(z3.Concat(*reversed(parts)) if len(parts) > 1 else parts[0])

    def _invent(self, at: int, end: int) -> None:
        """Give a value to the bytes from ``at`` on that have none."""
        if self.unknown is None:
            raise NotUnderstood(f"{self.name}+{at} is read before it was written")
        size = 1
        while at + size < end and self._over(at + size) is None:
            size += 1
        size = size if size in (1, 2, 4, 8) else 1
        self.cells[at] = (size, self.unknown(at, size))
        self._widest = max(self._widest, size)

    def _over(self, at: int) -> tuple[int, tuple[int, Value]] | None:
        """The cell that holds a byte, and where it begins."""
        for start in range(at, at - self._widest, -1):
            cell = self.cells.get(start)
            if cell is not None and start + cell[0] > at:
                return start, cell
        return None

    def store(self, offset: Value, size: int, value: Value) -> None:
        if not isinstance(offset, int):
            offset = self._picked(offset, size)
        self.changed[offset] = max(size, self.changed.get(offset, 0))
        self._widest = max(self._widest, size)
        for at in range(offset, offset + size):
            hit = self._over(at)
            if hit is None or (hit[0] == offset and hit[1][0] == size):
                continue
            start, (width, old) = hit
            del self.cells[start]
            for byte in range(width):
                self.cells[start + byte] = (1, tidy(_bytes_of(old, byte, byte + 1)))
        for at in range(offset, offset + size):
            self.cells.pop(at, None)
        self.cells[offset] = (size, value)

    def _picked(self, offset: Any, size: int) -> int:
        """A symbolic offset: a path for each value that it may have."""
        for at in range(0, self.size - size + 1, size):
            if truth(z3.simplify(offset == at)):
                return at
        raise NotUnderstood(f"{self.name} is accessed at an offset that is no multiple of {size}")


def _bytes_of(value: Value, low: int, high: int) -> Any:
    """Bytes low to high - 1 of a value, as a z3 word."""
    if isinstance(value, int):
        return z3.BitVecVal(value >> (8 * low), 8 * (high - low))
    if not z3.is_bv(value):
        raise NotUnderstood("a part of what is no number")
    return z3.Extract(8 * high - 1, 8 * low, value)


class Memory:
    """All things, by their addresses."""

    def __init__(self) -> None:
        self._bases: list[int] = []
        self._things: dict[int, Thing] = {}

    def place(self, thing: Thing) -> None:
        """A thing is there from now on."""
        insort(self._bases, thing.base)
        self._things[thing.base] = thing

    def remove(self, thing: Thing) -> None:
        """It is not there any more."""
        del self._things[thing.base]
        self._bases.remove(thing.base)

    def blocks(self) -> Iterator[Block]:
        """All plain blocks."""
        return (thing for thing in self._things.values() if isinstance(thing, Block))

    def load(self, address: Value, size: int) -> Value:
        """What is at an address."""
        thing, offset = self.find(address, size)
        return thing.load(offset, size)

    def store(self, address: Value, size: int, value: Value) -> None:
        """Put something at an address."""
        thing, offset = self.find(address, size)
        thing.store(offset, size, value)

    def find(self, address: Value, size: int) -> tuple[Thing, Value]:
        """The thing at an address and the offset in it. Raises NotUnderstood."""
        if isinstance(address, int):
            if address < FIRST_PAGE:
                claim(f"{address:#x} is not followed as a pointer", False)
            thing = self._near(address)
            if thing is None:
                raise NotUnderstood(f"an access to {address:#x}, where nothing is")
            offset = address - thing.base
            if offset + size > thing.size:
                claim(f"an access stays inside {thing.name}", False)
            return thing, offset
        for guess in _constants(address):
            thing = self._near(guess)
            if thing is not None and guess < thing.base + thing.size:
                distance = tidy(address - thing.base)
                claim(f"an access stays inside {thing.name}", z3.ULE(term(distance, 64), thing.size - size))
                return thing, distance
        raise NotUnderstood(f"an address that may be anything: {str(address)[:200]}")

    def _near(self, address: int) -> Thing | None:
        at = bisect_right(self._bases, address) - 1
        if at < 0:
            return None
        thing = self._things[self._bases[at]]
        return thing if address < thing.base + thing.size + BESIDE else None


def _constants(address: Any) -> list[int]:
    """Known numbers that a symbolic address is made of."""
    if z3.is_bv_value(address):
        return [address.as_long()]
    if address.decl().kind() in (z3.Z3_OP_BADD, z3.Z3_OP_BOR):
        return [found for child in address.children() for found in _constants(child)]
    if address.decl().kind() == z3.Z3_OP_CONCAT:
        at, whole = 64, 0
        for child in address.children():
            at -= child.size()
            if z3.is_bv_value(child):
                whole |= child.as_long() << at
        return [whole]
    return []
