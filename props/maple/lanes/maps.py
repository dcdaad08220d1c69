"""Real address spaces as input: the ranges of /proc/PID/maps, and what is done with a tree made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mapleproof.props.common.operation import Common
from mapleproof.props.maple import operations as ops

LINE = re.compile(
    r"([0-9a-f]{1,16})-([0-9a-f]{1,16}) [r-][w-][x-][ps] [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+(?:\s.*)?"
)
MOST_RANGES = 200_000
PAGE = 0x1000


class MapsError(Exception):
    """A file or process that holds no readable address space: what, where and why, in one line."""


@dataclass(frozen=True, slots=True)
class Space:
    """An address space: a name without anything that tells of the machine, and its ranges in order."""

    name: str
    ranges: tuple[tuple[int, int], ...]


def read_maps(text: str, source: str) -> tuple[tuple[int, int], ...]:
    """The ranges, as (first, last), in the text of a maps file. Raises MapsError with the line."""
    ranges: list[tuple[int, int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = LINE.fullmatch(line)
        if match is None:
            raise MapsError(f"{source}:{number}: this is no line of a maps file: {line[:60]!r}")
        first, end = int(match[1], 16), int(match[2], 16)
        if first >= end:
            raise MapsError(f"{source}:{number}: the range {match[1]}-{match[2]} is empty")
        if ranges and first <= ranges[-1][1]:
            raise MapsError(f"{source}:{number}: the range begins before the one above it ends")
        if len(ranges) == MOST_RANGES:
            raise MapsError(f"{source}:{number}: more than {MOST_RANGES} ranges")
        ranges.append((first, end - 1))
    return tuple(ranges)


def load_space(argument: str) -> Space:
    """The space of a process (a number) or of a file in the format of /proc/PID/maps. Raises MapsError."""
    path = Path(f"/proc/{argument}/maps") if argument.isdecimal() else Path(argument)
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise MapsError(f"{path}: {error.strerror}") from None
    ranges = read_maps(text, str(path))
    if not ranges:
        raise MapsError(f"{path}: no range in it")
    return Space(f"process-{argument}" if argument.isdecimal() else path.name, ranges)


def running_processes() -> tuple[int, ...]:
    """The numbers of all processes."""
    return tuple(sorted(int(path.name) for path in Path("/proc").glob("[0-9]*")))


def running_spaces() -> list[Space]:
    """The spaces of all processes that may be read, each distinct one once."""
    spaces: dict[tuple[tuple[int, int], ...], Space] = {}
    for number in running_processes():
        try:
            space = load_space(str(number))
        except MapsError:
            continue  # a kernel thread, another user's process, or one that has ended meanwhile
        spaces.setdefault(space.ranges, space)
    return list(spaces.values())


def exercise(space: Space) -> Iterator[Common]:
    """What is done with a space: build its tree, search gaps, dup, replace every entry, erase, allocate."""
    for number, (first, last) in enumerate(space.ranges, start=1):
        yield ops.MtreeInsertRange(first, last, number)
    yield ops.Snapshot()
    low, high = space.ranges[0][0], space.ranges[-1][1]
    sizes = [PAGE << shift for shift in range(0, 40, 3)]
    for size in sizes:
        for start, end in ((PAGE, 2**47 - PAGE - 1), (low, high)):
            if end - start >= size:
                yield ops.MasSet(start)
                yield ops.MasEmptyArea(start, end, size)
                yield ops.MasSet(start)
                yield ops.MasEmptyAreaRev(start, end, size)
    yield ops.MtreeDup(1)
    yield ops.MasInit(0, tree=1)
    for number in range(len(space.ranges)):
        yield ops.MasFind(2**64 - 1, tree=1)
        yield ops.MasStoreGfp(number + 100_001, tree=1, fail_after=0)
    yield ops.MasFind(2**64 - 1, tree=1)
    yield ops.Snapshot(tree=1)
    for first, _ in space.ranges[::3]:
        yield ops.MtreeErase(first, tree=1)
    for size in sizes:
        yield ops.MtreeAllocRrange(7, size, PAGE, 2**47 - PAGE - 1, tree=1)
        yield ops.MtreeAllocRange(8, size, PAGE, 2**47 - PAGE - 1, tree=1)
    for first, last in space.ranges[1::7]:
        yield ops.MtreeStoreRange(first, last, None)
    index = 0
    for _ in space.ranges[::5]:
        yield ops.MtFind(index, 2**64 - 1)
        index = min(index + (high - low) // (len(space.ranges) // 5 + 1), 2**64 - 1)
    yield ops.MtreeDup(2)
