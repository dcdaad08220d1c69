"""Operations on address spaces, as data: what processes do, the forks between them, and what is asked.

Addresses and sizes are in bytes and multiples of the page size; spaces are numbered, 0 is there at first.
Each stands for the system call of its name. `fail_after` N on an operation lets N requests within it be
granted and every later one be refused: of a fork, so, N runs over all its failure points. Beside each
stands who carries it out how, and what becomes of the contents of pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mapleproof.impl.mm import calls
from mapleproof.props.common.answers import Answer
from mapleproof.props.common.operation import Common
from mapleproof.props.mm import contents, impl_side, live_side, model_side
from mapleproof.props.mm.dispatch import (
    SPACE_FORMS,
    CarryOut,
    impl_call,
    live_call,
    model_call,
    operation,
)


@dataclass(frozen=True, slots=True)
class SpaceOperation(Common):
    """An operation on one address space."""

    space: int


def _each(side: str) -> CarryOut:
    """Many mmap in a row, up to the first that fails."""

    def carry_out(port: Any, op: Any) -> Answer:
        mmap: CarryOut = getattr(SPACE_FORMS.of(Mmap), side)
        for one in op.each():
            answer = mmap(port, one)
            if answer.ret != 0:
                return answer
        return Answer(ret=0)

    return carry_out


@operation(model=model_side.commit_limit, impl=impl_side.commit_limit)
@dataclass(frozen=True, slots=True)
class CommitLimit(Common):
    """Set how many pages may be charged in all (CommitLimit)."""

    pages: int


@operation(
    "ret",
    model=model_call("mmap"),
    impl=impl_call(calls.mmap),
    live=live_side.mmap,
    contents=contents.mmap,
    writes=True,
    unmaps=True,
)
@dataclass(frozen=True, slots=True)
class Mmap(SpaceOperation):
    """Map at a fixed place: flags are VM_* flags, file a file's number or None."""

    start: int
    size: int
    flags: int
    file: int | None


@operation(
    "ret", model=_each("model"), impl=_each("impl"), contents=contents.mmap_each, writes=True, unmaps=True
)
@dataclass(frozen=True, slots=True)
class MmapEach(SpaceOperation):
    """Map `count` private areas of `size` bytes in a row, `stride` bytes from start to start.

    The same as so many mmap, in one step, so that a case that needs many areas stays short.
    """

    start: int
    size: int
    stride: int
    count: int
    flags: int

    def each(self) -> Iterator[Mmap]:
        """The operations that it stands for."""
        for k in range(self.count):
            yield Mmap(self.space, self.start + k * self.stride, self.size, self.flags, None)


@operation(
    "ret",
    model=model_call("munmap"),
    impl=impl_call(calls.munmap),
    live=live_call("munmap"),
    contents=contents.munmap,
    writes=True,
    drawn="range",
)
@dataclass(frozen=True, slots=True)
class Munmap(SpaceOperation):
    """Unmap a range."""

    start: int
    size: int


@operation(
    "ret",
    model=model_call("mprotect"),
    impl=impl_call(calls.mprotect),
    live=live_call("mprotect"),
    writes=True,
)
@dataclass(frozen=True, slots=True)
class Mprotect(SpaceOperation):
    """Change the protection of a range to `flags` (VM_READ, VM_WRITE, VM_EXEC)."""

    start: int
    size: int
    flags: int


@operation(
    "ret",
    model=model_call("mremap"),
    impl=impl_call(calls.mremap),
    live=live_call("mremap"),
    contents=contents.mremap,
    writes=True,
    unmaps=True,
)
@dataclass(frozen=True, slots=True)
class Mremap(SpaceOperation):
    """Resize a mapping in place, where `to` is `start`, or move it to a fixed place."""

    start: int
    size: int
    to: int
    new_size: int


@operation(
    "ret", model=model_call("madvise"), impl=impl_call(calls.madvise), live=live_call("madvise"), writes=True
)
@dataclass(frozen=True, slots=True)
class Madvise(SpaceOperation):
    """What a fork shall do with a range: dontfork, dofork, wipeonfork, keeponfork."""

    start: int
    size: int
    advice: str


@operation(
    "ret",
    model=model_call("touch"),
    impl=impl_call(calls.touch),
    live=live_side.touch,
    contents=contents.touch,
    writes=True,
)
@dataclass(frozen=True, slots=True)
class Touch(SpaceOperation):
    """Use each page of a range."""

    start: int
    size: int


@operation(model=model_side.nothing, impl=impl_call(calls.set_policy), writes=True, drawn="mark")
@dataclass(frozen=True, slots=True)
class Mbind(SpaceOperation):
    """Give the VMA at an address a memory policy."""

    start: int


@operation(model=model_side.nothing, impl=impl_call(calls.register_userfaultfd), writes=True, drawn="mark")
@dataclass(frozen=True, slots=True)
class Userfaultfd(SpaceOperation):
    """Give the VMA at an address a userfaultfd context that hears of forks."""

    start: int


@operation(
    "ret",
    model=model_call("fork", "into"),
    impl=impl_side.fork,
    live=live_call("fork", "into"),
    contents=contents.fork,
    writes=True,
)
@dataclass(frozen=True, slots=True)
class Fork(SpaceOperation):
    """Fork a space into a new one, by the named recovery's dup_mmap."""

    into: int
    recovery: str


@operation(
    "ret",
    model=model_call("exit"),
    impl=impl_side.exit_space,
    live=live_call("exit"),
    contents=contents.exit_space,
    writes=True,
)
@dataclass(frozen=True, slots=True)
class Exit(SpaceOperation):
    """A space's last user leaves."""


@operation("entries", model=model_side.areas, impl=impl_side.areas)
@dataclass(frozen=True, slots=True)
class Areas(SpaceOperation):
    """What is mapped."""


@operation("entries", model=model_side.pages, impl=impl_side.pages)
@dataclass(frozen=True, slots=True)
class Pages(SpaceOperation):
    """Which pages are there."""


@operation("entries", model=model_side.tables, impl=impl_side.tables)
@dataclass(frozen=True, slots=True)
class PageTables(SpaceOperation):
    """Which page tables of a level there are, 1 being the lowest."""

    level: int


@operation("index", model=model_side.committed, impl=impl_side.committed)
@dataclass(frozen=True, slots=True)
class Committed(Common):
    """How many pages are charged in all."""


@operation("entries", model=model_side.vmas, impl=impl_side.vmas, live=live_side.vmas)
@dataclass(frozen=True, slots=True)
class Vmas(SpaceOperation):
    """What is mapped, equal neighbours as one, with the flags that the kernel shows to everybody."""


@operation("index", model=model_side.table_bytes, impl=impl_side.table_bytes, live=live_side.table_bytes)
@dataclass(frozen=True, slots=True)
class TableBytes(SpaceOperation):
    """How many bytes of page tables there are below the topmost (VmPTE)."""


@operation("ret", model=model_side.write, impl=impl_side.write, live=live_side.write, writes=True)
@dataclass(frozen=True, slots=True)
class Write(SpaceOperation):
    """Let the page at an address hold a number."""

    start: int
    entry: int


@operation("ret", "entry", model=model_side.read, impl=impl_side.read, live=live_side.read)
@dataclass(frozen=True, slots=True)
class Read(SpaceOperation):
    """What the page at an address holds; nothing, if it was never written."""

    start: int
