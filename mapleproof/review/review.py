"""A review: everything there is to say of a change, in the order in which it answers most."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mapleproof.impl.kernel.build import build
from mapleproof.impl.kernel.errors import KernelBuildError
from mapleproof.impl.kernel.probe import tree_version
from mapleproof.review.beside import beside
from mapleproof.review.booting import built_kernels, fail_forks
from mapleproof.review.code import SOURCE, change_of
from mapleproof.review.forks import Kernels
from mapleproof.review.power import power
from mapleproof.review.proofs import Prover, claims_on
from mapleproof.review.result import Review, Step, tell_news
from mapleproof.review.sides import News, Tell, Tried, fails_on, made_small, news, try_side
from mapleproof.review.trees import FORK, TREE, Series, Side

FOR_LANES, FOR_BESIDE, FOR_POWER = 0.6, 0.2, 0.2
"""How the time is divided: lanes on both sides, both side by side, mistakes in what was added."""

FOR_FORKS = 0.5
"""How much of all time forks get, where there are lanes to run too."""


def review(
    series: Series,
    seconds: float,
    jobs: int,
    seed: int,
    out: Path,
    tell: Tell,
    *,
    boots: bool = True,
    proves: bool = True,
) -> Review:
    """Review a series of changes, in about so many seconds and the time that builds and proofs take; `boots`
    is whether the kernels of those that touch fork are booted, `proves` whether claims about the C are
    proved. Raises KernelBuildError where what is there before does not build."""
    began = time.monotonic()
    result = Review(series.base, tree_version(series.base.folder), seed, skipped=series.skipped)
    with TemporaryDirectory(prefix="mapleproof-mistakes-") as scratch:
        try:
            _look_at_all(result, series, tell)
            _prove(result, series, Prover(series.tree, jobs, tell) if proves else None)
            forks = [step for step in result.steps if step.touches_fork and not step.unbuilt]
            kernels = Kernels(series.tree, seed, out, tell) if boots else None
            booted = built_kernels(result, series, forks, kernels)
            todo = [step for step in result.steps if not step.same_machine and not step.unbuilt]
            share = FOR_FORKS if todo else 1.0
            if kernels is not None and booted:
                fail_forks(result, series, booted, kernels, seconds * share)
                seconds -= seconds * share * bool(todo)
            _run(result, series, todo, seconds, jobs, out, tell, Path(scratch))
        except KeyboardInterrupt:
            result.interrupted = True
    result.seconds = time.monotonic() - began
    return result


def _look_at_all(result: Review, series: Series, tell: Tell) -> None:
    """What all steps touch."""
    before = series.base
    build(before.folder)
    for side in series.sides:
        step = Step(side)
        result.steps.append(step)
        _look(step, before, tell)
        before = side


def _run(
    result: Review,
    series: Series,
    todo: list[Step],
    seconds: float,
    jobs: int,
    out: Path,
    tell: Tell,
    scratch: Path,
) -> None:
    """Lanes, both sides beside each other, and mistakes, for the steps that change the tree."""
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
            base, old, new = ((side, tried_side(side)) for side in (series.base, before, step.side))
            step.news = news(base, old, new)
            tell_news(step, step.news, tell)
            tell(f"{step.side.name}: beside {before.name}, {share * FOR_BESIDE:.0f} s")
            step.beside = beside(
                build(before.folder), build(step.side.folder), result.seed, share * FOR_BESIDE
            )
            result.operations += 2 * step.beside.operations
            _tell_wrong(result, step, before, out, tell)
            if any(kind is News.BROKEN for kind, _ in step.news):
                before = step.side
                continue  # what is broken notices every mistake
            added = [line for change in step.changes if change.path == TREE[0] for line in change.added]
            tell(f"{step.side.name}: mistakes in {len(added)} added lines, {share * FOR_POWER:.0f} s")
            step.mistakes, step.all_mistakes = power(
                step.side.folder, added, result.seed, share * FOR_POWER, scratch / str(number)
            )
        if not step.unbuilt:
            before = step.side


def _tell_wrong(result: Review, step: Step, before: Side, out: Path, tell: Tell) -> None:
    """What went wrong on one side alone beside the other, where the lanes have not met it."""
    assert step.beside is not None
    known = {shown.sort for _, shown in step.news}
    for sort, (is_after, met) in step.beside.wrong.items():
        if sort not in known:
            own, other = (step.side, before) if is_after else (before, step.side)
            shown = made_small(own, met, result.seed, out)
            both = fails_on(other, shown) or (is_after and fails_on(result.base, shown))
            kind = News.BOTH if both else News.BROKEN if is_after else News.MENDED
            step.news.append((kind, shown))
            tell_news(step, [(kind, shown)], tell)


def _prove(result: Review, series: Series, prover: Prover | None) -> None:
    """Claims about the C of the steps that touch files which there are some about; without a prover what is
    left open."""
    before = series.base
    for step in result.steps:
        paths = {change.path for change in step.changes}
        headers = sorted(path for path in paths if path.endswith(".h") and path not in TREE)
        if headers:
            step.open["proofs"] = (
                f"{', '.join(headers)} changed: `mapleproof prove --kernel PATH` on that tree"
            )
        elif (names := claims_on(paths - ({SOURCE} if step.same_machine else set()))) and not step.unbuilt:
            if prover is not None:
                _prove_step(step, before, names, prover)
            elif claims_on(paths - {SOURCE}):
                step.open["proofs"] = f"{', '.join(names)}: --no-prove"
        if not step.unbuilt:
            before = step.side


def _prove_step(step: Step, before: Side, names: list[str], prover: Prover) -> None:
    """These claims on both sides. The tree's own file has lanes: there nothing is missed where the tree is
    not whole, or clang is missing."""
    try:
        step.claims = prover.compare(names, before, step.side)
    except KernelBuildError as error:
        if claims_on({change.path for change in step.changes} - {SOURCE}):
            step.open["proofs"] = str(error)
        else:
            prover.tell(f"{step.side.name}: nothing is proved about its C: {error}")
    unanswered = [claim for claim in step.claims if claim.after in ("inconclusive", "void", "not tried")]
    if unanswered:
        why = ", ".join(f"{claim.name} ({claim.told or claim.after})" for claim in unanswered)
        step.open["proofs"] = f"no answer: {why}"
    for claim in step.claims:
        if claim.broken or claim.mended:
            prover.tell(f"{step.side.name}: {claim.name} is {claim.after}, was {claim.before}")


def _look(step: Step, before: Side, tell: Tell) -> None:
    """What a step touches, and whether that is anything to the machine."""
    step.changes = [
        change_of(before.folder, step.side.folder, path)
        for path in step.side.touches((*TREE, *FORK))
        if path.endswith((".c", ".h"))
    ]
    tree = [change for change in step.changes if change.path in TREE]
    try:
        build(step.side.folder)
    except KernelBuildError as error:
        step.unbuilt = str(error).replace(f"{step.side.folder}: ", "").replace(str(step.side.folder), "")
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
