"""What a recovery is: all that differs between versions of dup_mmap() in how a failed fork is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from impl.mm.exit import PLAIN, ExitRules

if TYPE_CHECKING:
    from impl.mm.fork import Fork


class Recovery:
    """One way to recover.

    ``name`` is what users call it, ``when`` where it comes from. ``bulk``: VMAs are inserted one by one
    instead of duplicating the tree. ``early_hooks``: ksm and khugepaged learn of the child before it is
    complete. ``completes_uffd``: userfaultfd monitors are told of a fork even if it failed.
    ``exit_rules``: what the exit_mmap() of its time knew. ``swapoff_looks``: whether the swapoff of its
    time asks if an address space is stable before it walks it.
    """

    name: ClassVar[str]
    when: ClassVar[str]
    bulk: ClassVar[bool] = False
    early_hooks: ClassVar[bool] = False
    completes_uffd: ClassVar[bool] = False
    exit_rules: ClassVar[ExitRules] = PLAIN
    swapoff_looks: ClassVar[bool] = False

    def recover(self, fork: Fork) -> None:
        """dup_mmap() has failed with the tree made: do what is done before the locks are dropped.

        The child holds its own VMAs before ``fork.first_left`` and the parent's from there on.
        """
        raise NotImplementedError
