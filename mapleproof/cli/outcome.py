"""What came of a command, whatever it was: each thing that was asked for, and what became of it.

The exit status, the last line, KTAP, JUnit, JSON and the page are all made of this, so that they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from mapleproof.cli import status


class State(Enum):
    """What became of one thing that was asked for."""

    HOLDS = "holds"
    BROKEN = "broken"
    """A difference, a broken promise, a refuted claim."""
    KNOWN = "known"
    """Broken as it is known to be: an expected failure."""
    MENDED = "held"
    """Known to be broken, and yet it held: what is known is no longer true."""
    OPEN = "no answer"
    """It came to no end, or was asked for and could not run."""
    FAILED = "failed"
    """The suite itself went wrong."""
    ABSENT = "not of this kernel"
    """It is about what that kernel does without: it counts for nothing."""


STATUS = {
    State.HOLDS: status.HOLDS,
    State.KNOWN: status.HOLDS,
    State.BROKEN: status.DIFFERS,
    State.MENDED: status.DIFFERS,
    State.OPEN: status.NO_ANSWER,
    State.FAILED: status.SUITE_FAILED,
    State.ABSENT: status.HOLDS,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was asked for.

    ``group`` is what it is part of (lane, recovery, claim, case), ``name`` what it is called, ``over`` how
    much it was tried on. ``reason`` says in one line what is wrong, why it is known, or why there is no
    answer; ``short`` the same in a few words for the last line; ``told`` says it in full; ``cases`` are
    files that show it, ``commands`` replay them.
    """

    group: str
    name: str
    state: State
    over: str = ""
    reason: str = ""
    short: str = ""
    told: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def in_short(self) -> str:
        """Its name, with what is wrong in a few words."""
        return f"{self.name} ({self.short})" if self.short else self.name

    @property
    def group_in_short(self) -> str:
        """What it is part of, with what is wrong in a few words."""
        return f"{self.group} ({self.short})" if self.short else self.group


@dataclass(slots=True)
class Outcome:
    """What came of a command. ``interrupted``: it was ended before it was done. ``unwritten``: which file
    could not be written, and why; empty where all were that were asked for."""

    items: list[Item] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0
    unwritten: str = ""

    @property
    def status(self) -> int:
        """The exit status. Where nothing was asked for that could be done there is no answer."""
        if self.interrupted:
            return status.INTERRUPTED
        if len(self.of(State.ABSENT)) == len(self.items):
            return status.NO_ANSWER
        statuses = [STATUS[item.state] for item in self.items]
        return status.worst([*statuses, status.NO_ANSWER] if self.unwritten else statuses)

    def of(self, *states: State) -> list[Item]:
        """The items in one of these states."""
        return [item for item in self.items if item.state in states]


MOST_NAMED = 3
"""Things that the last line names; more are counted."""


def sentence(outcome: Outcome, over: str, out: str = "") -> str:
    """The last line: what holds, ``over`` how much, what does not, and where the cases lie."""
    broken, mended = outcome.of(State.BROKEN), outcome.of(State.MENDED)
    left, failed = outcome.of(State.OPEN), outcome.of(State.FAILED)
    known, absent = len(outcome.of(State.KNOWN)), outcome.of(State.ABSENT)
    words = []
    if outcome.interrupted:
        words.append(f"interrupted after {outcome.seconds:.0f} s")
    if broken:
        words.append(f"broken: {_names([item.in_short for item in broken])}")
    if mended:
        words.append(f"held against what is known: {_names([item.in_short for item in mended])}")
    if failed:
        words.append(f"the suite itself went wrong in {_names([item.group for item in failed])}")
    if left:
        words.append(f"no answer: {_names([item.group_in_short for item in left])}")
    if outcome.of(State.HOLDS, State.KNOWN):
        words.append(f"{'the rest holds' if words else 'holds'} over {over}")
    if known:
        words.append(f"{counted(known, 'known flaw is', 'known flaws are')} as known")
    if absent:
        named = _names([item.name for item in absent])
        words.append(f"{'' if words else 'no answer: '}not of this kernel: {named}")
    cases = [case for item in broken + mended for case in item.cases]
    if len(cases) == 1:
        words.append(f"the case is {cases[0]}")
    elif cases:
        words.append(f"{len(cases)} cases are in {out}" if out else f"cases: {_names(cases)}")
    if outcome.unwritten:
        words.append(f"not written: {outcome.unwritten}")
    line = "; ".join(words) or "no answer: nothing was done"
    return line[0].upper() + line[1:] + "."


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things, in words."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _names(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
