"""What a recovery is: all that differs between versions of dup_mmap() in how a failed fork is undone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from mapleproof.impl.maple import Cursor
from mapleproof.impl.mm.exit import PLAIN, ExitRules

if TYPE_CHECKING:
    from mapleproof.impl.mm.machine import Machine
    from mapleproof.impl.mm.mm import Mm
    from mapleproof.impl.mm.objects import UffdContext, Vma


class Fork:
    """One fork under way.

    ``cursor`` walks the child's tree, with bulk insertion the parent's. ``first_left`` is the first VMA
    that was not duplicated, None where all were; ``clearing_failed`` whether taking a VM_DONTCOPY one out
    of the tree was what failed. ``contexts`` are userfaultfd contexts that wait for the end.
    """

    __slots__ = ("child", "clearing_failed", "contexts", "cursor", "first_left", "machine", "parent")

    def __init__(self, machine: Machine, parent: Mm, child: Mm) -> None:
        self.machine = machine
        self.parent = parent
        self.child = child
        self.cursor = Cursor(child.tree)
        self.first_left: Vma | None = None
        self.clearing_failed = False
        self.contexts: list[UffdContext] = []


Known = Mapping[str, str]
"""Promises that are known to be broken, each with the reason."""


class Recovery(ABC):
    """One way to recover.

    ``name`` is what users call it, ``when`` where it comes from. ``bulk``: VMAs are inserted one by one
    instead of duplicating the tree. ``early_hooks``: ksm and khugepaged learn of the child before it is
    complete. ``completes_uffd``: userfaultfd monitors are told of a fork even if it failed.
    ``exit_rules``: what the exit_mmap() of its time knew. ``swapoff_looks``: whether the swapoff of its
    time asks if an address space is stable before it walks it. ``known``: the promises that it is known to
    break, each with the reason; a check fails where it breaks another one, or keeps one of these. ``claimed``
    names the claims that are proved of it, where a claim is about several recoveries.
    """

    name: ClassVar[str]
    when: ClassVar[str]
    bulk: ClassVar[bool] = False
    early_hooks: ClassVar[bool] = False
    completes_uffd: ClassVar[bool] = False
    exit_rules: ClassVar[ExitRules] = PLAIN
    swapoff_looks: ClassVar[bool] = False
    known: ClassVar[Known] = MappingProxyType({})
    claimed: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def recover(self, fork: Fork) -> None:
        """dup_mmap() has failed with the tree made: do what is done before the locks are dropped.

        The child holds its own VMAs before ``fork.first_left`` and the parent's from there on.
        """
