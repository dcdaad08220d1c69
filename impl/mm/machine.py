"""The machine that address spaces live on: memory accounting, files, the list of them, and the ledgers.

``plan`` is asked before anything that can fail; None grants everything and costs nothing. Live objects are
counted by kind, so that what a fork leaves behind shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mapleproof.impl.failure import FailurePlan
from mapleproof.impl.mm.geometry import X86_64, PageGeometry
from mapleproof.impl.mm.objects import AnonVma, File, FreedVma, Vma
from mapleproof.impl.mm.promises import RELEASED, Alarm

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm

Observer = Callable[["Machine", str], None]
"""Someone else who may run at a point: the machine, and the lock operation that was just done."""

FileObserver = Callable[["Machine", File, str], None]
"""Someone else who waited for a file's i_mmap lock."""

LONGEST_RECORD = 10_000
"""Lock operations that are remembered."""


class Machine:
    """One machine.

    ``committed`` pages are charged of ``commit_limit`` (vm_committed_as, CommitLimit). ``alarms`` are the
    broken promises so far. ``forking`` is whether a dup_mmap is under way, which keeps uprobe registration
    out (dup_mmap_sem). ``over_limit`` is whether a charge was refused for the limit. ``record`` holds the
    last lock operations, each with its address space's number. ``scanned`` are the address spaces that ksm
    and khugepaged know.
    """

    def __init__(self, geometry: PageGeometry = X86_64, commit_limit: int = 1 << 62) -> None:
        self.geometry = geometry
        self.commit_limit = commit_limit
        self.committed = 0
        self.alarms: list[Alarm] = []
        self.mms: dict[int, Mm] = {}
        self.files: dict[int, File] = {}
        self.scanned: dict[Mm, None] = {}
        self.observers: Sequence[Observer] = ()
        self.file_observer: FileObserver | None = None
        self.record: deque[tuple[str, int]] = deque(maxlen=LONGEST_RECORD)
        self.forking = self.over_limit = False
        self.next_mm = 0
        self.vmas = self.anon_vmas = self.policies = self.uffd_refs = self.gathers = self.reserved = 0
        self._plan: FailurePlan | None = None

    @property
    def plan(self) -> FailurePlan | None:
        """What decides which requests fail."""
        return self._plan

    @plan.setter
    def plan(self, plan: FailurePlan | None) -> None:
        self._plan = plan
        for mm in self.mms.values():
            mm.tree.plan = plan

    def alarm(self, promise: str, what: str) -> None:
        """Note a broken promise."""
        self.alarms.append(Alarm(promise, what))

    def lock_step(self, what: str, mm: Mm) -> None:
        """A lock operation was done: remember it, and let others run."""
        self.record.append((what, mm.number))
        if self.observers:
            self.look(f"{what} of mm {mm.number}")

    def look(self, where: str) -> None:
        """Others may run here."""
        for observer in self.observers:
            observer(self, where)

    def look_at(self, file: File) -> None:
        """Others may run that wait for the lock of the file's mapping, which was just dropped."""
        if self.file_observer is not None:
            self.file_observer(self, file, f"i_mmap of file {file.number} unlocked")

    def file(self, number: int) -> File:
        """File ``number``, opened once if it is new."""
        if number not in self.files:
            self.files[number] = File(number)
        return self.files[number]

    # Memory accounting

    def charge(self, pages: int) -> bool:
        """Charge ``pages``, if the limit and the plan allow it (security_vm_enough_memory_mm())."""
        if self.committed + pages > self.commit_limit:
            self.over_limit = True
            return False
        if self._plan is not None and not self._plan.ask("charge"):
            return False
        self.committed += pages
        return True

    def uncharge(self, pages: int) -> None:
        """Give ``pages`` back (vm_unacct_memory())."""
        self.committed -= pages

    # Objects

    def new_anon_vma(self) -> AnonVma:
        self.anon_vmas += 1
        return AnonVma()

    def free_vma(self, vma: Vma) -> None:
        """Free a VMA object (vm_area_free())."""
        if type(vma) is FreedVma:
            self.alarm(RELEASED, "a VMA is freed twice")
            return
        self.vmas -= 1
        vma.__class__ = FreedVma

    def live(self) -> tuple[int, ...]:
        """How many objects of each kind are alive; equal before and after what must leave nothing."""
        files = sum(file.refs + file.opened + len(file.i_mmap) for file in self.files.values())
        return (
            self.vmas,
            self.anon_vmas,
            self.policies,
            self.uffd_refs,
            self.gathers,
            self.reserved,
            files,
        )
