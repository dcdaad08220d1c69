"""A run of the main job as an outcome: an item for each lane, and for each promise of each recovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mapleproof.cli.outcome import Item, Outcome, State, counted
from mapleproof.impl.mm.promises import PROMISES
from mapleproof.props.common.found import replay_command
from mapleproof.props.job.check import Options, Result
from mapleproof.props.job.options import FORK, Part, known_flaws
from mapleproof.props.job.units import Done
from mapleproof.props.mm.verdicts import Verdict

if TYPE_CHECKING:
    from mapleproof.proofs.engine.claim import Judged


def planned(parts: Sequence[Part]) -> int:
    """How many items a run has whose parts are these."""
    return sum(1 + (len(PROMISES) if part.recovery and not part.why_not else 0) for part in parts)


def check_outcome(options: Options, result: Result, judged: Sequence[Judged] = ()) -> Outcome:
    """What came of a run, and of the claims that were proved after it."""
    items = [item for part in result.parts for item in part_items(part, options, result)]
    items += [claim_item(one) for one in judged]
    return Outcome(items, result.interrupted, result.seconds)


def part_items(part: Part, options: Options, result: Result) -> Iterator[Item]:
    """The items of one part."""
    yield part_item(part, result)
    if part.recovery is None or part.why_not:
        return
    verdicts = {verdict.promise: verdict for verdict in result.verdicts if verdict.recovery == part.recovery}
    for promise in PROMISES:
        yield _promise_item(part, promise, verdicts.get(promise), options, result)


def part_item(part: Part, result: Result) -> Item:
    """Whether the units of a part were done, and what they met."""
    lane = result.lanes[part.lane]
    failures = [done for done in lane.failures if done.recovery == part.recovery]
    over = f"{lane.operations:,} operations in {lane.units:,} units"
    if part.recovery is not None:
        swept = result.swept.get(part.recovery)
        over = f"{swept.failed:,} failed forks" if swept else "no fork"
    if part.why_not:
        return Item(part.name, part.name, State.OPEN, reason=part.why_not, short=part.why_not)
    if failures:
        return _failed(part, failures, over)
    if part.name not in result.begun:
        reason = f"not all of its first round was done: {result.ended or 'the run ended'}"
        return Item(part.name, part.name, State.OPEN, over, reason)
    if not lane.operations:
        return Item(part.name, part.name, State.OPEN, over, "no operation was carried out")
    return Item(part.name, part.name, State.HOLDS, over)


def _failed(part: Part, failures: Sequence[Done], over: str) -> Item:
    met = {done.failure: done for done in sorted(failures, key=lambda done: -done.steps)}
    real = [done for done in met.values() if not done.suite]
    shown = real or list(met.values())
    reason = "; ".join(str(done.failure) for done in shown)
    return Item(
        part.name,
        part.name,
        State.BROKEN if real else State.FAILED,
        over,
        reason,
        reason if len(shown) == 1 else f"{len(shown)} sorts of failure",
        tuple(line for done in shown for line in done.told),
        tuple(done.case for done in shown if done.case),
        tuple(done.told[-1].removeprefix("replay it with: ") for done in shown if done.case),
    )


def _promise_item(
    part: Part, promise: str, verdict: Verdict | None, options: Options, result: Result
) -> Item:
    assert part.recovery is not None
    name = f"{part.recovery}: {promise}"
    reason = known_flaws(part.recovery).get(promise, "")
    if verdict is not None and not verdict.holds:
        over = f"{verdict.failed_forks:,} failed forks"
        state = State.KNOWN if reason else State.BROKEN
        told, cases, commands = (verdict.what,), tuple[str, ...](), tuple[str, ...]()
        if verdict.case_path is not None:
            cases = (str(verdict.case_path),)
            port = "impl" if part.lane == FORK else options.port
            commands = (replay_command(verdict.case_path, port, options.seeded),)
        return Item(part.name, name, state, over, reason or verdict.what, "", told, cases, commands)
    if verdict is None or part.name not in result.begun:
        told_why = f"not all of its first round was done: {result.ended or 'the run ended'}"
        return Item(part.name, name, State.OPEN, reason=told_why)
    over = f"{verdict.failed_forks:,} failed forks"
    if not verdict.failed_forks:
        return Item(part.name, name, State.OPEN, over, "no fork failed")
    if reason:
        return Item(part.name, name, State.MENDED, over, f"known to be broken, and it held: {reason}")
    return Item(part.name, name, State.HOLDS, over)


CLAIM_STATES = {
    "proved": State.HOLDS,
    "not tried": State.HOLDS,
    "refuted": State.BROKEN,
    "void": State.BROKEN,
    "inconclusive": State.OPEN,
    "not of this kernel": State.ABSENT,
}
"""What a claim's verdict means. One that is not tried had its twins refuted, which is all that was asked."""


def claim_item(judged: Judged) -> Item:
    """A claim that was judged."""
    claim = judged.claim
    reasons = list(judged.unknown)
    if judged.refutation is not None:
        reasons = [str(judged.refutation)]
    elif claim.absent:
        reasons = [claim.absent]
    elif judged.verdict == "void":
        reasons = [f"{judged.twins_refuted} of {len(claim.twins)} twins are refuted"]
    commands = (judged.command,) if judged.command else ()
    cases = tuple(command.split()[2] for command in commands)
    return Item(
        f"claim {claim.name}",
        f"claim {claim.name}",
        CLAIM_STATES[judged.verdict],
        claim.bounds,
        "; ".join(reasons),
        "",
        tuple(reasons),
        cases,
        commands,
        judged.seconds,
    )


def amount(result: Result, judged: Sequence[Judged] = ()) -> str:
    """Over how much a run has gone, in words for the last line."""
    operations = sum(lane.operations for name, lane in result.lanes.items() if name != "fork")
    failed = sum(swept.failed for swept in result.swept.values())
    words = []
    if operations:
        words.append(f"{operations:,} operations")
    if failed:
        under = counted(len(result.swept), "recovery", "recoveries")
        words.append(f"{counted(failed, 'failed fork')} under {under}")
    if judged:
        words.append(counted(len(judged), "claim"))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "nothing"
