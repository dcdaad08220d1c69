"""Which page tables go: the decisions of free_pgd_range() and free_pgtables(), one by one, over words.

An address or floor of 0 is the bottom of the address space, an end or ceiling of 0 is its top. So two ends
are compared by what lies just below them, with wrap-around. ``size`` is always a power of two: what a table
of the level in question spans.

In one sentence: a table goes if it meets [addr, end) and its aligned span lies inside [floor, ceiling).

Not covered: the walk from table to table, which is in ``free_range.py``.
"""

from __future__ import annotations

from mapleproof.impl.mm.words import Word, round_down, wrap


def narrow(addr: Word, end: Word, floor: Word, ceiling: Word, size: Word) -> tuple[Word, Word, Word] | None:
    """The range in which tables of the lowest level go, and the ceiling for the levels above
    (the head of free_pgd_range()).

    ``size`` is PMD_SIZE. None where nothing goes. (0x1000, 0x3000, 0, 0x3000) with size 0x4000 is None: the
    one table spans [0, 0x4000) and reaches beyond the ceiling.
    """
    addr = round_down(addr, size)
    if addr < floor:
        addr = wrap(addr + size)
        if addr == 0:
            return None
    if ceiling != 0:
        ceiling = round_down(ceiling, size)
        if ceiling == 0:
            return None
    if wrap(end - 1) > wrap(ceiling - 1):
        end = wrap(end - size)
    if addr > wrap(end - 1):
        return None
    return addr, end, ceiling


def table_goes(addr: Word, end: Word, floor: Word, ceiling: Word, size: Word) -> bool:
    """Whether a table above the lowest level goes, once [addr, end), which lies in its span, was freed
    below it (the tail of free_pmd_range(), free_pud_range(), free_p4d_range()). ``size`` is its span."""
    if round_down(addr, size) < floor:
        return False
    if ceiling != 0:
        ceiling = round_down(ceiling, size)
        if ceiling == 0:
            return False
    return wrap(end - 1) <= wrap(ceiling - 1)


def step_end(addr: Word, end: Word, size: Word) -> Word:
    """Where the part of [addr, end) ends that one entry covers, ``size`` its span (pmd_addr_end())."""
    border = round_down(wrap(addr + size), size)
    return border if wrap(border - 1) < wrap(end - 1) else end


def is_gathered(start: Word, end: Word, size: Word) -> bool:
    """Whether a VMA from ``start`` goes into one call with its neighbour that ends at ``end``: it begins
    within PMD_SIZE (``size``) behind it."""
    return start <= wrap(end + size)


def batch_ceiling(has_next: bool, next_start: Word, ceiling: Word) -> Word:
    """The ceiling for a batch of VMAs: where the next VMA begins, after the last the given one."""
    return next_start if has_next else ceiling


def clip(low: Word, high: Word, start: Word, end: Word) -> tuple[Word, Word] | None:
    """The part of the VMA [low, high) that lies in [start, end); None where there is none
    (unmap_single_vma()). Here an ``end`` of 0 is the bottom: everything is cut off."""
    begin = start if start > low else low
    if begin >= high:
        return None
    stop = end if end < high else high
    if stop <= low:
        return None
    return begin, stop
