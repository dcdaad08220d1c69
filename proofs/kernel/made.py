"""What claims about a kernel tree are made of: twins that are edits of its text, and parts that are executed
on whichever tree is at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import z3  # type: ignore[import-untyped]

from mapleproof.impl.kernel.booted.edits import Edit
from mapleproof.proofs.engine.claim import Twin
from mapleproof.proofs.engine.paths import Program, assume
from mapleproof.proofs.engine.words import Word
from mapleproof.proofs.ir.machine import TurnOver
from mapleproof.proofs.kernel.subject import Kernel

Part = Callable[[Kernel], None]
"""One part of a claim: executes functions of a tree and claims what must hold of them."""

Mistake = tuple[str, str, tuple[Edit, ...], tuple[str, ...]]
"""A twin: its name, what it does, the edits that put it in, and the parts that are tried against it."""


def program(kernel: Kernel, part: Part) -> Program:
    """A part executed on a tree."""

    def run() -> None:
        with suppress(TurnOver):  # what holds of one turn was claimed
            part(kernel)

    return run


def programs(kernel: Kernel, parts: dict[str, Part]) -> dict[str, Program]:
    """All parts of a claim."""
    return {name: program(kernel, part) for name, part in parts.items()}


def twins(kernel: Kernel, parts: dict[str, Part], mistakes: Sequence[Mistake]) -> tuple[Twin, ...]:
    """The mistakes that fit the text of this tree."""
    return tuple(
        Twin(name, what, programs=tuple(_planted(kernel, edits, parts[part]) for part in tried))
        for name, what, edits, tried in mistakes
        if kernel.fits(edits)
    )


def _planted(kernel: Kernel, edits: tuple[Edit, ...], part: Part) -> Program:
    return lambda: program(kernel.edited(edits), part)()


def one_of(name: str, numbers: range) -> int:
    """An input that is one of these numbers, one path each."""
    word = Word.named(name)
    assume(z3.And(z3.ULE(numbers[0], word.term), z3.ULE(word.term, numbers[-1])))
    return next((number for number in numbers[:-1] if word == number), numbers[-1])


def edit(files: str, function: str, find: str, replace: str) -> tuple[Edit, ...]:
    """One edit of a statement; ``files`` are those in which its function may be, apart by spaces."""
    return (Edit(tuple(files.split()), function, find, replace),)
