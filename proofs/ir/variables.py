"""The contents that global variables begin with."""

from __future__ import annotations

import re
from collections.abc import Callable

from mapleproof.proofs.ir.arithmetic import Value
from mapleproof.proofs.ir.errors import NotUnderstood
from mapleproof.proofs.ir.memory import Block
from mapleproof.proofs.ir.module import Unit
from mapleproof.proofs.ir.tokens import Operand, Reader, tokens
from mapleproof.proofs.ir.types import Type

Constant = Callable[[Type, Operand], Value]
"""The value of an operand that is no aggregate."""


def definition(text: str) -> tuple[Type, Operand | None]:
    """The type of a variable and its first value, None where it is defined elsewhere."""
    found = re.match(r"(?:.*? )?(?:global|constant) (.*)", text)
    if found is None:
        raise NotUnderstood(f"the variable {text[:80]}")
    reader = Reader(tokens(re.sub(r", (align|section|comdat|partition|!).*", "", found[1])))
    kind = reader.type()
    return kind, reader.operand() if reader.peek() else None


def fill(block: Block, unit: Unit, at: int, kind: Type, value: Operand, constant: Constant) -> None:
    """Store a first value, member by member."""
    layouts = unit.layouts
    if value[0] == "undef":
        return
    if value[0] == "zero":
        for byte in range(layouts.size(kind)):
            block.store(at + byte, 1, 0)
    elif value[0] == "bytes":
        raw = re.sub(r'^c?"|"$', "", value[1]).encode()
        for number, byte in enumerate(re.sub(rb"\\([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), raw)):
            block.store(at + number, 1, byte)
    elif value[0] == "aggregate":
        is_struct = layouts.resolve(kind).kind == "struct"
        for number, (part, of) in enumerate(value[1]):
            offset = layouts.member(kind, number)[0] if is_struct else number * layouts.size(part)
            fill(block, unit, at + offset, part, of, constant)
    else:
        block.store(at, layouts.size(kind), constant(kind, value))
