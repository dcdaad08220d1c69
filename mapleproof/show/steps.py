"""What is told of any step, whatever it is about: its answers, where it looks, and which steps matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from errno import errorcode
from typing import Any

from mapleproof.impl.mm import flags as kernel_flags
from mapleproof.impl.mm.promises import Alarm
from mapleproof.props.common.answers import ABSENT, Answer
from mapleproof.props.common.difference import Difference
from mapleproof.props.common.forms import hexadecimal, spell
from mapleproof.props.common.guard import HANG, is_hang
from mapleproof.props.common.operation import Common
from mapleproof.props.common.step import Step
from mapleproof.show.picture import Frame, Item, Items, Recorder, Value

LANE = "step"
TITLE = "this step"
ROWS = {"asked": "asked", "expected": "expected", "actual": "actual", "alarm": "alarms"}

FLAGS = (
    "VM_READ",
    "VM_WRITE",
    "VM_EXEC",
    "VM_SHARED",
    "VM_GROWSDOWN",
    "VM_PFNMAP",
    "VM_LOCKED",
    "VM_HUGETLB",
)
"""The flags that a caller of mmap may give."""

ALARM = re.compile(r"\[(0x[0-9a-f]+)\.\.(0x[0-9a-f]+)\)|at (0x[0-9a-f]+)")
"""Where an alarm was raised: a VMA's range, or an address."""

MAX = 2**64 - 1
MOST_ALARMS = 3
"""So many alarms of a promise are told."""

HANG_NOTES = ("It did not come back and was stopped. What is shown is from before the step.",)

MOST_RANGES = 12
"""So many ranges of an answer that differ are shown."""


SpellEntry = Callable[[Any], str]
"""How what a range holds is spelled."""


def values(
    answer: Answer, differing: Collection[str] = (), also: Answer | None = None, entry: SpellEntry = str
) -> tuple[Value, ...]:
    """An answer, key by key; ``also`` is right too."""
    given, other = answer.given(), {} if also is None else also.given()
    keys = [*given, *(key for key in differing if key not in given)]

    def text(key: str) -> str:
        spelled = _spell(key, given.get(key, ABSENT), entry)
        return f"{spelled}, or {_spell(key, other[key], entry)}" if key in other else spelled

    return tuple(Value(key, text(key), key in differing) for key in keys)


def _spell(key: str, value: Any, spell_entry: SpellEntry) -> str:
    if value is ABSENT:
        return "-"
    if value is None:
        return "NULL"
    if key == "ret" and -value in errorcode:
        return f"{value} ({errorcode[-value]})"
    if key == "entries":
        shown = "  ".join(
            spell_range(first, last) + f"→{spell_entry(entry)}" for first, last, entry in value[:MOST_RANGES]
        )
        more = f"  and {len(value) - MOST_RANGES} more" if len(value) > MOST_RANGES else ""
        return (shown or "nothing") + more
    if key == "crash" and is_hang(value):
        return hang(value)
    return str(hexadecimal(key, value))


def spell_range(first: int, last: int) -> str:
    """A range in hex, both ends inclusive."""
    return f"[{first:#x}..{last:#x}]"


def spell_step(op: Common) -> str:
    """An operation in the kernel's spelling, its flags by name."""

    def named(found: re.Match[str]) -> str:
        flags = int(found[1])
        names = [name for name, flag in vars(kernel_flags).items() if name in FLAGS and flags & flag]
        return f"flags={'|'.join(names) or '0'}"

    return re.sub(r"\bflags=(\d+)", named, spell(op))


def asked(op: Any) -> Iterator[tuple[int, int]]:
    """The ranges that an operation's arguments name."""

    def word(name: str) -> int | None:
        value = getattr(op, name, None)
        return value if isinstance(value, int) else None

    first, start, size, stride = word("first"), word("start"), word("size"), word("stride")
    index, low, high = word("index"), word("min"), word("max")
    to, new_size = word("to"), word("new_size")
    if first is not None:
        last = word("last")
        count, length = word("count") or 1, word("length") or 1
        yield first, first + (count - 1) * (stride or 0) + length - 1 if last is None else last
    elif start is not None:
        extent = size or 1
        yield start, start + ((word("count") or 1) - 1) * (stride or 0) + extent - 1
    elif index is not None:
        yield (index if low is None else low), (index if high is None else high)
    elif low is not None and high is not None:
        yield low, high
    if to is not None and new_size:
        yield to, to + new_size - 1


def answered(
    op: Any, answer: Answer, other: Answer, spell_entry: SpellEntry = str
) -> Iterator[tuple[int, int, str]]:
    """The ranges that an answer names; of contents those that are not in the ``other`` answer."""
    if isinstance(answer.entries, list):
        if not isinstance(other.entries, list):
            return
        against = other.entries
        for first, last, entry in [one for one in answer.entries if one not in against][:MOST_RANGES]:
            yield first, last, spell_entry(entry)
        return
    if isinstance(answer.start, int):
        size = getattr(op, "size", 1)
        yield answer.start, answer.start + max(size, 1) - 1, "start"
    elif isinstance(answer.index, int) and isinstance(answer.last, int):
        held = "NULL" if answer.entry is None else "" if answer.entry is ABSENT else f"→{answer.entry}"
        status = "" if answer.status is ABSENT else f"the cursor is {answer.status}"
        yield answer.index, answer.last, f"{held} {status}".strip()


