"""Real address spaces to fork from: /proc/PID/maps and the VmFlags and Rss of smaps, without names.

A space is kept as text, one VMA a line: bounds in hex, its flags as smaps spells them, the number of its
file or "-", and how many of its pages were there. Nothing tells whose it was. Spaces kept with the project
are in ``spaces/``. Not covered: which pages were there; so many from the VMA's start are touched.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mapleproof.impl.mm.flags import SETTABLE, SMAPS, VM_DONTCOPY, VM_PFNMAP, VM_SHARED, VM_WIPEONFORK
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.scenarios import Program
from mapleproof.props.mm.sweep import Swept, build, forker, sweep

KEPT = Path(__file__).parent / "spaces"
"""The spaces that come with the project."""

MOST_TOUCHED = 8
"""Pages of a VMA that are touched at most, whatever was there: one table is as good as another."""
MOST_PFNMAP = 64
"""VM_PFNMAP mappings of more pages are left out; each of their pages is entered."""

_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) [0-9a-f]+ (\S+) (\d+)")
_LINE = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([a-z,]+|-) (\d{1,5}|-) (\d{1,12})")
PAGE = 4096

MOST_OBSERVED = 1000
"""VMAs of a space that observers walk through at each of their points."""


class SpaceError(Exception):
    """A text or process that holds no readable address space: what, where and why, in one line."""


@dataclass(frozen=True, slots=True)
class RealVma:
    """One VMA: [start, end), VM_* flags, the number of its file or None, pages that were there."""

    start: int
    end: int
    flags: int
    file: int | None
    touched: int


def capture(pid: int | str = "self") -> list[RealVma]:
    """The address space of a process that runs, from its smaps. Raises SpaceError."""
    path = Path(f"/proc/{pid}/smaps")
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise SpaceError(f"{path}: {error.strerror}") from None
    return list(_from_smaps(text))


def _from_smaps(text: str) -> Iterator[RealVma]:
    files: dict[str, int] = {}
    start = end = touched = 0
    file: int | None = None
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head is not None:
            start, end, touched = int(head[1], 16), int(head[2], 16), 0
            key = f"{head[4]} {head[5]}"
            file = files.setdefault(key, len(files) + 1) if head[5] != "0" else None
        elif line.startswith("Rss:"):
            touched = int(line.split()[1]) * 1024 // PAGE
        elif line.startswith("VmFlags:"):
            flags = 0
            for word in line.split()[1:]:
                flags |= SMAPS.get(word, 0)
            yield RealVma(start, end, flags, file, touched)


def to_text(space: list[RealVma]) -> str:
    """A space as it is kept."""
    lines = []
    for vma in space:
        words = [word for word, flag in SMAPS.items() if vma.flags & flag]
        file = "-" if vma.file is None else str(vma.file)
        lines.append(f"{vma.start:x}-{vma.end:x} {','.join(words) or '-'} {file} {vma.touched}\n")
    return "".join(lines)


def from_text(text: str, source: str) -> list[RealVma]:
    """A space that was kept. Raises SpaceError with the line."""
    space: list[RealVma] = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise SpaceError(f"{source}:{number}: this is no VMA: {line[:60]!r}")
        start, end = int(match[1], 16), int(match[2], 16)
        if start >= end or (start | end) % PAGE or (space and start < space[-1].end):
            raise SpaceError(f"{source}:{number}: the VMA is empty, unaligned or out of order")
        words = [] if match[3] == "-" else match[3].split(",")
        unknown = [word for word in words if word not in SMAPS]
        if unknown:
            raise SpaceError(f"{source}:{number}: unknown flag {unknown[0]!r}")
        flags = sum({SMAPS[word] for word in words})
        file = None if match[4] == "-" else int(match[4])
        space.append(RealVma(start, end, flags, file, int(match[5])))
    if not space:
        raise SpaceError(f"{source}: no VMA in it")
    return space


def kept_spaces() -> dict[str, list[RealVma]]:
    """The spaces that come with the project, by name."""
    return {
        path.name.partition(".")[0]: from_text(gzip.decompress(path.read_bytes()).decode(), path.name)
        for path in sorted(KEPT.glob("*.maps.gz"))
    }


def program_of(space: list[RealVma], geometry: PageGeometry = X86_64) -> Program:
    """What makes such a space, VMA by VMA; those that user space could not map are left out."""
    program: Program = []
    for vma in space:
        size = vma.end - vma.start
        if vma.end > geometry.task_size or (vma.flags & VM_PFNMAP and size > MOST_PFNMAP * PAGE):
            continue
        flags = vma.flags & SETTABLE
        if flags & VM_PFNMAP:
            flags |= VM_SHARED
        program.append(ops.Mmap(0, vma.start, size, flags, vma.file))
        if vma.touched and not flags & VM_PFNMAP:
            touched = min(vma.touched, MOST_TOUCHED, size // PAGE)
            program.append(ops.Touch(0, vma.start, touched * PAGE))
        if vma.flags & VM_DONTCOPY:
            program.append(ops.Madvise(0, vma.start, size, "dontfork"))
        if vma.flags & VM_WIPEONFORK and vma.file is None:
            program.append(ops.Madvise(0, vma.start, size, "wipeonfork"))
    return program


def count_points(program: Program, geometry: PageGeometry, recovery: str) -> int:
    """How many requests a fork after ``program`` makes, each of which is a failure point."""
    port = build(program, geometry, observed=False)
    space, into = forker(program)
    port.apply(ops.Fork(space, into, recovery, fail_after=(1 << 32) - 2))
    return port.asked


def sweep_space(
    space: list[RealVma], recovery: str, most: int | None = None, geometry: PageGeometry = X86_64
) -> Swept:
    """Fail a fork of a real space at every point, or at ``most`` of them, spread from the first to the
    last. Others look on, unless the space is so large that they would take most of the time."""
    program = program_of(space, geometry)
    points = None if most is None else spread(count_points(program, geometry, recovery), most)
    return sweep(program, geometry, recovery, points=points, observed=len(space) <= MOST_OBSERVED)


def spread(count: int, most: int) -> list[int] | None:
    """``most`` numbers below ``count`` with the first and last among them; None where that is all."""
    if count <= most:
        return None
    return sorted({*range(0, count, -(-count // most)), 1, 2, 3, count - 2, count - 1})
