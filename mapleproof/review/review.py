"""A review: everything there is to say of a change, in the order in which it answers most."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from mapleproof.impl.kernel.build import build
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.probe import tree_version
from mapleproof.review.beside import Beside, beside
from mapleproof.review.code import SOURCE, Change, change_of
from mapleproof.review.power import Mistake, power
from mapleproof.review.proofs import Claimed, Prover, claims_on
from mapleproof.review.sides import News, Shown, Tell, Tried, news, try_side
from mapleproof.review.trees import FORK, TREE, Series, Side

FOR_LANES, FOR_BESIDE, FOR_POWER = 0.6, 0.2, 0.2
"""How the time is divided: lanes on both sides, both side by side, mistakes in what was added."""


@dataclass(slots=True)
class Step:
    """One commit, held against what it follows.

    `same_machine`: the tree's machine code is the same, so there is nothing to run. `unbuilt` says why the
    side cannot be built. `open` are parts that were wanted and could not be done, each with its reason.
    """

    side: Side
    changes: list[Change] = field(default_factory=list)
    same_machine: bool = False
    unbuilt: str = ""
    news: list[tuple[News, Shown]] = field(default_factory=list)
    beside: Beside | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    all_mistakes: int = 0
    open: dict[str, str] = field(default_factory=dict)
    claims: list[Claimed] = field(default_factory=list)

    @property
    def breaks(self) -> int:
        """How many sorts of failure and claims it breaks."""
        return len(self.shown(News.BROKEN)) + sum(claim.broken for claim in self.claims)

    @property
    def mends(self) -> int:
        """How many it mends."""
        return len(self.shown(News.MENDED)) + sum(claim.mended for claim in self.claims)

    def shown(self, kind: News) -> list[Shown]:
        """The failures of this kind."""
        return [shown for one, shown in self.news if one is kind]

    @property
    def touched(self) -> list[str]:
        """The functions that it changes."""
        return [
            name for change in self.changes for name in dict.fromkeys((*change.text, *(change.machine or ())))
        ]


@dataclass(slots=True)
class Review:
    """The whole of it. `version` is the kernel's; `operations` those of the trees of all sides."""

    base: Side
    version: str
    seed: int
    steps: list[Step] = field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0
    operations: int = 0
    interrupted: bool = False
    suite: str = ""

    @property
    def unchanged(self) -> bool:
        """Whether no step changes what the machine does."""
        return all(step.same_machine for step in self.steps)


def review(series: Series, seconds: float, jobs: int, seed: int, out: Path, tell: Tell) -> Review:
    """Review a series of changes, in about so many seconds and the time that builds take. Raises
    KernelBuildError where what is there before does not build."""
    began = time.monotonic()
    result = Review(series.base, tree_version(series.base.folder), seed, skipped=series.skipped)
    with TemporaryDirectory(prefix="mapleproof-mistakes-") as scratch:
        try:
            _steps(result, series, seconds, jobs, out, tell, Path(scratch))
        except KeyboardInterrupt:
            result.interrupted = True
    result.seconds = time.monotonic() - began
    return result


