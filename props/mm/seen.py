"""What everybody can see of an address space: VMAs, equal neighbours as one."""

from collections.abc import Iterable

from mapleproof.model.space import ACCOUNT, DONTCOPY, MAYREAD, PROTECTION, SHARED, WIPEONFORK
from mapleproof.props.common.answers import Answer

VISIBLE = PROTECTION | SHARED | DONTCOPY | ACCOUNT | WIPEONFORK
"""The flags that `vmas` answers, and VM_MAYREAD, which all have."""


def merged(areas: Iterable[tuple[int, int, int]]) -> Answer:
    """VMAs as (start, end, flags), equal neighbours as one, with the flags that everybody can see."""
    entries: list[tuple[int, int, int]] = []
    for start, end, flags in areas:
        seen = flags & VISIBLE | MAYREAD
        if entries and entries[-1][1] + 1 == start and entries[-1][2] == seen:
            entries[-1] = (entries[-1][0], end - 1, seen)
        else:
            entries.append((start, end - 1, seen))
    return Answer(entries=entries)
