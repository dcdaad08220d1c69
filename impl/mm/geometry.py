"""The shape of page tables: how large a page is, how many bits each level resolves, how many levels.

Levels are counted from below: a table of level 1 (PTE table) holds pages, one of level n holds tables of
level n - 1; the topmost (PGD) belongs to the address space itself and is never freed by a teardown.
"""

from __future__ import annotations

from dataclasses import dataclass

from mapleproof.impl.mm.words import Word


@dataclass(frozen=True, slots=True)
class PageGeometry:
    """A shape of page tables.

    ``page_shift``: log2 of the page size in bytes. ``bits``: log2 of the entries in a table. ``levels``:
    tables on the way to a page, the topmost included (4 or 5 on x86-64; at least 2). ``task_size``: the
    first address that user space cannot map. ``first_user`` and ``ceiling`` are FIRST_USER_ADDRESS and
    USER_PGTABLES_CEILING. ``hugepd`` makes hugetlb pages hang in tables of a kind of their own below the
    PMD table, as on powerpc, where a huge page may be smaller than what such a table spans; without it a
    hugetlb page is an entry of the PMD table itself, and as large as what a PTE table spans.
    """

    page_shift: int = 12
    bits: int = 9
    levels: int = 4
    task_size: Word = (1 << 47) - 4096
    first_user: Word = 0
    ceiling: Word = 0
    hugepd: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= 5 or not 1 <= self.bits <= 9 or not 0 <= self.page_shift <= 16:
            raise ValueError(f"no page tables have {self.levels} levels of {self.bits} bits")
        if self.task_size > 1 << self.shift(self.levels):
            raise ValueError("the page tables do not reach up to task_size")

    @property
    def page(self) -> Word:
        """Bytes of a page."""
        return 1 << self.page_shift

    def shift(self, level: int) -> int:
        """log2 of what a table of ``level`` spans; level 0 is a page."""
        return self.page_shift + self.bits * level

    def span(self, level: int) -> Word:
        """What a table of ``level`` spans, in bytes: level 1 is PMD_SIZE, 2 PUD_SIZE, 3 P4D_SIZE."""
        return 1 << self.shift(level)

    @property
    def huge_page(self) -> Word:
        """What hugetlb mappings are aligned to."""
        return self.page if self.hugepd else self.span(1)


X86_64 = PageGeometry()
"""x86-64 with four levels."""

X86_64_LA57 = PageGeometry(levels=5, task_size=(1 << 56) - 4096)
"""x86-64 with five levels."""

TINY = PageGeometry(page_shift=12, bits=2, levels=4, task_size=1 << 20)
"""Four levels of four entries: a PTE table spans 4 pages, a PMD table 16, a PUD table 64."""

TINY_5 = PageGeometry(page_shift=12, bits=1, levels=5, task_size=1 << 17)
"""Five levels of two entries: tables span 2, 4, 8 and 16 pages."""

TINY_HUGEPD = PageGeometry(page_shift=12, bits=2, levels=4, task_size=1 << 20, hugepd=True)
"""As TINY, hugetlb pages in tables of their own."""

GEOMETRIES = {
    "x86_64": X86_64,
    "x86_64_la57": X86_64_LA57,
    "tiny": TINY,
    "tiny_5": TINY_5,
    "tiny_hugepd": TINY_HUGEPD,
}
"""The shapes by name."""
