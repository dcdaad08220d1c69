"""A difference told in at most fifteen lines: the operations that matter, the answers, the range or node.

Which operations matter its subject says. All words are in hex.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import hexadecimal, spell
from mapleproof.props.common.step import Step

if TYPE_CHECKING:
    from mapleproof.props.common.subject import Subject

SHORT = 8
"""Steps of a run that is told whole; of a longer one those that matter."""

MOST_LINES = 15
Ranges = Sequence[tuple[int, int, int]]


def explain(difference: Difference, title: str, subject: Subject, held: Ranges = ()) -> list[str]:
    """The lines, the first of which says what failed where. `held` is what the port's tree holds then."""
    lines = [f"{title}: {difference.kind} at step {difference.number}"]
    whole = difference.first == 1 and len(difference.steps) <= SHORT
    chosen = range(len(difference.steps)) if whole else subject.matters(difference)
    lines += [f"  {difference.first + i:>5}  {spell(difference.steps[i].op)}" for i in chosen]
    lines += _answers(difference)
    lines += _held_there(difference, subject, held)
    detail = difference.detail.splitlines()
    room = MOST_LINES - len(lines)
    if len(detail) > room:
        detail = [*detail[: room - 1], f"... {len(detail) - room + 1} more lines"]
    return lines + ["  " + line.rstrip() for line in detail]


def _answers(difference: Difference) -> Iterator[str]:
    if not difference.keys:
        return
    expected, actual = difference.expected, difference.actual
    if "entries" in difference.keys:
        assert isinstance(expected.entries, list)
        yield from _contents(expected.entries, actual.entries if isinstance(actual.entries, list) else [])
        return
    yield f"  expected  {spell_answer(expected, difference.keys)}"
    failing = failing_step(difference)
    if failing is not None and failing.also not in (None, expected):
        yield f"  or        {spell_answer(failing.also or NOTHING, difference.keys)}"
    yield f"  actual    {spell_answer(actual, difference.keys)}"


def spell_answer(answer: Answer, keys: tuple[str, ...]) -> str:
    given = answer.given()
    words = []
    for key in {**given, **dict.fromkeys(keys)}:
        value = hexadecimal(key, given[key]) if key in given else "-"
        words.append(f"{key}={'NULL' if value is None else value}" + ("*" if key in keys else ""))
    return "  ".join(words)


def _contents(expected: Ranges, actual: Ranges) -> Iterator[str]:
    """The first ranges in which two contents differ."""
    missing = [entry for entry in expected if entry not in set(actual)]
    surplus = [entry for entry in actual if entry not in set(expected)]
    yield f"  expected  {_spell_ranges(missing)}"
    yield f"  actual    {_spell_ranges(surplus)}"


def _held_there(difference: Difference, subject: Subject, held: Ranges) -> Iterator[str]:
    """The ranges that the port holds where the failing operation looked."""
    failing = failing_step(difference)
    if failing is not None and held and "entries" not in difference.keys:
        low, high = subject.place(failing, difference.actual)
        near = [range_ for range_ in held if range_[0] <= high + 1 and range_[1] >= low - 1]
        yield f"  held there  {_spell_ranges(near)}"


def failing_step(difference: Difference) -> Step | None:
    """The step that failed, if it is among those that are kept."""
    at = difference.number - difference.first
    return difference.steps[at] if 0 <= at < len(difference.steps) else None


def _spell_ranges(ranges: Ranges) -> str:
    shown = "  ".join(f"[{first:#x}..{last:#x}]→{entry}" for first, last, entry in ranges[:3])
    more = f"  and {len(ranges) - 3} more" if len(ranges) > 3 else ""
    return (shown or "nothing") + more
