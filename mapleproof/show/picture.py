"""What there is to see in a case: items on lanes over one axis of addresses, frame by frame.

An item is a range with a label: an entry of the model, a node with its slots, a page table. A frame is what
there is after a step, kept as its difference from the frame before. Terminal and page show nothing that is
not in here, and know nothing of trees and page tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

FAULTS = frozenset({"wrong", "lost", "broken", "leaked", "foreign", "freedentry", "marker"})
"""The kinds of item and part that something is wrong with."""


class Part(NamedTuple):
    """A slot of a node, or a piece of an item: up to and including ``last``."""

    last: int
    kind: str
    label: str


class Item(NamedTuple):
    """A range on a row of a lane. ``kind`` says how it looks, ``note`` what is wrong with it."""

    lane: str
    row: str
    first: int
    last: int
    kind: str
    label: str
    parts: tuple[Part, ...] = ()
    note: str = ""

    @property
    def faulty(self) -> bool:
        """Whether something is wrong with it, or with a part of it."""
        return self.kind in FAULTS or any(part.kind in FAULTS for part in self.parts)


Items = dict[str, Item]
"""Items by a key that stays the same for what stays the same thing."""


class Value(NamedTuple):
    """One key of an answer, spelled, and whether it is one that differs."""

    key: str
    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """A group of rows, from the top down: row names and what they are called."""

    key: str
    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Frame:
    """What there is after step ``number``, or at a ``stage`` within it: ``changed`` holds the items that are
    new or not as they were, None for those that are gone. ``focus`` is where to look."""

    number: int
    text: str
    changed: dict[str, Item | None]
    stage: str = ""
    matters: bool = False
    expected: tuple[Value, ...] = ()
    actual: tuple[Value, ...] = ()
    notes: tuple[str, ...] = ()
    focus: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """What links to it: the number, with a letter for a stage."""
        return f"{self.number}{self.stage[:1]}"


@dataclass(slots=True)
class Picture:
    """A case carried out. ``headline`` is what came of it, ``told`` what else there is to say of it as a
    whole; ``failing`` is the frame of the first difference, None where all is as expected."""

    name: str
    subject: str
    origin: str
    port: str
    headline: str
    told: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()
    frames: list[Frame] = field(default_factory=list)
    failing: int | None = None

    @property
    def open(self) -> int:
        """The frame to begin with: the first difference, else the last step."""
        return len(self.frames) - 1 if self.failing is None else self.failing

    def state(self, at: int) -> Items:
        """All items of a frame; of frame -1 there are none."""
        items: Items = {}
        for frame in self.frames[: at + 1]:
            apply(items, frame.changed)
        return items


def apply(items: Items, changed: Mapping[str, Item | None]) -> None:
    """Go on to the next frame."""
    for key, item in changed.items():
        if item is None:
            items.pop(key, None)
        else:
            items[key] = item


def changes(before: Mapping[str, Item], after: Mapping[str, Item]) -> dict[str, Item | None]:
    """What must be applied to ``before`` to get ``after``."""
    changed: dict[str, Item | None] = {
        key: item for key, item in after.items() if (was := before.get(key)) is not item and was != item
    }
    changed.update((key, None) for key in before if key not in after)
    return changed


def as_data(picture: Picture) -> dict[str, Any]:
    """A picture as JSON holds it. Addresses are numbers of borders, which ``borders`` holds in order;
    ``logs`` is log2 of the distance from each border to the next."""
    borders = sorted(set(_borders(picture))) or [0, 1 << 64]
    at = {border: number for number, border in enumerate(borders)}
    return {
        "name": picture.name,
        "subject": picture.subject,
        "origin": picture.origin,
        "port": picture.port,
        "headline": picture.headline,
        "differs": picture.failing is not None,
        "told": list(picture.told),
        "open": picture.open,
        "lanes": [[lane.key, lane.title, [list(row) for row in lane.rows]] for lane in picture.lanes],
        "borders": [f"{border:x}" for border in borders],
        "logs": [round(math.log2(b - a), 1) for a, b in pairwise(borders)],
        "frames": [_frame_data(frame, at) for frame in picture.frames],
    }


def _borders(picture: Picture) -> Iterator[int]:
    for frame in picture.frames:
        if frame.focus is not None:
            yield frame.focus[0]
            yield frame.focus[1] + 1
        for item in frame.changed.values():
            if item is not None:
                yield item.first
                yield item.last + 1
                yield from (part.last + 1 for part in item.parts)


def _frame_data(frame: Frame, at: Mapping[int, int]) -> dict[str, Any]:
    data: dict[str, Any] = {"name": frame.name, "text": frame.text}
    if frame.stage:
        data["stage"] = frame.stage
    if frame.matters:
        data["matters"] = True
    for key, values in (("expected", frame.expected), ("actual", frame.actual)):
        if values:
            data[key] = [list(value) for value in values]
    if frame.notes:
        data["notes"] = list(frame.notes)
    if frame.focus is not None:
        data["focus"] = [at[frame.focus[0]], at[frame.focus[1] + 1]]
    data["set"] = {key: _item_data(item, at) for key, item in frame.changed.items() if item is not None}
    gone = [key for key, item in frame.changed.items() if item is None]
    if gone:
        data["gone"] = gone
    return data


def _item_data(item: Item, at: Mapping[int, int]) -> list[Any]:
    data: list[Any] = [item.lane, item.row, at[item.first], at[item.last + 1], item.kind, item.label]
    if item.parts or item.note:
        data.append([[at[part.last + 1], part.kind, part.label] for part in item.parts])
    if item.note:
        data.append(item.note)
    return data


class Recorder:
    """Takes frames down as a case goes on."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.last: Items = {}
        self.faulty: set[str] = set()
        """The keys of the last frame's items that something is wrong with."""

    def take(self, frame: Frame, items: Items) -> None:
        """One more frame, with all its items."""
        frame.changed = changes(self.last, items)
        self.faulty -= frame.changed.keys()
        self.faulty |= {key for key, item in frame.changed.items() if item is not None and item.faulty}
        self.last = items
        self.frames.append(frame)


def lanes_of(titles: Mapping[str, str], rows: Mapping[str, Mapping[str, str]]) -> tuple[Lane, ...]:
    """The lanes in the order of ``titles``, without those that never have a row."""
    return tuple(Lane(key, title, tuple(rows[key].items())) for key, title in titles.items() if rows.get(key))
