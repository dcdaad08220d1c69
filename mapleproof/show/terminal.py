"""A picture as text: the steps, the first difference, what is around it, and the structure before and after.

Nothing is wider than WIDTH columns, and of a tree of any height only what meets the place of the difference,
or changed, is printed; how much was left out is said. Marks do not depend on colour: ``>`` a step that
matters, ``!`` what is wrong, ``*`` what is new or not as it was, ``-`` what is gone after the step.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rich.text import Text

from mapleproof.show.picture import FAULTS, Frame, Item, Items, Lane, Picture
from mapleproof.show.steps import LANE, MAX

WIDTH = 100
MOST_STEPS = 12
MOST_ITEMS = 10
"""Items of a row that are printed, and slots of a node."""

BAD, CHANGED, SOFT = "bold red", "cyan", "dim"


def lines_of(picture: Picture) -> Iterator[Text]:
    """The picture, line by line."""
    good = picture.failing is None
    yield from _wrapped(f"{picture.name}: {picture.headline}", "", "bold green" if good else BAD)
    for line in picture.told:
        yield from _wrapped(line, "  ", SOFT)
    yield Text()
    yield from _steps(picture)
    if not picture.frames:
        return
    frame = picture.frames[picture.open]
    yield Text()
    yield from _answers(frame)
    for note in frame.notes:
        yield from _wrapped(note, "  ")
    before, after = _before(picture), picture.state(picture.open)
    yield from _place(after, frame)
    for lane in picture.lanes:
        if lane.key != LANE:
            yield from _lane(lane, before, after, frame)


def _before(picture: Picture) -> Items:
    """What there was before the step that is shown, its stages left out."""
    number = picture.frames[picture.open].number
    earlier = [at for at, frame in enumerate(picture.frames[: picture.open]) if frame.number < number]
    return picture.state(earlier[-1]) if earlier else {}


def _plain(items: Items) -> Items:
    """Items without what is said of them: that a node was found to be broken is no change of it."""
    return {key: item._replace(kind="", note="") for key, item in items.items()}


def _wrapped(text: str, indent: str, style: str = "") -> Iterator[Text]:
    for line in wrap(text, WIDTH - len(indent), subsequent_indent="    ", break_on_hyphens=False) or [""]:
        yield Text(indent + line, style)


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _steps(picture: Picture) -> Iterator[Text]:
    """The steps; of many those that matter, and the last ones."""
    frames = [frame for frame in picture.frames if not frame.stage or frame.stage == "at the end"]
    shown = frames[: picture.frames[picture.open].number] if picture.frames else []
    chosen = {frame.number for frame in shown if frame.matters} | {frame.number for frame in shown[-3:]}
    if len(shown) <= MOST_STEPS:
        chosen = {frame.number for frame in shown}
    chosen = set(sorted(chosen)[-MOST_STEPS:])
    done = 0
    for frame in frames:
        if frame.number not in chosen:
            continue
        if frame.number > done + 1:
            yield Text(f"         ... {frame.number - done - 1} steps", SOFT)
        done = frame.number
        failing = picture.failing is not None and frame.number == picture.frames[picture.failing].number
        mark = "!" if failing else ">" if frame.matters else " "
        style = BAD if failing else "" if frame.matters else SOFT
        yield Text(_cut(f"{mark} {frame.number:>6}  {frame.text}"), style)


def _answers(frame: Frame) -> Iterator[Text]:
    for word, values in (("expected", frame.expected), ("actual", frame.actual)):
        crashed = any(value.key == "crash" for value in values)
        told = [value for value in values if not (crashed and value.text == "-")]
        words = [
            value.text if value.key == "crash" else f"{value.key}={value.text}{'*' * value.differs}"
            for value in told
        ]
        if words:
            yield from _wrapped(f"{word:<8}  " + "  ".join(words), "  ", BAD if word == "actual" else "")


def _place(items: Items, frame: Frame) -> Iterator[Text]:
    """Where the step looked."""
    for item in items.values():
        if item.lane == LANE:
            bad = item.kind in FAULTS
            text = f"  {item.row:<8}  {_range(item.first, item.last)} {item.label}".rstrip()
            yield Text(_cut(text), BAD if bad else "")


def _lane(lane: Lane, before: Items, after: Items, frame: Frame) -> Iterator[Text]:
    """A lane before and after the step; once where the step did not change it."""
    mine = [{key: item for key, item in items.items() if item.lane == lane.key} for items in (before, after)]
    if not mine[0] and not mine[1]:
        return
    yield Text()
    if _plain(mine[0]) == _plain(mine[1]):
        yield Text(f"{lane.title} (not changed by the step)", "bold")
        yield from _rows(lane, mine[1], mine[0], frame, gone=False)
        return
    if mine[0]:
        yield Text(f"{lane.title}, before", "bold")
        yield from _rows(lane, mine[0], mine[1], frame, gone=True)
    yield Text(f"{lane.title}, after", "bold")
    if not mine[1]:
        yield Text("    nothing", SOFT)
    yield from _rows(lane, mine[1], mine[0], frame, gone=False)


def _rows(lane: Lane, items: Items, other: Items, frame: Frame, *, gone: bool) -> Iterator[Text]:
    """The rows of a lane, from the top down. ``other`` is what there is on the other side of the step."""
    low, high = (0, MAX) if frame.focus is None else frame.focus
    for row, name in lane.rows:
        there = sorted((item.first, key) for key, item in items.items() if item.row == row)

        def rank(key: str) -> tuple[bool, bool]:
            item = items[key]
            return not item.faulty, not (item.last >= low - 1 and item.first <= high + 1)

        chosen = [key for _, key in there if not all(rank(key)) or (other.get(key) != items[key])]
        chosen = sorted(chosen, key=rank)[:MOST_ITEMS]
        for _, key in there:
            if key in chosen:
                yield from _item(items[key], other.get(key), name, (low, high), gone=gone)
        if len(there) > len(chosen):
            yield Text(f"    {name:<12} {len(there) - len(chosen)} more", SOFT)


def _item(item: Item, other: Item | None, name: str, focus: tuple[int, int], *, gone: bool) -> Iterator[Text]:
    changed = other != item
    mark = "!" if item.faulty and not gone else "-" if other is None and gone else "*" if changed else " "
    style = BAD if mark == "!" else CHANGED if changed else ""
    note = f": {item.note}" if item.note else f", {item.kind}" if _unsaid(item) else ""
    label = f"{item.label} " if item.label else ""
    yield from _wrapped(f"{name:<12} {label}{_range(item.first, item.last)}{note}", f"  {mark} ", style)
    yield from _slots(item, other, focus)


def _unsaid(item: Item) -> bool:
    return item.kind in FAULTS and not any(word in item.label for word in (item.kind, "not zapped", "freed"))


def _slots(item: Item, other: Item | None, focus: tuple[int, int]) -> Iterator[Text]:
    """The slots of a node: those that are wrong, not as they were, or where the step looked."""
    if not item.parts:
        return
    was = set(other.parts) if other is not None else set()
    words: list[str] = []
    first, left = item.first, 0
    for part in item.parts:
        near = part.last >= focus[0] - 1 and first <= focus[1] + 1
        wrong, fresh = part.kind in FAULTS, other is not None and part not in was
        if (wrong or fresh or near) and len(words) < MOST_ITEMS:
            mark = "!" if wrong else "*" if fresh else ""
            arrow = "→" if part.label else ""
            words.append(f"{mark}{_range(first, part.last)}{arrow}{part.label.replace(' ', chr(0xA0))}")
        else:
            left += 1
        first = part.last + 1
    if left:
        words.append(f"and\u00a0{left}\u00a0more\u00a0slots")
    for line in wrap("  ".join(words), WIDTH - 20, break_on_hyphens=False):
        yield Text(_cut(" " * 19 + line.replace("\u00a0", " ")), BAD if "!" in line else "")


def _range(first: int, last: int) -> str:
    return f"[{_word(first)}..{_word(last)}]"


def _word(word: int) -> str:
    return "max" if word == MAX else f"{word:#x}"
