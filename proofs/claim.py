"""A claim: one sentence, one formula, its bounds, the shipped functions that are executed, its twins.

Every part of a claim is a program that is explored on its own. A twin is the same claim about code with a
real mistake in it, which must come out refuted: planted by an edit of the source, or by executing something
that is known to be wrong. A claim with a twin that is not refuted proves nothing and is void.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Literal

from proofs.paths import Explored, Paths, Program
from props.seeded.seeding import Edit, Seed, planted

__all__ = ["Claim", "Edit", "Judged", "Refutation", "Twin", "describe", "exit_status", "judge", "main"]

Verdict = Literal["proved", "refuted", "inconclusive", "void"]


@dataclass(frozen=True, slots=True)
class Twin:
    """A mistake: ``name``, what it does, the edits that put it in, and the parts of the claim that are tried
    against it, all where none is given. ``programs`` are tried in place of the claim's own."""

    name: str
    what: str
    edits: tuple[Edit, ...] = ()
    parts: tuple[str, ...] = ()
    programs: tuple[Program, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed. ``executes`` names the functions of impl/ that run, ``parts`` the programs that run
    them."""

    name: str
    sentence: str
    formula: str
    bounds: str
    executes: tuple[str, ...]
    parts: dict[str, Program]
    twins: tuple[Twin, ...]


@dataclass(frozen=True, slots=True)
class Refutation:
    """A sentence that does not hold, where, and the inputs that show it."""

    part: str
    sentence: str
    inputs: dict[str, int]

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value:#x}" for name, value in self.inputs.items())
        return f"{self.part}: {self.sentence}; not for {values or 'any input'}"


@dataclass(slots=True)
class Judged:
    """What came out of a claim: its verdict, what it took, and what each twin was refuted by (None where it
    was not)."""

    claim: Claim
    verdict: Verdict = "proved"
    paths: int = 0
    queries: int = 0
    seconds: float = 0.0
    refutation: Refutation | None = None
    unknown: list[str] = field(default_factory=list)
    twins: dict[str, Refutation | None] = field(default_factory=dict)

    @property
    def twins_refuted(self) -> int:
        """How many twins came out refuted, as they must."""
        return sum(found is not None for found in self.twins.values())


def judge(claim: Claim) -> Judged:
    """Prove a claim, and refute its twins."""
    judged = Judged(claim)
    for part, program in claim.parts.items():
        found = Paths(program).explore()
        _count(judged, found)
        if found.refuted is not None:
            judged.verdict = "refuted"
            judged.refutation = Refutation(part, *found.refuted)
            return judged
        if not found.proved:
            judged.verdict = "inconclusive"
            judged.unknown += found.unknown or [f"{part}: not all paths were visited, or there is none"]
    for twin in claim.twins:
        judged.twins[twin.name] = _refute(judged, twin)
    if not claim.twins or judged.twins_refuted < len(claim.twins):
        judged.verdict = "void" if judged.verdict == "proved" else judged.verdict
    return judged


def _refute(judged: Judged, twin: Twin) -> Refutation | None:
    parts = judged.claim.parts
    programs = {name: parts[name] for name in twin.parts or parts}
    if twin.programs:
        programs = {f"{twin.name} {number}": one for number, one in enumerate(twin.programs, 1)}
    seed = Seed(twin.name, "", twin.what, twin.edits, "proof")
    with planted(seed) if twin.edits else nullcontext():
        for name, program in programs.items():
            found = Paths(program).explore()
            _count(judged, found)
            if found.refuted is not None:
                return Refutation(name, *found.refuted)
    return None


def _count(judged: Judged, found: Explored) -> None:
    judged.paths += found.paths
    judged.queries += found.queries
    judged.seconds += found.seconds


def describe(judged: Judged) -> list[str]:
    """A claim and what came out of it, as lines to print."""
    claim = judged.claim
    lines = [
        f"{claim.name}: {judged.verdict}",
        f"  {claim.sentence}",
        f"  formula   {claim.formula}",
        f"  bounds    {claim.bounds}",
        f"  executes  {', '.join(claim.executes)}",
        f"  {judged.paths} paths, {judged.queries} queries, {judged.seconds:.1f} s",
    ]
    if judged.refutation is not None:
        lines.append(f"  refuted by {judged.refutation}")
    lines += [f"  unknown: {what}" for what in judged.unknown]
    for name, found in judged.twins.items():
        lines.append(f"  twin {name}: {'NOT refuted' if found is None else f'refuted; {found}'}")
    return lines


EXIT_STATUS: dict[Verdict, int] = {"proved": 0, "refuted": 1, "inconclusive": 3, "void": 1}
"""What a verdict means for the process: a void claim is a broken promise of the suite."""


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """Of several claims: 1 if any is refuted or void, else 3 if any is inconclusive, else 0."""
    statuses = {EXIT_STATUS[verdict] for verdict in verdicts}
    return 1 if 1 in statuses else max(statuses, default=0)


def main(claim: Claim) -> None:
    """A claim as a script of its own."""
    judged = judge(claim)
    print("\n".join(describe(judged)))
    sys.exit(exit_status([judged.verdict]))
