"""A case of one reader beside one writer, as a picture: whose turn it was, the accesses around each switch by
source line, and the node that the reader was in as it saw it and as it is.

The axis of the two lanes is time: the number of an access to shared memory, of both together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from mapleproof.impl.kernel.explorer import Access, Traced
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.files import Case
from mapleproof.props.common.forms import spell
from mapleproof.props.common.port import MakePort
from mapleproof.props.common.values import Refused
from mapleproof.props.maple.interleavings.case import has_readers_within, replayed
from mapleproof.props.maple.interleavings.explorers import build_behind, explorer_for
from mapleproof.props.maple.interleavings.switches import Words, line_of, name_of
from mapleproof.show import steps as told
from mapleproof.show.picture import Frame, Item, Items, Picture, Recorder, lanes_of

NEAR = 3
"""Accesses on each side of a switch that are shown one by one."""

MOST_WORDS = 34

WHO = {True: "reader", False: "writer"}
TITLES = {
    told.LANE: told.TITLE,
    "writer": "the writer's accesses, in time",
    "reader": "the reader's accesses, in time",
}
ROWS = {told.LANE: told.ROWS, "writer": {"access": "access"}, "reader": {"access": "access"}}


def interleaving_picture(case: Case, port_name: str, make_port: MakePort) -> Picture | None:
    """Replay a case of a reader beside a writer on a kernel's tree; None for other cases and ports. Raises
    PortError."""
    built = build_behind(make_port)
    operations = [step.op for step in case.steps]
    if built is None or not case.header.flags.get("rcu") or not has_readers_within(operations):
        return None
    try:
        met = replayed(explorer_for(built), case.header.flags["alloc_range"], operations)
    except Refused:
        return None
    header = case.header
    picture = Picture(header.name, header.subject.name, header.origin, port_name, "")
    recorder = Recorder()
    for number, op in enumerate(operations, start=1):
        recorder.take(Frame(number, spell(op), {}), {})
    if met is None:
        picture.headline = f"{len(operations)} steps, as expected at every point"
    else:
        difference, traced = met
        also = difference.steps[difference.number - 1].also
        _draw(recorder, difference, traced)
        picture.headline = told.headline(difference, also)
        picture.failing = len(recorder.frames) - 1
    picture.frames = recorder.frames
    picture.lanes = lanes_of(TITLES, ROWS) if met is not None else ()
    return picture


def _draw(recorder: Recorder, difference: Difference, traced: Traced) -> None:
    """A frame for each turn, the last of which is where it failed."""
    words = Words(traced)
    items: Items = {}
    number = len(recorder.frames)
    at = 0
    turns = [list(turn) for _, turn in groupby(traced.accesses, key=lambda access: access.reader)]
    for count, turn in enumerate(turns, start=1):
        items = items | dict(_accesses(turn, at, words, first=count == 1, last=count == len(turns)))
        at += len(turn)
        stores = sum(access.write for access in turn)
        who = WHO[turn[0].reader]
        text = f"the {who}: {len(turn)} accesses, {stores} of them stores; the last at {line_of(turn[-1])}"
        recorder.take(Frame(number + count, text, {}, matters=True), items)
    frame = recorder.frames[-1]
    frame.expected = told.values(
        difference.expected, difference.keys, difference.steps[difference.number - 1].also
    )
    frame.actual = told.values(difference.actual, difference.keys) if difference.keys else ()
    frame.notes = (*told.told_of(difference), *_node(traced, words))


def _accesses(
    turn: Sequence[Access], at: int, words: Words, *, first: bool, last: bool
) -> Iterator[tuple[str, Item]]:
    """The accesses near to the switches, one by one; those between them as one."""
    lane = WHO[turn[0].reader]
    head, tail = 0 if first else NEAR, 0 if last and not turn[0].reader else NEAR
    middle = range(head, max(head, len(turn) - tail))
    for number, access in enumerate(turn):
        place = at + number
        if number == middle.start and len(middle) > 1:
            label = f"{len(middle)} accesses from {line_of(access)} on"
            yield f"{lane}{place}", Item(lane, "access", place, place + len(middle) - 1, "soft", label)
        if len(middle) > 1 and number in middle:
            continue
        what = "stores to" if access.write else "reads"
        value = "" if access.write else f" = {access.value:#x}"
        label = f"{what} {words.of(access)}{value} at {line_of(access)}"
        yield f"{lane}{place}", Item(lane, "access", place, place, "store" if access.write else "", label)


def _node(traced: Traced, words: Words) -> Iterator[str]:
    """The node that the reader read last of all that the writer stored to: as it saw it, and as it is."""
    stored = {access.node for access in traced.accesses if not access.reader and access.write and access.node}
    read = [access for access in traced.accesses if access.reader and access.node]
    met = [access.node for access in read if access.node in stored] or [access.node for access in read]
    if not met:
        return
    number = met[-1]
    kind, now = words.kinds.get(number, 0), traced.nodes[number]
    fate = "freed in the end" if now is None else "word by word"
    yield f"node {number}, {fate}: as the reader saw it, and as it is"
    seen = {access.offset: access for access in read if access.node == number}
    for offset, access in sorted(seen.items())[:MOST_WORDS]:
        is_now = "-" if now is None else f"{_bytes(now, offset, access.size):#x}"
        differs = "" if is_now in ("-", f"{access.value:#x}") else "  !"
        yield f"  {name_of(offset, kind):<18} {access.value:#x}  {is_now}{differs}"


def _bytes(words: tuple[int, ...], offset: int, size: int) -> int:
    return words[offset // 8] >> 8 * (offset % 8) & (1 << 8 * size) - 1
