"""What a process does to its address space, under the mmap lock: the system calls.

Every call takes page-aligned bytes and returns 0 or a negative errno. What a hole in the range means is each
call's own matter, as in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from mapleproof.impl.mm import advise, map, remap
from mapleproof.impl.mm.mm import Mm
from mapleproof.impl.mm.touch import touch as _touch

P = ParamSpec("P")


def _writing(call: Callable[Concatenate[Mm, P], int]) -> Callable[Concatenate[Mm, P], int]:
    """``call`` with the mmap lock held for writing."""

    @wraps(call)
    def locked(mm: Mm, /, *args: P.args, **kwargs: P.kwargs) -> int:
        mm.lock.write_lock()
        try:
            return call(mm, *args, **kwargs)
        finally:
            mm.lock.write_unlock()

    return locked


mmap = _writing(map.mmap)
munmap = _writing(map.munmap)
mprotect = _writing(advise.mprotect)
madvise = _writing(advise.madvise)
mremap = _writing(remap.mremap)
set_policy = advise.set_policy
register_userfaultfd = advise.register_userfaultfd


def touch(mm: Mm, start: int, size: int) -> int:
    """Page faults hold the lock for reading; see touch.py."""
    mm.lock.read_lock()
    try:
        return _touch(mm, start, size)
    finally:
        mm.lock.read_unlock()