def step_items(step: Step, actual: Answer | None, entry: SpellEntry = str) -> Items:
    """Where a step looks, what it must answer, and what it answered where that is something else."""
    items: Items = {}

    def add(row: str, first: int, last: int, kind: str, label: str) -> None:
        if 0 <= first <= last <= MAX:
            items[f"{LANE}/{row}/{len(items)}"] = Item(LANE, row, first, last, kind, label)

    for first, last in asked(step.op):
        add("asked", first, last, "asked", "")
    other = step.expect if actual is None else actual
    for first, last, label in answered(
        step.op, step.expect, other if actual is not None else Answer(), entry
    ):
        add("expected", first, last, "answer", label)
    if actual is not None:
        for first, last, label in answered(step.op, actual, step.expect, entry):
            add("actual", first, last, "wrong", label)
    return items


def alarm_items(alarms: Iterable[Alarm]) -> Items:
    """Where broken promises were seen, as far as they say so. What concerns a page table is told at that."""
    items: Items = {}
    for promise, what in alarms:
        found = ALARM.search(what)
        if found and "table" not in what:
            first = int(found[1] or found[3], 16)
            last = int(found[2], 16) - 1 if found[2] else first | 0xFFF
            items.setdefault(f"{LANE}/alarm/{first:x}", Item(LANE, "alarm", first, last, "wrong", promise))
    return items


def alarm_lines(alarms: Iterable[Alarm]) -> Iterator[str]:
    """Broken promises, and what was seen of each."""
    seen: dict[str, list[str]] = {}
    for promise, what in dict.fromkeys(alarms):
        seen.setdefault(promise, []).append(what)
    for promise, whats in seen.items():
        yield f"{promise}: broken"
        yield from (f"  - {what}" for what in whats[:MOST_ALARMS])
        if len(whats) > MOST_ALARMS:
            yield f"  - and {len(whats) - MOST_ALARMS} more"


def focus_of(items: Items, faults: Collection[str], changed: Collection[str]) -> tuple[int, int] | None:
    """Where to look: at what is wrong, at what the step is about, else at what it changed."""
    faulty = [items[key] for key in sorted(faults)]
    faulty = [item for item in faulty if item.lane != LANE] or faulty
    about = [item for item in items.values() if item.lane == LANE]
    for chosen in (_pieces(faulty), about, [items[key] for key in changed if key in items]):
        if chosen:
            least = min(item.last - item.first for item in chosen)
            near = [item for item in chosen if item.last - item.first < 2 * (least + 1)]
            return min(item.first for item in near), max(item.last for item in near)
    return None


def _pieces(items: list[Item]) -> list[Item]:
    """Of items with faulty parts those parts."""
    pieces = []
    for item in items:
        first = item.first
        for part in item.parts:
            piece = item._replace(first=first, last=part.last, kind=part.kind, parts=())
            if piece.faulty and part.last >= first:
                pieces.append(piece)
            first = part.last + 1
        if not any(piece.lane == item.lane for piece in pieces):
            pieces.append(item)
    return pieces


def take(recorder: Recorder, frame: Frame, items: Items) -> None:
    """Take a frame down, with where to look in it."""
    before = recorder.last
    recorder.take(frame, items)
    changed = [key for key, item in frame.changed.items() if item is not None and item.lane != LANE]
    frame.focus = frame.focus or focus_of(
        items, recorder.faulty, [key for key in changed if before.get(key) != items[key]]
    )


def headline(difference: Difference, also: Answer | None = None) -> str:
    """What failed where, and in short how."""
    detail = difference.detail.partition("\n")[0].partition(". ")[0].rstrip(".")
    if difference.actual.crash is not ABSENT:
        detail = str(difference.actual.crash)
        detail = hang(detail) if is_hang(detail) else detail
    elif difference.keys:
        expected = {value.key: value.text for value in values(difference.expected, difference.keys, also)}
        actual = {value.key: value.text for value in values(difference.actual, difference.keys)}
        key = difference.keys[0]
        detail = "the contents differ" if key == "entries" else f"{key} is {actual[key]}, not {expected[key]}"
    return f"{difference.kind} at step {difference.number}" + (f": {detail[:120]}" if detail else "")


def hang(crash: str) -> str:
    """Of a crash that is a hang, what is to be told."""
    return crash[crash.index(HANG) :]


def told_of(difference: Difference) -> tuple[str, ...]:
    """What there is to say of a difference beside its answers."""
    return tuple(line.rstrip() for line in difference.detail.splitlines()[:40])
