"""An address space's mmap lock, with a record of every acquire and release.

After each lock operation the machine lets observers look: that is where others may run. A lock taken twice
for writing, or released by nobody, is a mistake of the suite itself and raises AssertionError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mapleproof.impl.mm.machine import Machine
    from mapleproof.impl.mm.mm import Mm


class MmapLock:
    """The mmap lock of ``mm`` (mmap_lock): many readers or one writer."""

    __slots__ = ("machine", "mm", "readers", "writer")

    def __init__(self, machine: Machine, mm: Mm) -> None:
        self.machine = machine
        self.mm = mm
        self.readers = 0
        self.writer = False

    @property
    def free(self) -> bool:
        """Whether a reader could come in (mmap_read_trylock())."""
        return not self.writer

    @property
    def idle(self) -> bool:
        """Whether a writer could come in (mmap_write_trylock())."""
        return not self.writer and not self.readers

    def write_lock(self) -> None:
        if not self.idle:
            raise AssertionError(f"mm {self.mm.number}: the mmap lock is held")
        self.writer = True
        self.machine.lock_step("write_lock", self.mm)

    def write_unlock(self) -> None:
        if not self.writer:
            raise AssertionError(f"mm {self.mm.number}: the mmap lock is not held for writing")
        self.writer = False
        self.machine.lock_step("write_unlock", self.mm)

    def read_lock(self) -> None:
        if self.writer:
            raise AssertionError(f"mm {self.mm.number}: the mmap lock is held for writing")
        self.readers += 1
        self.machine.lock_step("read_lock", self.mm)

    def read_unlock(self) -> None:
        if not self.readers:
            raise AssertionError(f"mm {self.mm.number}: the mmap lock is not held for reading")
        self.readers -= 1
        self.machine.lock_step("read_unlock", self.mm)
