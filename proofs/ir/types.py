"""LLVM's types, as far as C has them on a 64-bit machine, and where their members lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mapleproof.proofs.ir.errors import NotUnderstood

Kind = Literal[
    "int", "float", "ptr", "void", "struct", "array", "vector", "named", "func", "opaque", "label", "metadata"
]
POINTER_BYTES = 8


@dataclass(frozen=True, slots=True)
class Type:
    """``bits`` is the width of a number, or how many elements an array has; ``parts`` are the types of a
    struct's members, or the one of an array's elements; ``name`` is that of a type defined elsewhere."""

    kind: Kind
    bits: int = 0
    parts: tuple[Type, ...] = ()
    name: str = ""
    packed: bool = False


VOID, POINTER, LABEL, METADATA = Type("void"), Type("ptr"), Type("label"), Type("metadata")
BIT = Type("int", 1)


@dataclass(frozen=True, slots=True)
class Layout:
    """Bytes that a type takes, what its address is a multiple of, and where a struct's members begin."""

    size: int
    align: int
    offsets: tuple[int, ...] = ()


class Layouts:
    """The layouts of types; ``definitions`` has the named ones."""

    def __init__(self, definitions: dict[str, Type]) -> None:
        self.definitions = definitions
        self._known: dict[Type, Layout] = {}

    def resolve(self, kind: Type) -> Type:
        """A type itself, where a name stands for it."""
        while kind.kind == "named":
            if kind.name not in self.definitions:
                raise NotUnderstood(f"the type {kind.name} is not defined")
            kind = self.definitions[kind.name]
        return kind

    def of(self, kind: Type) -> Layout:
        """The layout of a type. Raises NotUnderstood for what has none."""
        if kind not in self._known:
            self._known[kind] = self._made(self.resolve(kind))
        return self._known[kind]

    def size(self, kind: Type) -> int:
        """How many bytes a type takes."""
        return self.of(kind).size

    def bits(self, kind: Type) -> int:
        """How wide a value of this type is."""
        real = self.resolve(kind)
        return real.bits if real.kind == "int" else 8 * self.size(kind)

    def member(self, kind: Type, index: int) -> tuple[int, Type]:
        """Where a member of a struct begins, and its type."""
        return self.of(kind).offsets[index], self.resolve(kind).parts[index]

    def element(self, kind: Type) -> Type:
        """The type of an array's elements."""
        real = self.resolve(kind)
        if real.kind not in ("array", "vector"):
            raise NotUnderstood(f"{real.kind} is indexed like an array")
        return real.parts[0]

    def _made(self, real: Type) -> Layout:
        if real.kind == "int":
            size = 1 << max(0, (real.bits + 7) // 8 - 1).bit_length()
            return Layout(size, min(size, 16))
        if real.kind in ("ptr", "func"):
            return Layout(POINTER_BYTES, POINTER_BYTES)
        if real.kind == "float":
            return Layout(real.bits // 8, real.bits // 8)
        if real.kind in ("array", "vector"):
            one = self.of(real.parts[0])
            return Layout(one.size * real.bits, one.align)
        if real.kind == "struct":
            return self._struct(real)
        if real.kind == "opaque":
            return Layout(1, 1)
        raise NotUnderstood(f"how large {real.kind} is")

    def _struct(self, real: Type) -> Layout:
        at, most = 0, 1
        offsets = []
        for part in real.parts:
            one = self.of(part)
            align = 1 if real.packed else one.align
            at = _up(at, align)
            offsets.append(at)
            at += one.size
            most = max(most, align)
        return Layout(_up(at, most), most, tuple(offsets))


def _up(at: int, align: int) -> int:
    return (at + align - 1) // align * align
