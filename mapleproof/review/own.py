"""A review of a change of our own tree and fork, in the words of that of a kernel's.

Each step is held against what it follows under the judge of the base (`own_sides.py`): the main job with the
same seed, the cases that are kept, the same operations on both sides with what they cost (`own_lot.py`), and
the claims that execute what was changed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from mapleproof.proofs.engine.claim import Verdict
from mapleproof.props.job.options import FORK
from mapleproof.review.beside import Behaviour, Beside
from mapleproof.review.own_code import change_of
from mapleproof.review.own_sides import CASES, Judged, Unfit
from mapleproof.review.proofs import Claimed
from mapleproof.review.result import Review, Step, tell_news
from mapleproof.review.sides import News, Shown, Tell, Tried, news
from mapleproof.review.trees import OWN, Series, Side

FOR_LANES = 0.8
"""How much of the time the main job gets on all sides; the rest is for runs on both and for proofs."""

SECONDS_OF_RUN = 1.0
"""About what a run on both takes, drawn and carried out twice with its lines counted."""

LEAST_FOR_PROOFS = 60.0
"""Seconds that proofs get however short the time is."""

JUDGE = ("model/", "props/", "proofs/")
"""What judges; a change of it with the code that is tested is judged by what was there before."""

DRIVEN = "the judge of the state before cannot drive it"


def review_own(
    series: Series, seconds: float, jobs: int, seed: int, out: Path, tell: Tell, *, proves: bool = True
) -> Review:
    """Review a series of changes of our own sources, in about so many seconds and the time that a first round
    of all lanes takes on each side. Raises Unfit where the base cannot be judged."""
    began = time.monotonic()
    result = Review(series.base, "", seed, "mapleproof", own=True, skipped=series.skipped)
    with TemporaryDirectory(prefix="mapleproof-own-") as name:
        work = _Work(result, series, seconds, jobs, seed, Path(name), out.resolve(), tell)
        try:
            work.look()
            work.run(proves)
        except KeyboardInterrupt:
            result.interrupted = True
    result.seconds = time.monotonic() - began
    return result


@dataclass(slots=True)
class _Work:
    """A review under way."""

    result: Review
    series: Series
    seconds: float
    jobs: int
    seed: int
    folder: Path
    out: Path
    tell: Tell
    judged: dict[Side, Judged] = field(default_factory=dict)
    tried: dict[Side, Tried] = field(default_factory=dict)

    def look(self) -> None:
        """What all steps touch."""
        before = self.series.base
        for side in self.series.sides:
            step = Step(side)
            self.result.steps.append(step)
            paths = [path for path in side.touches(OWN.watched) if path.endswith(".py")]
            step.changes = [change_of(before.folder, side.folder, path) for path in paths]
            step.same_machine = not any(change.machine for change in step.changes)
            touched = "the same code" if step.same_machine else f"changes {', '.join(step.touched[:4])}"
            self.tell(f"{side.name}: {touched}")
            before = side

    def run(self, proves: bool) -> None:
        """All that is carried out, for the steps that change what Python does."""
        todo = [step for step in self.result.steps if not step.same_machine]
        if not todo:
            return
        share = self.seconds / (1 + len(todo))
        self._judge(self.series.base, share)
        before = self.series.base
        for step in self.result.steps:
            if step in todo:
                try:
                    self._judge(step.side, share)
                except Unfit as unfit:
                    self._unfit(step, str(unfit))
                    continue
                self._step(step, before, share * (1 - FOR_LANES), proves)
            elif step.side not in self.judged:
                self.judged[step.side] = self.judged[before]
                self.tried[step.side] = self.tried[before]
            before = step.side

    def _judge(self, side: Side, share: float) -> None:
        """The main job on a side. Raises Unfit."""
        folder = Path(mkdtemp(dir=self.folder))
        judged = Judged.made(side, self.series.base, folder, self.out)
        judged.load()
        self.tell(f"{side.name}: all lanes, {share * FOR_LANES:.0f} s and the first round")
        tried = judged.check(share * FOR_LANES, self.jobs, self.seed)
        for case, how in judged.fails(judged.kept_cases()).items():
            place = case.relative_to(folder)
            sort = f"{how} of {place.name.partition('.')[0]}"
            tried.shown[sort] = Shown(sort, CASES, place, judged.told(case), 0)
        self.judged[side], self.tried[side] = judged, tried
        self.result.operations += sum(tried.operations.values())

    def _unfit(self, step: Step, why: str) -> None:
        """A side that the judge cannot drive: broken, unless the judge was changed with it."""
        if any(path.startswith(JUDGE) for path in step.side.changed):
            step.open["judge"] = f"{DRIVEN}, and the judge is changed with it: {why}"
        else:
            step.news = [(News.BROKEN, Shown(f"{DRIVEN}: {why}", "load", None, (), 0))]
        tell_news(step, step.news, self.tell)

    def _step(self, step: Step, before: Side, seconds: float, proves: bool) -> None:
        base, old, new = ((side, self.tried[side]) for side in (self.series.base, before, step.side))
        found = news(base, old, new, self._fails)
        # Flaws of recoveries of the past are known, and the cases of them are kept
        step.news = [
            (kind, self._kept(kind, shown, before, step.side))
            for kind, shown in found
            if kind is not News.BOTH or shown.lane not in (FORK, CASES)
        ]
        tell_news(step, step.news, self.tell)
        self._beside(step, before, seconds)
        if proves:
            self._prove(step, before, seconds)

    def _fails(self, side: Side, shown: Shown) -> bool:
        judged = self.judged[side]
        if shown.case is None:
            return False
        case = judged.folder / shown.case  # of those that are kept, each side has its own
        try:
            return bool(judged.fails([case]))
        except Unfit:
            return True

    def _kept(self, kind: News, shown: Shown, before: Side, after: Side) -> Shown:
        if shown.lane != CASES or shown.case is None:
            return shown
        side = after if kind is News.BROKEN else before
        case = self.judged[side].keep(self.judged[side].folder / shown.case)
        return Shown(shown.sort, shown.lane, case, shown.told, shown.steps)

    def _beside(self, step: Step, before: Side, seconds: float) -> None:
        """The same operations on both: the new side draws no less than one run."""
        runs = max(1, int(seconds / SECONDS_OF_RUN))
        self.tell(f"{step.side.name}: beside {before.name}, {runs} runs")
        drawn = self.folder / f"drawn-{len(self.judged)}.pickle"
        try:
            old = self.judged[before].lot("draw", str(drawn), str(self.seed), str(runs), seconds=seconds)
            new = self.judged[step.side].lot("again", str(drawn), seconds=seconds)
        except Unfit as unfit:
            step.open["behaviour"] = str(unfit)
            return
        step.beside = compared(old, new)

    def _prove(self, step: Step, before: Side, seconds: float) -> None:
        """The claims that execute what was changed, as far as there is time. What holds now need not be
        proved of the side before."""
        end = time.monotonic() + max(seconds, LEAST_FOR_PROOFS)
        names: list[str] = []
        try:
            claims = self.judged[step.side].lot("claims", seconds=seconds)
            names = [name for name, executes in claims.items() if concerned(set(step.touched), executes)]
            while names:
                now = self._verdict(step.side, names[0], end)
                was = None if now["verdict"] == "proved" else self._verdict(before, names[0], end)
                verdict: Verdict = "not tried" if was is None else was["verdict"]
                name = names.pop(0)
                step.claims.append(Claimed(name, now["sentence"], verdict, now["verdict"], now["told"]))
        except Unfit as unfit:
            step.open["proofs"] = f"{', '.join(names)}: {unfit}"

    def _verdict(self, side: Side, name: str, end: float) -> dict[str, Any]:
        self.tell(f"{side.name}: proves {name}")
        left = max(1.0, end - time.monotonic())
        words = ("prove", str(self.jobs), name)
        found: list[dict[str, Any]] = self.judged[side].lot(*words, seconds=left, patience=0)
        return found[0]


def concerned(changed: set[str], executes: list[str]) -> bool:
    """Whether functions that were changed ("maple.write.store") are among those that a claim executes
    ("write.store")."""
    return any(f".{function}".endswith(f".{one}") for function in changed for one in executes)


def compared(old: dict[str, Any], new: dict[str, Any]) -> Beside:
    """What both sides have said to the same operations."""
    found = Beside(counted="lines executed")
    for one, other in zip(old["runs"], new["runs"], strict=True):
        found.runs += 1
        found.operations += len(one["answers"])
        for (operation, before), (_, after) in zip(one["answers"], other["answers"], strict=True):
            if before != after:
                keys = tuple(sorted({key for said in (*before, *after) for key in said}))
                shown = Behaviour(operation, keys, _told(before), _told(after))
                found.behaviours.setdefault((operation.partition("(")[0], keys), shown)
                break
        found.shapes += one["shape"] != other["shape"]
        found.nodes.append((one["nodes"], other["nodes"]))
        found.instructions.append((one["lines"], other["lines"]))
    for one, other in zip(old["histories"], new["histories"], strict=True):
        found.operations += sum(one["done"].values())
        found.instructions.append((one["lines"], other["lines"]))
        if one["done"] != other["done"]:
            before, after = (_told([{k: str(v) for k, v in side["done"].items()}]) for side in (one, other))
            found.behaviours.setdefault(
                ("history", ("done",)), Behaviour("a history", ("done",), before, after)
            )
    for name, one in old["forks"].items():
        other = new["forks"][name]
        found.instructions.append((one["lines"], other["lines"]))
        if one["refused"] != other["refused"]:
            before, after = (
                _told([{k: str(v) for k, v in side["refused"].items()}]) for side in (one, other)
            )
            keys = ("requests",)
            shown = Behaviour(f"requests of forks under {name}", keys, before, after)
            found.behaviours.setdefault(("fork", keys), shown)
    return found


def _told(answers: list[dict[str, str]]) -> str:
    return "; ".join(
        ", ".join(f"{key}={value}" for key, value in said.items()) or "nothing" for said in answers
    )
