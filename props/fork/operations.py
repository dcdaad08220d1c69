"""Operations on address spaces, as data: what processes do, the forks between them, and what is asked.

Addresses and sizes are in bytes and multiples of the page size; spaces are numbered, 0 is there at first.
Each stands for the system call of its name. `fail_after` N on an operation lets N requests within it be
granted and every later one be refused: of a fork, so, N runs over all its failure points. What an operation
looks like in a case file is in `address_space_forms.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from props.ops.common_operations import Common


@dataclass(frozen=True, slots=True)
class SpaceOperation(Common):
    """An operation on one address space."""

    space: int


@dataclass(frozen=True, slots=True)
class CommitLimit(Common):
    """Set how many pages may be charged in all (CommitLimit)."""

    pages: int


@dataclass(frozen=True, slots=True)
class Mmap(SpaceOperation):
    """Map at a fixed place: flags are VM_* flags, file a file's number or None."""

    start: int
    size: int
    flags: int
    file: int | None


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


@dataclass(frozen=True, slots=True)
class Munmap(SpaceOperation):
    """Unmap a range."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Mprotect(SpaceOperation):
    """Change the protection of a range to `flags` (VM_READ, VM_WRITE, VM_EXEC)."""

    start: int
    size: int
    flags: int


@dataclass(frozen=True, slots=True)
class Mremap(SpaceOperation):
    """Resize a mapping in place, where `to` is `start`, or move it to a fixed place."""

    start: int
    size: int
    to: int
    new_size: int


@dataclass(frozen=True, slots=True)
class Madvise(SpaceOperation):
    """What a fork shall do with a range: dontfork, dofork, wipeonfork, keeponfork."""

    start: int
    size: int
    advice: str


@dataclass(frozen=True, slots=True)
class Touch(SpaceOperation):
    """Use each page of a range."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Mbind(SpaceOperation):
    """Give the VMA at an address a memory policy."""

    start: int


@dataclass(frozen=True, slots=True)
class Userfaultfd(SpaceOperation):
    """Give the VMA at an address a userfaultfd context that hears of forks."""

    start: int


@dataclass(frozen=True, slots=True)
class Fork(SpaceOperation):
    """Fork a space into a new one, by the named recovery's dup_mmap."""

    into: int
    recovery: str


@dataclass(frozen=True, slots=True)
class Exit(SpaceOperation):
    """A space's last user leaves."""


@dataclass(frozen=True, slots=True)
class Areas(SpaceOperation):
    """What is mapped."""


@dataclass(frozen=True, slots=True)
class Pages(SpaceOperation):
    """Which pages are there."""


@dataclass(frozen=True, slots=True)
class PageTables(SpaceOperation):
    """Which page tables of a level there are, 1 being the lowest."""

    level: int


@dataclass(frozen=True, slots=True)
class Committed(Common):
    """How many pages are charged in all."""


@dataclass(frozen=True, slots=True)
class Vmas(SpaceOperation):
    """What is mapped, equal neighbours as one, with the flags that the kernel shows to everybody."""


@dataclass(frozen=True, slots=True)
class TableBytes(SpaceOperation):
    """How many bytes of page tables there are below the topmost (VmPTE)."""


@dataclass(frozen=True, slots=True)
class Write(SpaceOperation):
    """Let the page at an address hold a number."""

    start: int
    entry: int


@dataclass(frozen=True, slots=True)
class Read(SpaceOperation):
    """What the page at an address holds; nothing, if it was never written."""

    start: int


AddressSpaceOperation = (
    CommitLimit
    | Mmap
    | MmapEach
    | Munmap
    | Mprotect
    | Mremap
    | Madvise
    | Touch
    | Mbind
    | Userfaultfd
    | Fork
    | Exit
    | Areas
    | Pages
    | PageTables
    | Committed
    | Vmas
    | TableBytes
    | Write
    | Read
)
"""Any of them."""