def _steps(
    result: Review, series: Series, seconds: float, jobs: int, out: Path, tell: Tell, scratch: Path
) -> None:
    before = series.base
    build(before.folder)
    for side in series.sides:
        step = Step(side)
        result.steps.append(step)
        _look(step, before, tell)
        before = side
    _prove(result, series, Prover(series.tree, jobs, tell))
    todo = [step for step in result.steps if not step.same_machine and not step.unbuilt]
    if not todo:
        return
    share = seconds / (1 + len(todo))
    tried: dict[Side, Tried] = {}

    def tried_side(side: Side) -> Tried:
        if side not in tried:
            tell(f"{side.name}: all lanes, {share * FOR_LANES:.0f} s")
            tried[side] = try_side(side, share * FOR_LANES, jobs, result.seed, out, side is series.base)
            result.operations += sum(tried[side].operations.values())
            result.suite = result.suite or tried[side].suite
            if tried[side].interrupted:
                raise KeyboardInterrupt
        return tried[side]

    before = series.base
    for number, step in enumerate(result.steps):
        if step in todo:
            step.news = news(series.base, (before, tried_side(before)), (step.side, tried_side(step.side)))
            for kind, shown in step.news:
                if kind is not News.BOTH:
                    tell(f"{step.side.name}: {kind.value}: {shown.sort}")
            tell(f"{step.side.name}: beside {before.name}, {share * FOR_BESIDE:.0f} s")
            step.beside = beside(
                build(before.folder), build(step.side.folder), result.seed, share * FOR_BESIDE
            )
            result.operations += 2 * step.beside.operations
            if step.shown(News.BROKEN):
                before = step.side
                continue  # what is broken notices every mistake
            added = [line for change in step.changes if change.path == TREE[0] for line in change.added]
            tell(f"{step.side.name}: mistakes in {len(added)} added lines, {share * FOR_POWER:.0f} s")
            step.mistakes, step.all_mistakes = power(
                step.side.folder, added, result.seed, share * FOR_POWER, scratch / str(number)
            )
        if not step.unbuilt:
            before = step.side


def _prove(result: Review, series: Series, prover: Prover) -> None:
    """Claims about the C of the steps that touch files which there are some about. The tree's own file has
    lanes: there nothing is missed where the tree is not whole, or clang is missing."""
    before = series.base
    for step in result.steps:
        paths = {change.path for change in step.changes}
        headers = sorted(path for path in paths if path.endswith(".h") and path not in TREE)
        if headers:
            step.open["proofs"] = (
                f"{', '.join(headers)} changed: `mapleproof prove --kernel PATH` on that tree"
            )
        elif (names := claims_on(paths - ({SOURCE} if step.same_machine else set()))) and not step.unbuilt:
            try:
                step.claims = prover.compare(names, before, step.side)
            except KernelBuildError as error:
                if claims_on(paths - {SOURCE}):
                    step.open["proofs"] = str(error)
                else:
                    prover.tell(f"{step.side.name}: nothing is proved about its C: {error}")
            unanswered = [
                claim for claim in step.claims if claim.after in ("inconclusive", "void", "not tried")
            ]
            if unanswered:
                why = ", ".join(f"{claim.name} ({claim.told or claim.after})" for claim in unanswered)
                step.open["proofs"] = f"no answer: {why}"
            for claim in step.claims:
                if claim.broken or claim.mended:
                    prover.tell(f"{step.side.name}: {claim.name} is {claim.after}, was {claim.before}")
        if not step.unbuilt:
            before = step.side


def _look(step: Step, before: Side, tell: Tell) -> None:
    """What a step touches, and whether that is anything to the machine."""
    step.changes = [
        change_of(before.folder, step.side.folder, path)
        for path in step.side.touches((*TREE, *FORK))
        if path.endswith((".c", ".h"))
    ]
    tree = [change for change in step.changes if change.path in TREE]
    forks = [change for change in step.changes if change.path not in TREE]
    if forks:
        names = sorted({change.path for change in forks})
        step.open["fork"] = (
            f"{', '.join(names)} changed: `mapleproof check --port booted:PATH` fails forks of that kernel"
        )
    try:
        build(step.side.folder)
    except KernelBuildError as error:
        step.unbuilt = str(error).replace(str(step.side.folder), "")
        tell(f"{step.side.name}: does not build: {step.unbuilt}")
        return
    header = any(change.path != TREE[0] for change in tree)
    machines = [change.machine for change in tree if change.path == TREE[0]]
    if header or not machines:
        whole = change_of(before.folder, step.side.folder, SOURCE)
        machines.append(whole.machine)
        if whole.machine:
            step.changes.append(whole)
    step.same_machine = all(machine == () for machine in machines)
    touched = "the same machine code" if step.same_machine else f"changes {', '.join(step.touched[:4])}"
    tell(f"{step.side.name}: {touched}")
