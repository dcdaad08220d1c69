"""A claim: one sentence, one formula, its bounds, the shipped functions that are executed, its twins.

Every part of a claim is a program that is explored on its own. A twin is the same claim about code with a
real mistake in it, which must come out refuted: planted by an edit of the source, or by executing something
that is known to be wrong. Where a claim can tell a case from a counterexample, a twin counts as refuted only
if its case fails on the twin and passes on the code. A claim with a twin that is not refuted proves nothing
and is void.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from traceback import extract_tb
from typing import Literal

from mapleproof.proofs.engine.cases import Shown, difference, show, write
from mapleproof.proofs.engine.emitted import Emitted
from mapleproof.proofs.engine.paths import Explored, Keep, NotExecuted, Paths, Program
from mapleproof.props.common.files import Case
from mapleproof.props.common.planting import Edit, Seed, planted

__all__ = ["Claim", "Edit", "Judged", "Refutation", "Twin", "describe", "exit_status", "judge", "main"]

Verdict = Literal["not tried", "proved", "refuted", "inconclusive", "void", "not of this kernel"]
"""Not tried is a claim whose twins alone were asked for. Not of this kernel is one about what the
kernel at hand does without: it says nothing, neither good nor bad."""

ORDER: tuple[Verdict, ...] = ("not tried", "proved", "void", "inconclusive", "refuted")
"""The verdict on several parts is the last one of these that a part has."""

ToCase = Callable[[str, dict[str, int]], Case | None]
"""From a part's name and the inputs that refute it to the case that shows it; None where there is none."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A mistake: ``name``, what it does, the edits that put it in, and the parts of the claim that are tried
    against it, all where none is given. ``programs`` are tried in place of the claim's own; they are parts
    named after the twin, with a number. ``to_case`` is in place of the claim's own, and ``port`` is where the
    case shows the mistake: "model" for one that is planted in model/."""

    name: str
    what: str
    edits: tuple[Edit, ...] = ()
    parts: tuple[str, ...] = ()
    programs: tuple[Program, ...] = ()
    to_case: ToCase | None = None
    port: str = "impl"

    @property
    def seed(self) -> Seed | None:
        """What is planted; None where what is executed is known to be wrong as it is."""
        return Seed(self.name, "", self.what, self.edits, "proof") if self.edits else None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed. ``executes`` names the functions under proof, ``parts`` the programs that run them.
    ``around`` are modules that run as they ship besides, of which this claim says nothing.
    ``to_case`` makes a case of a counterexample. ``details`` are lines for who asks for this claim. Where the
    code is not ``ours``, a twin that is not refuted leaves the claim open: what it changes may be no mistake
    in that code. ``absent`` tells why the claim is not of that code, where it is not: nothing is tried.
    ``orders`` is set where the code mostly compares and adds words up (``orders.py``)."""

    name: str
    sentence: str
    formula: str
    bounds: str
    executes: tuple[str, ...]
    parts: dict[str, Program]
    twins: tuple[Twin, ...]
    to_case: ToCase | None = None
    around: tuple[str, ...] = ()
    details: Callable[[], Iterable[str]] | None = None
    ours: bool = True
    absent: str = ""
    orders: bool = False


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
    was not). ``cases`` are what the twins' cases showed, ``command`` replays the claim's own
    counterexample."""

    claim: Claim
    verdict: Verdict = "not tried"
    paths: int = 0
    queries: int = 0
    seconds: float = 0.0
    refutation: Refutation | None = None
    command: str = ""
    unknown: list[str] = field(default_factory=list)
    twins: dict[str, Refutation | None] = field(default_factory=dict)
    cases: dict[str, Shown] = field(default_factory=dict)

    def add(self, other: Judged) -> None:
        """Take in what came out of another piece of the claim."""
        if ORDER.index(other.verdict) > ORDER.index(self.verdict):
            self.verdict, self.refutation, self.command = other.verdict, other.refutation, other.command
        self.paths += other.paths
        self.queries += other.queries
        self.seconds += other.seconds
        self.unknown += other.unknown
        self.twins |= other.twins
        self.cases |= other.cases

    @property
    def twins_refuted(self) -> int:
        """How many twins came out refuted, as they must, with a case where the claim can tell one."""
        return sum(self.is_refuted(twin) for twin in self.claim.twins)

    def is_refuted(self, twin: Twin) -> bool:
        """Whether the twin came out refuted, its case included."""
        if self.twins.get(twin.name) is None:
            return False
        if twin.to_case is None and self.claim.to_case is None:
            return True
        return twin.name in self.cases and self.cases[twin.name].as_it_must


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done about claims: prove their ``parts``, try their ``twins``; ``out`` is the folder for
    cases, and ``twin_cases`` whether twins' go there too; ``emit`` is the folder for final queries."""

    parts: bool = True
    twins: bool = True
    out: Path | None = None
    twin_cases: bool = False
    emit: Path | None = None


