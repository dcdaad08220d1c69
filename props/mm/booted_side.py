"""What a booted kernel is asked for an operation on address spaces, where that is more than `live` offers.

Its agents may do what the running kernel's are not asked: lock memory, grow down, use huge pages, have memory
policies and userfaultfd contexts; and a call fails at the request that `fail_after` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mapleproof.impl.kernel.booted.spaces import BootedSpaces, Refusal
from mapleproof.impl.kernel.live import FILES
from mapleproof.impl.mm.flags import VM_GROWSDOWN, VM_HUGETLB, VM_LOCKED
from mapleproof.model.space import PROTECTION, SHARED
from mapleproof.props.common.answers import NOTHING, Answer
from mapleproof.props.common.forms import spell
from mapleproof.props.common.operation import Common
from mapleproof.props.common.port import NotOffered
from mapleproof.props.mm import operations as ops
from mapleproof.props.mm.dispatch import SPACE_FORMS

MAP_FLAGS = {VM_GROWSDOWN: 0x100, VM_LOCKED: 0x2000, VM_HUGETLB: 0x40000}
"""MAP_GROWSDOWN, MAP_LOCKED, MAP_HUGETLB."""

CALLS: Mapping[type[Common], str] = {
    ops.Mmap: "mmap",
    ops.Munmap: "munmap",
    ops.Mprotect: "mprotect",
    ops.Mremap: "mremap",
    ops.Madvise: "madvise",
}
"""The system calls whose requests can be refused, and a fork's."""


def refusal_of(spaces: BootedSpaces, op: Common) -> Refusal | None:
    """What `fail_after` and `fail_count` stand for. Raises NotOffered."""
    if op.fail_after is None:
        return None
    if op.fail_count not in (None, 1):
        raise NotOffered(f"{spell(op)}: one request alone can be refused, or all from one on")
    return Refusal(op.fail_after + 1, op.fail_count is None, function_of(spaces, op))


def function_of(spaces: BootedSpaces, op: Common) -> str:
    """The kernel's function whose requests are an operation's. Raises NotOffered."""
    if isinstance(op, ops.Fork):
        return "dup_mmap"
    if type(op) not in CALLS:
        raise NotOffered(f"{spell(op)}: no request of it can be refused")
    prefix = "sys_" if spaces.build.variant.arch == "um" else "__x64_sys_"
    return prefix + CALLS[type(op)]


def mmap(spaces: BootedSpaces, op: Any) -> Answer:
    more = sum(flag for vm_flag, flag in MAP_FLAGS.items() if op.flags & vm_flag)
    if op.flags & ~(PROTECTION | SHARED | sum(MAP_FLAGS)):
        raise NotOffered(f"{spell(op)}: a booted kernel maps no device's memory")
    if op.flags & VM_HUGETLB:
        raise NotOffered(f"{spell(op)}: a booted kernel has no huge pages to map")
    if op.file is not None and op.file >= FILES:
        raise NotOffered(f"{spell(op)}: a booted space has files 0 to {FILES - 1} only")
    prot, shared = op.flags & PROTECTION, bool(op.flags & SHARED)
    return Answer(ret=spaces.mmap(op.space, op.start, op.size, prot, shared, op.file, more))


def mmap_each(spaces: BootedSpaces, op: Any) -> Answer:
    """Many mmap in a row, up to the first that fails."""
    for one in op.each():
        answer = mmap(spaces, one)
        if answer.ret != 0:
            return answer
    return Answer(ret=0)


def _at(spaces: BootedSpaces, op: Any) -> tuple[int, int] | None:
    """Start and size of the VMA at an address."""
    there = (area for area in spaces.areas(op.space) if area.start <= op.start < area.end)
    return next(((area.start, area.end - area.start) for area in there), None)


def bind(spaces: BootedSpaces, op: Any) -> Answer:
    if (area := _at(spaces, op)) is not None:
        spaces.bind(op.space, *area)
    return NOTHING


def userfault(spaces: BootedSpaces, op: Any) -> Answer:
    if (area := _at(spaces, op)) is not None:
        spaces.userfault(op.space, *area)
    return NOTHING


_MORE: Mapping[type[Common], Callable[[BootedSpaces, Any], Answer]] = {
    ops.Mmap: mmap,
    ops.MmapEach: mmap_each,
    ops.Mbind: bind,
    ops.Userfaultfd: userfault,
}


def carry_out(spaces: BootedSpaces, op: Common) -> Answer:
    """Carry out one operation. Raises NotOffered, AgentDied, GuestDied."""
    spaces.refusal = refusal_of(spaces, op)
    try:
        call = _MORE.get(type(op)) or SPACE_FORMS.of(type(op)).live
        if call is None:
            raise NotOffered(f"{spell(op)}: a booted kernel is not asked this")
        return call(spaces, op)
    finally:
        spaces.refusal = None
