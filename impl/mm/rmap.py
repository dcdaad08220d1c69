"""Reverse mapping: the links from anon_vmas and files to the VMAs that map their pages (mm/rmap.c).

Not covered: the kernel's reuse of a parent's anon_vma by a child that lost its siblings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapleproof.impl.mm.objects import AnonVma, Vma
from mapleproof.impl.mm.promises import RELEASED

if TYPE_CHECKING:
    from mapleproof.impl.mm.machine import Machine


def prepare_anon_vma(machine: Machine, vma: Vma) -> bool:
    """``vma`` has an anon_vma of its own from now on; False where there is no memory
    (anon_vma_prepare())."""
    if vma.anon_vma is not None:
        return True
    plan = machine.plan
    if plan is not None and not plan.ask("anon_vma"):
        return False
    _link(vma, machine.new_anon_vma())
    vma.anon_vma = (vma.chain or [])[-1]
    return True


def clone_anon_vmas(machine: Machine, vma: Vma, source: Vma) -> bool:
    """Link ``vma`` to every anon_vma that ``source`` is linked to; False, and no link left, where there
    is no memory (anon_vma_clone())."""
    plan = machine.plan
    for anon_vma in source.chain or ():
        if plan is not None and not plan.ask("anon_vma_chain"):
            unlink_anon_vmas(machine, vma)
            return False
        _link(vma, anon_vma)
    vma.anon_vma = source.anon_vma
    return True


def fork_anon_vma(machine: Machine, vma: Vma, source: Vma) -> bool:
    """Link the child's ``vma`` to the parent's anon_vmas, so that shared pages are found, and give it one
    of its own for new pages; False, and no link left, where there is no memory (anon_vma_fork())."""
    if source.anon_vma is None:
        return True
    if not clone_anon_vmas(machine, vma, source):
        return False
    vma.anon_vma = None
    if not prepare_anon_vma(machine, vma):
        unlink_anon_vmas(machine, vma)
        return False
    return True


def _link(vma: Vma, anon_vma: AnonVma) -> None:
    anon_vma.vmas[vma] = None
    if vma.chain is None:
        vma.chain = []
    vma.chain.append(anon_vma)


def unlink_anon_vmas(machine: Machine, vma: Vma) -> None:
    """No anon_vma knows ``vma`` any more; those that know none are freed (unlink_anon_vmas())."""
    for anon_vma in vma.chain or ():
        del anon_vma.vmas[vma]
        if not anon_vma.vmas:
            machine.anon_vmas -= 1
    vma.chain = None
    vma.anon_vma = None


def link_file(machine: Machine, vma: Vma) -> None:
    """The file's mapping knows ``vma`` (vma_interval_tree_insert_after() under i_mmap_lock)."""
    file = vma.file
    if file is not None:
        file.i_mmap[vma] = None
        machine.look_at(file)


def unlink_file(machine: Machine, vma: Vma) -> None:
    """The file's mapping does not know ``vma`` any more (unlink_file_vma()). A second time would damage
    the file's interval tree: it is noted."""
    file = vma.file
    if file is None:
        return
    if vma in file.i_mmap:
        del file.i_mmap[vma]
    else:
        machine.alarm(RELEASED, f"{vma!r} is unlinked twice from file {file.number}")
    machine.look_at(file)
