"""What must hold in a booted kernel after a call that was refused memory, as broken promises.

The numbers of the guest (`impl.kernel.booted.wire.NUMBERS`) are those before, or a promise is broken; what
the kernel itself complains of breaks one too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mapleproof.impl.kernel.booted import wire
from mapleproof.impl.kernel.booted.log import KernelAlarm, Refused
from mapleproof.impl.mm.promises import (
    CHARGE,
    COUNT,
    CRASH,
    NODES,
    OBSERVERS,
    PARENT,
    RELEASED,
    TABLES,
    ZAPPED,
    Alarm,
)

_PROMISE = {
    "maple_node": NODES,
    "page->ptl": TABLES,
    "nr_page_table_pages": TABLES,
    "nr_anon_pages": ZAPPED,
    "nr_mapped": ZAPPED,
    "nr_shmem": ZAPPED,
    "nr_mlock": ZAPPED,
    "nr_file_pages": ZAPPED,
    "mapcounts": ZAPPED,
    "Committed_AS": CHARGE,
    "VmPTE": PARENT,
    "VmLck": PARENT,
    "smaps": PARENT,
    "contents": PARENT,
}
"""Which promise is broken where a number is not what it was; of all other slabs, that things are released."""

_KINDS = {
    "Bad rss-counter": ZAPPED,
    "non-zero pgtables_bytes": TABLES,
    "Bad page": ZAPPED,
    "kmemleak": RELEASED,
}

_COUNTED_IN = ("exit_mmap", "vms_complete_munmap_vmas")
"""Functions that stop the kernel where the VMAs are not as many as map_count says."""

_WALKERS = (
    *("unuse_mm", "unuse_vma", "try_to_unuse", "swapoff", "show_smap", "show_map", "m_next", "smaps_rollup"),
    *("rmap_walk_anon", "rmap_walk_file", "page_vma_mapped_walk", "ksm_do_scan", "scan_get_next_rmap_item"),
    *(
        "khugepaged",
        "khugepaged_scan_mm_slot",
        "register_for_each_vma",
        "oom_reap_task_mm",
        "__oom_reap_task_mm",
    ),
)


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """The numbers that are not what they were, and by how much."""
    return {name: after[name] - before[name] for name in wire.NUMBERS if before[name] != after[name]}


def broken_numbers(differences: Mapping[str, int]) -> Iterator[Alarm]:
    """What is not as it was."""
    for name, difference in differences.items():
        told = f"{name} is another one" if name in wire.DIGESTS else f"{name} {difference:+}"
        yield Alarm(_PROMISE.get(name, RELEASED), told)


def broken_alarms(found: Iterable[KernelAlarm]) -> Iterator[Alarm]:
    """What the kernel complained of."""
    for alarm in found:
        yield Alarm(promise_of(alarm), str(alarm))


def promise_of(alarm: KernelAlarm) -> str:
    """The promise that is broken where the kernel says this."""
    if alarm.kind in _KINDS:
        return _KINDS[alarm.kind]
    functions = (alarm.place.split(" ")[0], *alarm.stack)
    if any(function in _WALKERS for function in functions):
        return OBSERVERS
    if alarm.kind == "BUG" and functions[0] in _COUNTED_IN:
        return COUNT
    return CRASH


def name_of(refused: Refused, below: str) -> str:
    """What asked for what was refused: the functions between the allocator's and ``below``, outermost
    first."""
    inner = refused.stack[: refused.stack.index(below)] if below in refused.stack else refused.stack
    own = [name for name in inner if not name.startswith(_ALLOCATOR)]
    return " > ".join(reversed(own)) or below


_ALLOCATOR = (
    "kmem_cache_",
    "__kmalloc",
    "kmalloc",
    "__alloc_",
    "alloc_pages",
    "alloc_frozen",
    "__get_free",
    "get_free",
    "get_zeroed",
    "__kvmalloc",
    "should_fail",
    "___slab",
    "__slab",
    "slab_",
    "post_alloc",
    "prepare_alloc",
    "folio_alloc",
    "__folio_alloc",
    "vma_alloc",
    "alloc_mpol",
    "___kmalloc",
    "pcpu_",
    "new_slab",
    "refill_",
)
"""How the names of the functions begin that only allocate."""
