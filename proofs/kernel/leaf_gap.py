"""mas_leaf_max_gap() of the tree over an arbitrary leaf: the largest run of NULL, no access outside it."""

from __future__ import annotations

from functools import partial
from typing import Any

import z3  # type: ignore[import-untyped]

from mapleproof.proofs.engine.claim import Claim
from mapleproof.proofs.engine.paths import assume, claim
from mapleproof.proofs.engine.words import FULL, Word
from mapleproof.proofs.ir.arithmetic import term
from mapleproof.proofs.ir.cuts import Cut, Sentences
from mapleproof.proofs.ir.errors import Missing
from mapleproof.proofs.ir.frame import Frame
from mapleproof.proofs.ir.machine import Machine
from mapleproof.proofs.kernel.leaves import NODE, NOT_NULL, TYPE_SHIFT, place_leaf
from mapleproof.proofs.kernel.made import Mistake, Part, edit, one_of, programs, twins
from mapleproof.proofs.kernel.subject import Kernel

NAME = "leaf_gap_exact"
SENTENCE = "The gap that a leaf is told to have is its largest run of NULL, 0 if it has none."
FORMULA = "gap = max(0, size of a run of NULL, for each);  two NULLs are never neighbours"

FILES = "lib/maple_tree.c"
FUNCTION = "mas_leaf_max_gap"
LOOPS = (f"{FUNCTION}:1", "ma_leaf_max_gap:1")
"""The loop over slots, in the function itself or in the one that later versions call; the first is another
kind of node's."""

WHOLE = (2, 3, 4, 5)
"""Leaves over whose slots the loop is executed as often as it turns."""

BY_TURNS = range(6, 17)
"""Leaves over whose slots one turn is executed, from whichever slot."""


class Leaf:
    """A leaf of ``count`` slots, between any limits; its only rules are that NULLs do not touch, and that the
    last leaf alone may end in one."""

    def __init__(self, kernel: Kernel, count: int) -> None:
        self.machine, self.facts = Machine(kernel.program), kernel.facts
        self.low, high = Word.named("min").term, Word.named("max").term
        self.limits = [*(Word.named(f"pivot{at}").term for at in range(count - 1)), high]
        self.slots = [Word.named(f"slot{at}").term for at in range(count)]
        assume(z3.ULE(self.low, self.limits[0]))
        for one, other in zip(self.limits, self.limits[1:], strict=False):
            assume(z3.ULT(one, other))
        for one, other in zip(self.slots, self.slots[1:], strict=False):
            assume(z3.Or(one != 0, other != 0))
        assume(z3.Or(high == FULL, self.slots[-1] != 0))
        place_leaf(kernel, self.machine, self.limits, self.slots)
        self.mas = self._state(high)
        before = [self.low - 1, *self.limits[:-1]]
        self.runs = [
            z3.If(slot == 0, last - first, z3.BitVecVal(0, 64))
            for slot, first, last in zip(self.slots, before, self.limits, strict=True)
        ]
        """The size of the run at each slot, 0 where an entry is."""

    def _state(self, high: Any) -> int:
        facts, machine = self.facts, self.machine
        mas = machine.block("mas", facts.size("ma_state"), unknown=machine.anything("mas"))
        enode = NODE | facts.value("maple_leaf_64") << TYPE_SHIFT | NOT_NULL
        for name, value in (("node", enode), ("min", self.low), ("max", high)):
            mas.store(facts.offset("ma_state", name), 8, value)
        return mas.base


class Looked(Cut):
    """The loop over slots: up to the one at hand no run is larger than the gap found."""

    def __init__(self, leaf: Leaf) -> None:
        self.leaf = leaf

    def havoc(self, machine: Machine, frame: Frame) -> None:
        frame.set("i", one_of("slot at hand", range(1, len(self.leaf.slots) + 1)))

    def holds(self, machine: Machine, frame: Frame) -> Sentences:
        gap, at, runs = term(frame.get("max_gap"), 64), frame.get("i"), self.leaf.runs
        is_last = self.leaf.limits[-1] == FULL
        return [
            ("it is a run of NULL, or 0", z3.Or(gap == 0, *[gap == run for run in runs])),
            ("none before is larger", _none_is_larger(runs[:at], gap)),
            ("nor the last of all", z3.Implies(is_last, z3.ULE(runs[-1], gap))),
        ]


def _none_is_larger(runs: list[Any], gap: Any) -> Any:
    """One question about all of them, which is shorter here than one for each."""
    return z3.Not(z3.Or(*[z3.UGT(run, gap) for run in runs]))


def _part(count: int, by_turns: bool, kernel: Kernel) -> None:
    if kernel.program.find(FUNCTION, None) is None:
        raise Missing(f"the sources have no {FUNCTION}()")
    leaf = Leaf(kernel, count)
    if by_turns:
        function = LOOPS[kernel.program.has("ma_leaf_max_gap")]
        leaf.machine.cuts = {function: Looked(leaf)}
    gap = term(leaf.machine.call(FUNCTION, [leaf.mas]), 64)
    runs = leaf.runs
    claim("it is a run of NULL, or 0", z3.Or(gap == 0, *[gap == run for run in runs]))
    claim("none is larger", _none_is_larger(runs, gap))


def parts() -> dict[str, Part]:
    """Leaves of two slots and more."""
    found: dict[str, Part] = {f"{count} slots": partial(_part, count, False) for count in WHOLE}
    return found | {f"{count} slots, by turns": partial(_part, count, True) for count in BY_TURNS}


def _mistakes() -> tuple[Mistake, ...]:
    """In the function itself, or from 6.19 on in the one that it calls."""
    found: list[Mistake] = []
    for function, low, called in ((FUNCTION, "mas->min", ""), ("ma_leaf_max_gap", "min", "_called")):
        for name, what, find, replace, part in (
            ("first_short", "a gap at slot 0 counts both ends", f"- {low} + 1;", f"- {low};", "2 slots"),
            (
                "end_short",
                "the last gap is too short",
                "gap = ULONG_MAX - pivots[max_piv];",
                "gap = ULONG_MAX - pivots[max_piv] - 1;",
                "2 slots",
            ),
            (
                "begins_late",
                "a gap begins one index late",
                "pstart = pivots[i - 1];",
                "pstart = pivots[i - 1] + 1;",
                "3 slots",
            ),
            (
                "slot_left_out",
                "a slot behind a gap in the first is left out",
                "i = 2;",
                "i = 3;",
                "16 slots, by turns",
            ),
            (
                "skips_too_many",
                "two slots are passed over behind a gap",
                "i++; }",
                "i += 2; }",
                "7 slots, by turns",
            ),
        ):
            found.append((name + called, what, edit(FILES, function, find, replace), (part,)))
    return tuple(found)


MISTAKES = _mistakes()


def claim_about(kernel: Kernel) -> Claim:
    """The claim about a tree."""
    all_parts = parts()
    return Claim(
        NAME,
        SENTENCE,
        FORMULA,
        f"leaves of {WHOLE[0]} to {BY_TURNS[-1]} slots, any limits, each slot NULL or not; 64-bit words; from"
        f" {BY_TURNS[0]} slots on by induction over the loop",
        (FUNCTION,),
        programs(kernel, all_parts),
        twins=twins(kernel, all_parts, MISTAKES),
        ours=False,
        orders=True,
    )