Unit = tuple[str, str]
"""A piece of work that is done on its own: "part" or "twin", and its name."""


def units(claim: Claim, wanted: Wanted) -> list[Unit]:
    """All that is to be done about a claim."""
    if claim.absent:
        return []
    parts = [("part", name) for name in claim.parts if wanted.parts]
    return parts + [("twin", twin.name) for twin in claim.twins if wanted.twins]


def judge(claim: Claim, wanted: Wanted | None = None) -> Judged:
    """Prove a claim, and refute its twins."""
    wanted = wanted or Wanted()
    return judged_of(claim, wanted, (do(claim, unit, wanted) for unit in units(claim, wanted)))


def judged_of(claim: Claim, wanted: Wanted, done: Iterable[Judged]) -> Judged:
    """What came out of a claim, from what came out of its units, in their order."""
    if claim.absent:
        return Judged(claim, "not of this kernel")
    judged = Judged(claim)
    for one in done:
        judged.add(one)
    if wanted.twins and (not claim.twins or judged.twins_refuted < len(claim.twins)):
        if not claim.ours:
            told = "none of the twins fits the sources" if not claim.twins else "a twin is not refuted"
            judged.unknown.append(told)
        if judged.verdict in ("proved", "not tried"):
            judged.verdict = "void" if claim.ours else "inconclusive"
    return judged


def do(claim: Claim, unit: Unit, wanted: Wanted) -> Judged:
    """One part proved, or one twin refuted."""
    kind, name = unit
    judged = Judged(claim)
    if kind == "part":
        judged.verdict = "proved"
        _prove(judged, name, wanted)
    else:
        twin = next(twin for twin in claim.twins if twin.name == name)
        judged.twins[name] = _refute(judged, twin, wanted)
    return judged


def _prove(judged: Judged, part: str, wanted: Wanted) -> None:
    claim = judged.claim
    keep = None if wanted.emit is None else Emitted(wanted.emit, claim.name, part)
    found = _explored(judged, part, claim.parts[part], keep)
    if found is None:
        judged.verdict = "inconclusive"
    elif found.refuted is not None:
        judged.verdict = "refuted"
        judged.refutation = Refutation(part, *found.refuted)
        case = None if claim.to_case is None else claim.to_case(part, judged.refutation.inputs)
        if case is not None and wanted.out is not None:
            shows = "" if difference(case) else " (the case shows no difference)"
            judged.command = write(_named(case, f"{claim.name}-{part}"), wanted.out) + shows
    elif not found.proved:
        judged.verdict = "inconclusive"
        told = found.unknown or ["not all paths were visited, or there is none"]
        judged.unknown += [f"{part}: {what}" for what in told]


def _named(case: Case, name: str) -> Case:
    return Case(replace(case.header, name=name), case.steps)


def _refute(judged: Judged, twin: Twin, wanted: Wanted) -> Refutation | None:
    found = _refutation(judged, twin)
    to_case = twin.to_case or judged.claim.to_case
    if found is None or to_case is None:
        return found
    case = to_case(found.part, found.inputs)
    if case is None:
        return found
    name = f"{judged.claim.name}.{twin.name}"
    shown = show(case, twin.seed, twin.port)
    if wanted.out is not None and wanted.twin_cases:
        command = write(_named(case, name), wanted.out, twin.port, name if twin.edits else "")
        shown = shown._replace(command=command)
    judged.cases[twin.name] = shown
    return found


