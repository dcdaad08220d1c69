"""What goes over the channel to a guest: the layouts of guest/guest.h, and the names of its numbers."""

from __future__ import annotations

import struct
from typing import NamedTuple

REQUEST = struct.Struct("<II")
ANSWER = struct.Struct("<Ii")
CALLED = struct.Struct("<qQqq")
LONGEST = 1 << 20

BEGIN, CALL, NOTE, LOOK, READ, WRITE, OBSERVE, UNOBSERVE = range(8)

OBSERVERS = ("swapoff", "proc", "compaction", "ksm", "uprobes")
"""Others who walk address spaces, in the order of guest/observers.c."""

SLABS = (
    "vm_area_struct",
    "vma_lock",
    "maple_node",
    "mm_struct",
    "anon_vma",
    "anon_vma_chain",
    "files_cache",
    "fs_cache",
    "sighand_cache",
    "signal_cache",
    "task_struct",
    "pid",
    "numa_policy",
    "userfaultfd_ctx_cache",
    "page->ptl",
)
STATS = (
    "nr_page_table_pages",
    "nr_anon_pages",
    "nr_mapped",
    "nr_shmem",
    "nr_mlock",
    "nr_kernel_stack",
    "nr_file_pages",
)
OTHERS = ("Committed_AS", "VmPTE", "VmLck", "smaps", "contents", "mapcounts")
NUMBERS = (*SLABS, "kmalloc", *STATS, *OTHERS)
"""The numbers of guest/look.c, in its order. The last three are digests."""

DIGESTS = frozenset(("smaps", "contents", "mapcounts"))
_ALL = struct.Struct("<48q")


class Called(NamedTuple):
    """What came of a call: what it returned, a value where it has one, how much of `nth` was left, whether
    the process died, and what the kernel's log said meanwhile."""

    ret: int
    value: int
    left: int
    died: bool
    log: str


def words(*values: int) -> bytes:
    """So many 64-bit words; negative ones as the kernel takes them."""
    return struct.pack(f"<{len(values)}Q", *(value & (1 << 64) - 1 for value in values))


def read_called(data: bytes) -> Called:
    ret, value, left, died = CALLED.unpack_from(data)
    return Called(ret, value, left, bool(died), data[CALLED.size :].decode(errors="replace"))


def read_numbers(data: bytes) -> tuple[dict[str, int], str]:
    """The numbers by name, -1 where this kernel has no such thing, and the log."""
    numbers = dict(zip(NUMBERS, _ALL.unpack_from(data), strict=False))
    return numbers, data[_ALL.size :].decode(errors="replace")
