"""Scenarios that failed, as differences and cases; made small; replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mapleproof.impl.kernel.explorer import Explorer, How, Policy, Traced
from mapleproof.impl.kernel.scenario import Failure, ProcessEnded
from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.difference import ANSWER, CONTENT, CRASH, LEAK, Difference
from mapleproof.props.common.guard import WALL
from mapleproof.props.common.operation import Common
from mapleproof.props.common.reducing import Patience
from mapleproof.props.common.step import Step
from mapleproof.props.common.values import Refused
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.interleavings.known import is_known, is_known_held_back
from mapleproof.props.maple.interleavings.scenario import Scenario, scenario_of
from mapleproof.props.maple.interleavings.switches import told
from mapleproof.props.maple.ports import ModelPort
from mapleproof.props.maple.shrink import Shrinker

CRASHES = (
    "SIG",
    "WARN",
    "BUG",
    "read of",
    "write of",
    "the reader",
    "the writer",
    "the lock",
    "the process",
    "what is no",
)
"""How the text of a failure begins that ended the run; others are judgements."""

IN_ORDER = (
    Policy("single", first_only=True),
    Policy("pairs", most=20_000, first_only=True),
    Policy("random", most=5_000, first_only=True),
)
"""What a replay tries, one after the other, until it fails: on machines that keep stores in order."""

HELD_BACK = (
    Policy("held-back", most=20_000, first_only=True),
    Policy("held-inside", most=20_000, first_only=True),
)
"""What it tries of a case in which a store is held back."""

SWEEPS: Mapping[str, How] = {
    "held-back": "held-back",
    "held-inside": "held-inside",
    "both-writer": "pairs",
    "both-reader": "pairs",
}
"""By what policy an interleaving is met again; those that are not here are drawn."""

QUESTION = 2_000
"""Interleavings of one question while a case is made small, where not all single preemptions do."""


def first_failure(
    explorer: Explorer, scenario: Scenario, policies: Sequence[Policy] = IN_ORDER
) -> Failure | None:
    """What a scenario fails with at some point, if it does."""
    found = _first(explorer, scenario, policies)
    return found[0] if found else None


def _first(
    explorer: Explorer, scenario: Scenario, policies: Sequence[Policy]
) -> tuple[Failure, tuple[str, ...]] | None:
    explorer.load(scenario.stage)
    for policy in policies:
        explored = explorer.explore(scenario.reader, policy)
        if explored.failures:
            return explored.failures[0], explored.paths
    return None


def failure_again(explorer: Explorer, scenario: Scenario, text: str) -> Failure | None:
    """What a scenario fails with at some point: with that text where it does, else with another."""
    met: Failure | None = None
    explorer.load(scenario.stage)
    for policy in (*IN_ORDER, *HELD_BACK):
        for failure in explorer.explore(scenario.reader, replace(policy, first_only=False)).failures:
            if failure.text == text:
                return failure
            met = met or failure
    return met


def difference_of(scenario: Scenario, failure: Failure, detail: Sequence[str] = ()) -> Difference:
    """A failure as the main job tells one."""
    steps = steps_of(scenario, failure)
    at = scenario.first_read() + max(0, failure.step - scenario.uses_cursor)
    actual = NOTHING
    if failure.text.startswith(CRASHES):
        kind, place = CRASH, failure.place
        actual = Answer(crash=failure.text)
    elif "nodes are left" in failure.text:
        kind, place = LEAK, ""
    elif failure.text.startswith("without a reader"):
        kind, place, at = CONTENT, "the writer alone", len(steps) - len(scenario.writes)
    else:
        kind, place = ANSWER, failure.text
        if failure.answer is not None:
            told_of = ("entry", "index", "last", "status") if scenario.uses_cursor else ("entry",)
            actual = Answer(**{key: failure.answer[key] for key in told_of})
    step = steps[at]
    keys = _differing(step, actual)
    difference = Difference(kind, step.op, step.expect, actual, keys, number=at + 1, steps=steps)
    difference.detail = "\n".join([failure.text, f"met with {failure.choice}", *detail])
    difference.flags = {"alloc_range": scenario.alloc_range, "rcu": True}
    difference.place = place
    return difference


def _differing(step: Step, actual: Answer) -> tuple[str, ...]:
    """The keys of an answer that are right neither before nor after; all where that is not known."""
    right = [answer.given() for answer in (step.expect, step.also) if answer is not None]
    given = actual.given()
    return tuple(key for key in given if not any(r.get(key) == given[key] for r in right)) or tuple(given)


def steps_of(scenario: Scenario, failure: Failure) -> list[Step]:
    """The steps of a case, with what the model says to all that is no reader's; to a reader's first step the
    two answers that are right before and after the writes."""
    operations = scenario.operations(failure.choice)
    before, after = ModelPort(scenario.alloc_range), ModelPort(scenario.alloc_range)
    first, reads = scenario.first_read(), len(scenario.reads)
    steps = []
    for number, op in enumerate(operations):
        if first <= number < first + reads:
            steps.append(Step(op))
        else:
            steps.append(Step(op, before.apply(op)))
    for op in (*operations[:first], *operations[first + reads :]):
        after.apply(op)
    again = ModelPort(scenario.alloc_range)
    for op in operations[:first]:
        again.apply(op)
    read = replace(operations[first], within=None)
    steps[first] = Step(operations[first], again.apply(read), after.apply(read))
    return steps


def smallest(explorer: Explorer, scenario: Scenario, failure: Failure, careful: bool) -> Difference:
    """The smallest scenario found that fails in the same way, and is not known where care is asked for."""
    kinds = [Policy("single", first_only=True)]
    if _same(_first(explorer, scenario, kinds), failure) is None:
        kinds = [Policy(SWEEPS.get(failure.choice.policy, "random"), most=QUESTION, first_only=True)]
    best = [(scenario, failure)]

    def fails(candidate: Sequence[Common]) -> bool:
        try:
            smaller = scenario_of(scenario.alloc_range, candidate)
            found = _first(explorer, smaller, kinds)
        except (Refused, ProcessEnded, ValueError):
            return False
        same = _same(found, failure)
        if found is None or same is None or (careful and _known(explorer, smaller, found)):
            return False
        best.append((smaller, same))
        return True

    patience = Patience(clock=WALL)
    Shrinker(scenario.operations(), fails, patience=patience).shrink()
    small, met = best[-1]
    explorer.load(small.stage)
    difference = difference_of(small, met, told(explorer.trace(small.reader, met.choice)))
    difference.unfinished = patience.told
    return difference


def _known(explorer: Explorer, scenario: Scenario, found: tuple[Failure, tuple[str, ...]]) -> bool:
    failure, paths = found
    held = failure.choice.policy in ("held-back", "held-inside") and is_known_held_back(paths)
    return bool(is_known(scenario, paths, explorer.build.capabilities) or held)


def _same(found: tuple[Failure, tuple[str, ...]] | None, failure: Failure) -> Failure | None:
    """What was found, if it fails as `failure` does."""
    return found[0] if found is not None and found[0].text == failure.text else None


def replayed(
    explorer: Explorer, alloc_range: bool, operations: Sequence[Common]
) -> tuple[Difference, Traced] | None:
    """What a case with a reader fails with at some point, and how; None where it holds at all. Refused where
    it is no scenario."""
    scenario = scenario_of(alloc_range, operations)
    held_back = any(op.held_back is not None for op in operations)
    failure = first_failure(explorer, scenario, HELD_BACK if held_back else IN_ORDER)
    if failure is None:
        return None
    explorer.load(scenario.stage)
    traced = explorer.trace(scenario.reader, failure.choice)
    return difference_of(scenario, failure, told(traced)), traced


def has_readers_within(operations: Sequence[Common]) -> bool:
    """Whether some step is a reader's in the middle of a write."""
    return any(op.within is not None for op in operations) and any(
        isinstance(op, ops.RcuReadLock) for op in operations
    )
