"""One instruction of LLVM IR, read when it is executed for the first time.

``args`` by ``op``:

alloca (type)                                    load (type, address)
store (type, value, address)                     getelementptr (type, typed operands)
binary (how, type, one, other)                   icmp (predicate, type, one, other)
cast (how, from, value, to)                      select (condition, type, one, other)
phi (type, ((block, value), ...))                call (type, callee, typed operands)
extractvalue (type, value, indices)              insertvalue (type, value, type, part, indices)
cmpxchg (type, address, expected, new)           atomicrmw (how, type, address, value)
fence ()                                         br (condition or None)
switch (type, value, ((case, block), ...))       ret (type, value or None)
callbr (type, callee, typed operands)            unreachable ()

``targets`` are the blocks that may come next; a switch's default comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mapleproof.proofs.ir.errors import NotUnderstood
from mapleproof.proofs.ir.tokens import BINARY, CASTS, Operand, Reader, tokens
from mapleproof.proofs.ir.types import METADATA, VOID, Type


@dataclass(frozen=True, slots=True)
class Instruction:
    """``out`` is the name that its result gets, "" where there is none."""

    op: str
    out: str
    args: tuple[Any, ...]
    targets: tuple[str, ...] = ()
    text: str = ""


def instruction(text: str) -> Instruction:
    """An instruction out of its text. Raises NotUnderstood."""
    bare = re.sub(r" #\d+", "", re.sub(r",? ![\w.]+ ![\w.]*\d*", "", text))
    reader = Reader(tokens(bare))
    out = ""
    if reader.peek().startswith("%") and reader.peek(1) == "=":
        out = reader.next()
        reader.next()
    while reader.peek() in ("tail", "musttail", "notail"):
        reader.next()
    op = reader.next()
    if op in BINARY:
        return Instruction("binary", out, (op, *_pair(reader)), text=text)
    if op in CASTS:
        return Instruction("cast", out, (op, *_cast(reader)), text=text)
    if op not in _READ:
        raise NotUnderstood(f"instruction {op}: {text[:120]}")
    args, targets = _READ[op](reader)
    return Instruction(op, out, args, targets, text)


Read = tuple[tuple[Any, ...], tuple[str, ...]]


def _pair(reader: Reader) -> tuple[Type, Operand, Operand]:
    """A type and two operands of it."""
    reader.attributes()
    kind, one = reader.typed()
    reader.want(",")
    return kind, one, reader.operand()


def _cast(reader: Reader) -> tuple[Type, Operand, Type]:
    reader.attributes()
    kind, value = reader.typed()
    reader.want("to")
    return kind, value, reader.type()


def _alloca(reader: Reader) -> Read:
    reader.attributes()
    return (reader.type(),), ()


def _load(reader: Reader) -> Read:
    reader.take("atomic")
    reader.attributes()
    kind = reader.type()
    reader.want(",")
    return (kind, reader.typed()[1]), ()


def _store(reader: Reader) -> Read:
    reader.take("atomic")
    reader.attributes()
    kind, value = reader.typed()
    reader.want(",")
    return (kind, value, reader.typed()[1]), ()


def _gep(reader: Reader) -> Read:
    reader.attributes()
    of = reader.type()
    reader.want(",")
    found = [reader.typed()]
    while reader.take(","):
        found.append(reader.typed())
    return (of, tuple(found)), ()


def _icmp(reader: Reader) -> Read:
    reader.attributes()
    predicate = reader.next()
    return (predicate, *_pair(reader)), ()


def _select(reader: Reader) -> Read:
    _, condition = reader.typed()
    reader.want(",")
    kind, one = reader.typed()
    reader.want(",")
    return (condition, kind, one, reader.typed()[1]), ()


def _phi(reader: Reader) -> Read:
    kind = reader.type()
    ways = []
    while reader.take("["):
        value = reader.operand()
        reader.want(",")
        ways.append((reader.next(), value))
        reader.want("]")
        reader.take(",")
    return (kind, tuple(ways)), ()


def _label(reader: Reader) -> str:
    reader.want("label")
    return reader.next()


def _br(reader: Reader) -> Read:
    if reader.peek() == "label":
        return (None,), (_label(reader),)
    _, condition = reader.typed()
    reader.want(",")
    yes = _label(reader)
    reader.want(",")
    return (condition,), (yes, _label(reader))


def _switch(reader: Reader) -> Read:
    kind, value = reader.typed()
    reader.want(",")
    targets = [_label(reader)]
    reader.want("[")
    cases = []
    while not reader.take("]"):
        _, case = reader.typed()
        reader.want(",")
        targets.append(_label(reader))
        cases.append((case[1] if case[0] == "int" else 0, targets[-1]))
    return (kind, value, tuple(cases)), tuple(targets)


def _ret(reader: Reader) -> Read:
    kind = reader.type()
    return (kind, None if kind == VOID else reader.operand()), ()


def _call(reader: Reader) -> Read:
    reader.attributes()
    kind = reader.type()
    if kind.kind == "func":
        kind = kind.parts[0]
    if reader.take("asm"):
        reader.attributes()
        callee: Operand = ("asm", reader.next())
        reader.want(",")
        reader.next()
    else:
        callee = reader.operand()
    reader.want("(")
    found: list[tuple[Type, Operand]] = []
    while not reader.take(")"):
        of = reader.type()
        if of == METADATA:
            while reader.peek() not in (",", ")"):
                reader.skip() if reader.peek() == "(" else reader.next()
            found.append((of, ("undef",)))
        else:
            found.append((of, reader.operand()))
        reader.take(",")
    return (kind, callee, tuple(found)), ()


def _callbr(reader: Reader) -> Read:
    args, _ = _call(reader)
    rest = reader.row[reader.at :]
    return args, tuple(rest[at + 1] for at, word in enumerate(rest) if word == "label")


def _numbers(reader: Reader) -> tuple[int, ...]:
    found = []
    while reader.take(","):
        found.append(int(reader.next()))
    return tuple(found)


def _extractvalue(reader: Reader) -> Read:
    kind, value = reader.typed()
    return (kind, value, _numbers(reader)), ()


def _insertvalue(reader: Reader) -> Read:
    kind, value = reader.typed()
    reader.want(",")
    of, part = reader.typed()
    return (kind, value, of, part, _numbers(reader)), ()


def _cmpxchg(reader: Reader) -> Read:
    reader.take("weak")
    reader.attributes()
    _, address = reader.typed()
    reader.want(",")
    kind, expected = reader.typed()
    reader.want(",")
    return (kind, address, expected, reader.typed()[1]), ()


def _atomicrmw(reader: Reader) -> Read:
    reader.attributes()
    how = reader.next()
    _, address = reader.typed()
    reader.want(",")
    kind, value = reader.typed()
    return (how, kind, address, value), ()


def _freeze(reader: Reader) -> Read:
    kind, value = reader.typed()
    return (kind, value), ()


def _nothing(_reader: Reader) -> Read:
    return (), ()


_READ = {
    "alloca": _alloca,
    "load": _load,
    "store": _store,
    "getelementptr": _gep,
    "icmp": _icmp,
    "select": _select,
    "phi": _phi,
    "br": _br,
    "switch": _switch,
    "ret": _ret,
    "call": _call,
    "callbr": _callbr,
    "extractvalue": _extractvalue,
    "insertvalue": _insertvalue,
    "cmpxchg": _cmpxchg,
    "atomicrmw": _atomicrmw,
    "freeze": _freeze,
    "fence": _nothing,
    "unreachable": _nothing,
}
OPS = frozenset(_READ) | {"binary", "cast"}
"""Every kind of instruction that is known."""

ENDS = frozenset(["br", "switch", "ret", "callbr", "unreachable"])
"""Those that end a block."""
