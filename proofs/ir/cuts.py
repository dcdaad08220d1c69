"""Loops by invariant: from an arbitrary state for which it holds, one turn is executed, after which it must
hold again. So what is claimed of one turn holds of any number.

What the loop stores to variables of its function gets new values at its head, of which the invariant alone
is known. Everything else must be after a turn what it was before, which is claimed. That loops end is not
proved.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.ir.arithmetic import term
from mapleproof.proofs.ir.errors import NotUnderstood
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.machine import Machine, TurnOver
from mapleproof.proofs.ir.memory import Block

Sentences = list[tuple[str, Any]]
"""What holds, in words and as a formula."""


class Cut:
    """An invariant. ``arrive`` is told when the loop is come to, ``havoc`` gives what it changes apart from
    variables new values, ``holds`` is what holds at the head of each turn. ``others`` are names of blocks
    that ``havoc`` takes care of."""

    others: tuple[str, ...] = ()

    def arrive(self, machine: Machine, frame: Frame) -> None:
        """The loop is come to."""

    def havoc(self, machine: Machine, frame: Frame) -> None:
        """Any number of turns has gone by."""

    def holds(self, machine: Machine, frame: Frame) -> Sentences:
        """What holds now, if the invariant does."""
        raise NotImplementedError

    def at_head(self, machine: Machine, frame: Frame, head: str) -> None:
        """The executor is at the head of the loop. Raises TurnOver after a turn."""
        name = frame.function.name
        if head in frame.cut:
            known, own = frame.cut[head]
            for block in machine.memory.blocks():
                if id(block) not in own and block.name not in self.others:
                    _claim_same(f"{name}, after a turn", block, known.get(id(block), {}))
            for sentence, formula in self.holds(machine, frame):
                claim(f"{name}, after a turn: {sentence}", formula)
            raise TurnOver
        self.arrive(machine, frame)
        for sentence, formula in self.holds(machine, frame):
            claim(f"{name}, before the loop: {sentence}", formula)
        changed = _stored_to(frame, head)
        for variable in changed:
            if variable in frame.variables:
                _forget(machine, frame.variables[variable])
        own = {id(frame.variables[each]) for each in changed if each in frame.variables}
        self.havoc(machine, frame)
        for block in machine.memory.blocks():
            block.mark()
        frame.cut[head] = {id(block): dict(block.cells) for block in machine.memory.blocks()}, own
        for _, formula in self.holds(machine, frame):
            assume(formula)


def _stored_to(frame: Frame, head: str) -> set[str]:
    """The variables of the function that a loop stores to by name."""
    found = set()
    for block in frame.function.loops()[head]:
        for at in range(len(frame.function.blocks[block])):
            line = frame.function.line(block, at)
            if line.op == "store" and line.args[2][0] == "local":
                found.add(line.args[2][1])
    return found


def _forget(machine: Machine, block: Block) -> None:
    """A variable holds anything."""
    block.cells.clear()
    if block.size in (1, 2, 4, 8):
        block.store(0, block.size, machine.new(block.name, 8 * block.size))
    else:
        block.unknown = machine.anything(block.name)


def _claim_same(where: str, block: Block, before: dict[int, tuple[int, Any]]) -> None:
    """What a turn has stored to a block is what was there."""
    for offset, size in list(block.changed.items()):
        old = before.get(offset)
        if old is None or old[0] != size or isinstance(old[1], tuple):
            raise NotUnderstood(
                f"{where}: {block.name}+{offset} is stored to, of which the invariant is silent"
            )
        now = block.load(offset, size)
        same = term(old[1], 8 * size) == term(now, 8 * size)
        claim(f"{where}: {block.name} is as it was", same if not isinstance(same, bool) else z3.BoolVal(same))