def _refutation(judged: Judged, twin: Twin) -> Refutation | None:
    parts = judged.claim.parts
    programs = {name: parts[name] for name in twin.parts or parts}
    if twin.programs:
        programs = {f"{twin.name} {number}": one for number, one in enumerate(twin.programs, 1)}
    seed = twin.seed
    with nullcontext() if seed is None else planted(seed):
        for name, program in programs.items():
            found = _explored(judged, f"twin {twin.name}: {name}", program)
            if found is not None and found.refuted is not None:
                return Refutation(name, *found.refuted)
    return None


def _explored(judged: Judged, what: str, program: Program, keep: Keep | None = None) -> Explored | None:
    """What an exploration came to. None where it broke off: what the engine cannot execute it does not know,
    so that is no refutation."""
    try:
        found = Paths(program, keep=keep, orders=judged.claim.orders).explore()
    except NotExecuted as error:
        judged.unknown.append(f"{what}: {error}")
        return None
    except Exception as error:
        at = extract_tb(error.__traceback__)[-1]
        place = f"{at.name} ({Path(at.filename).name}:{at.lineno})"
        judged.unknown.append(f"{what}: {type(error).__name__}: {error}, in {place}")
        return None
    judged.paths += found.paths
    judged.queries += found.queries
    judged.seconds += found.seconds
    return found


def describe(judged: Judged) -> list[str]:
    """A claim and what came out of it, as lines to print."""
    claim = judged.claim
    if claim.absent:
        return [f"{claim.name}: {judged.verdict}: {claim.absent}"]
    lines = [
        f"{claim.name}: {judged.verdict}",
        f"  {claim.sentence}",
        f"  formula   {claim.formula}",
        f"  bounds    {claim.bounds}",
        f"  executes  {', '.join(claim.executes)}",
        f"  around it {', '.join(claim.around) or 'nothing'}",
        f"  {judged.paths} paths, {judged.queries} queries, {judged.seconds:.1f} s",
    ]
    if judged.refutation is not None:
        lines.append(f"  refuted by {judged.refutation}")
    if judged.command:
        lines.append(f"  replay it with: {judged.command}")
    lines += [f"  unknown: {what}" for what in judged.unknown]
    for twin in claim.twins:
        if twin.name in judged.twins:
            lines += _describe_twin(judged, twin)
    if claim.details is not None:
        lines += [f"  {line}" for line in claim.details()]
    return lines


def _describe_twin(judged: Judged, twin: Twin) -> list[str]:
    found = judged.twins[twin.name]
    told = f"refuted; {found}" if found is not None else "NOT refuted"
    if found is not None and not judged.is_refuted(twin) and twin.name not in judged.cases:
        told += "; but there is NO case of it"
    lines = [f"  twin {twin.name} ({twin.what}): {told}"]
    if twin.name in judged.cases:
        lines.append(f"    {judged.cases[twin.name]}")
    return lines


EXIT_STATUS: dict[Verdict, int] = {
    "not tried": 0,
    "proved": 0,
    "refuted": 1,
    "inconclusive": 3,
    "void": 1,
    "not of this kernel": 3,
}
"""What a verdict means for the process, where it is the only one: a void claim is a broken promise of the
suite."""


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """Of several claims: 1 if any is refuted or void, else 3 if any is inconclusive, else 0; those that are
    not of this kernel count where there are no others."""
    counted = [verdict for verdict in verdicts if verdict != "not of this kernel"] or verdicts
    statuses = {EXIT_STATUS[verdict] for verdict in counted}
    return 1 if 1 in statuses else max(statuses, default=0)


def main(claim: Claim) -> None:
    """A claim as a script of its own."""
    judged = judge(claim)
    print("\n".join(describe(judged)))
    sys.exit(exit_status([judged.verdict]))
