"""What a VMA is, and what hangs on it: files, anon_vmas, policies, userfaultfd, reserved ranges.

A freed VMA changes its class, so that whoever still holds it and reads from it gets an Oops, not old
values. Not covered: page contents, interval trees (a file's and an anon_vma's VMAs are plain ordered sets).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mapleproof.impl.mm.promises import Oops

if TYPE_CHECKING:
    from mapleproof.impl.mm.mm import Mm


class File:
    """A file that can be mapped: ``refs`` open references, ``i_mmap`` the VMAs that map it, ``opened``
    how often a VMA's open() was called more than its close()."""

    __slots__ = ("i_mmap", "number", "opened", "refs")

    def __init__(self, number: int) -> None:
        self.number = number
        self.refs = 1
        self.opened = 0
        self.i_mmap: dict[Vma, None] = {}


class AnonVma:
    """What a page's reverse mapping goes through: the VMAs in which its pages may be (struct anon_vma)."""

    __slots__ = ("vmas",)

    def __init__(self) -> None:
        self.vmas: dict[Vma, None] = {}


class Policy:
    """A memory policy, shared by reference count (struct mempolicy)."""

    __slots__ = ("refs",)

    def __init__(self) -> None:
        self.refs = 1


class UffdContext:
    """A userfaultfd context that wants to hear of forks."""

    __slots__ = ("completed", "refs")

    def __init__(self) -> None:
        self.refs = 1
        self.completed = 0


class PatRange:
    """A reserved range of memory of a VM_PFNMAP mapping: ``count`` VMAs hold the reservation."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 1


class Vma:
    """A virtual memory area [start, end) of ``mm``, bounds in bytes and page-aligned.

    ``chain`` are the anon_vmas it is linked to, its own ``anon_vma`` the last of them.
    """

    __slots__ = (
        "anon_vma",
        "chain",
        "end",
        "file",
        "flags",
        "mm",
        "pat",
        "pgoff",
        "policy",
        "start",
        "uffd",
    )

    def __init__(
        self,
        mm: Mm,
        start: int,
        end: int,
        flags: int,
        file: File | None = None,
        pgoff: int = 0,
        policy: Policy | None = None,
        uffd: UffdContext | None = None,
        pat: PatRange | None = None,
    ) -> None:
        self.mm = mm
        self.start = start
        self.end = end
        self.flags = flags
        self.file = file
        self.pgoff = pgoff
        self.policy = policy
        self.uffd = uffd
        self.pat = pat
        self.anon_vma: AnonVma | None = None
        self.chain: list[AnonVma] | None = None

    def __repr__(self) -> str:
        return f"VMA [{self.start:#x}..{self.end:#x}) of mm {self.mm.number}"


class FreedVma(Vma):
    """A VMA after it was freed: reading anything from it is an Oops."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return FreedVma
        raise Oops(f"VMA read after it was freed (its {name})")

    def __repr__(self) -> str:
        return "freed VMA"


class ZeroEntry:
    """XA_ZERO_ENTRY: a marker in the tree that is no VMA."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Oops(f"the zero marker is taken for a VMA (its {name})")

    def __repr__(self) -> str:
        return "ZERO"


ZERO: Final[Any] = ZeroEntry()
"""The one zero marker."""
