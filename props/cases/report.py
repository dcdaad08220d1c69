"""A difference told in at most fifteen lines: the operations that matter, the answers, the range or node.

An operation matters if it was done through the same cursor since that was last placed, or wrote where the
failing operation looked. All words are in hex.
"""

from collections.abc import Iterator, Sequence

from props.cases.files import Step
from props.difference import Difference
from props.ops.answers import ABSENT, NOTHING, Answer
from props.ops.forms import form_of, hexadecimal, spell
from props.ops.operations import MasInit, MasSet, MasSetRange, MtreeDup, Snapshot

MOST_LINES = 15
MOST_OPERATIONS = 6
PLACING = (MasInit, MasSet, MasSetRange)
Ranges = Sequence[tuple[int, int, int]]
NAMING_PLACES = ("index", "first", "last", "start")


def explain(difference: Difference, title: str, held: Ranges = ()) -> list[str]:
    """The lines, the first of which says what failed where. `held` is what the port's tree holds then."""
    lines = [f"{title}: {difference.kind} at step {difference.number}"]
    chosen = list(operations_that_matter(difference))
    lines += [f"  {difference.first + i:>5}  {spell(difference.steps[i].op)}" for i in chosen]
    lines += _answers(difference)
    lines += _held_there(difference, held)
    detail = difference.detail.splitlines()
    room = MOST_LINES - len(lines)
    if len(detail) > room:
        detail = [*detail[: room - 1], f"... {len(detail) - room + 1} more lines"]
    return lines + ["  " + line.rstrip() for line in detail]


def operations_that_matter(difference: Difference) -> list[int]:
    """Which of the difference's steps to show, in order; of a reader within a write, that write last."""
    steps = difference.steps
    failing = failing_step(difference)
    if failing is None:
        return []
    at = difference.number - difference.first
    chosen = [*range(at, len(steps)), *_steps_of_cursor(steps, at)][:MOST_OPERATIONS]
    places = [place_named(steps[i]) for i in chosen] + [place_named(failing, difference.actual)]
    low, high = min(place[0] for place in places) - 1, max(place[1] for place in places) + 1
    for i in range(at - 1, -1, -1):
        if len(chosen) == MOST_OPERATIONS:
            break
        op = steps[i].op
        if i in chosen or (op.tree != failing.op.tree and not isinstance(op, MtreeDup)):
            continue
        first, last = place_named(steps[i])
        if isinstance(op, MtreeDup) or (form_of(op).writes and first <= high and last >= low):
            chosen.append(i)
    return sorted(chosen)


def _steps_of_cursor(steps: Sequence[Step], at: int) -> Iterator[int]:
    """The steps through the same cursor before this one, the last first, back to where it was placed."""
    op = steps[at].op
    if not form_of(op).uses_cursor or isinstance(op, PLACING):
        return
    for i in range(at - 1, -1, -1):
        before = steps[i].op
        if form_of(before).uses_cursor and before.cursor == op.cursor:
            yield i
            if isinstance(before, PLACING):
                return


def place_named(step: Step, actual: Answer | None = None) -> tuple[int, int]:
    """The lowest and highest index that a step names or answers; of a write that names none, of all."""
    sources = [source for source in (step.op, step.expect, actual) if source is not None]
    named = [getattr(source, name, ABSENT) for source in sources for name in NAMING_PLACES]
    words = [word for word in named if word is not ABSENT]
    if not words and (form_of(step.op).writes or isinstance(step.op, Snapshot)):
        return 0, 2**64
    return (min(words), max(words)) if words else (2**64, -1)


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


def _held_there(difference: Difference, held: Ranges) -> Iterator[str]:
    """The ranges that the port holds where the failing operation looked."""
    failing = failing_step(difference)
    if failing is not None and held and "entries" not in difference.keys:
        low, high = place_named(failing, difference.actual)
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
