"""VM_* flags of a VMA, with the kernel's values, and how /proc/PID/smaps spells them."""

from __future__ import annotations

VM_READ = 0x1
VM_WRITE = 0x2
VM_EXEC = 0x4
VM_SHARED = 0x8
VM_MAYREAD = 0x10
"""Set in every VMA here, so that no VMA's flags are 0."""
VM_GROWSDOWN = 0x100
VM_PFNMAP = 0x400
VM_LOCKED = 0x2000
VM_DONTCOPY = 0x20000
VM_ACCOUNT = 0x100000
VM_HUGETLB = 0x400000
VM_WIPEONFORK = 0x2000000

PROTECTION = VM_READ | VM_WRITE | VM_EXEC
SETTABLE = PROTECTION | VM_SHARED | VM_GROWSDOWN | VM_PFNMAP | VM_LOCKED | VM_HUGETLB
"""What a caller of mmap may ask for; VM_ACCOUNT follows from it, the rest from madvise."""

SMAPS = {
    "rd": VM_READ,
    "wr": VM_WRITE,
    "ex": VM_EXEC,
    "sh": VM_SHARED,
    "gd": VM_GROWSDOWN,
    "pf": VM_PFNMAP,
    "lo": VM_LOCKED,
    "dc": VM_DONTCOPY,
    "ac": VM_ACCOUNT,
    "ht": VM_HUGETLB,
    "wf": VM_WIPEONFORK,
}
"""The two letters of each flag in the VmFlags line of smaps."""


def is_accountable(flags: int) -> bool:
    """Whether a new mapping is charged: private and writable, not hugetlb (accountable_mapping()). Shared
    memory without a file is charged to what it maps, not to the VMA (shmem_acct_size())."""
    return flags & (VM_WRITE | VM_SHARED | VM_HUGETLB | VM_PFNMAP) == VM_WRITE
