"""Entries of cases as a kernel's tree stores them."""

from __future__ import annotations

from mapleproof.impl.kernel.wire import BASE, POINTERS


def raw(entry: int) -> int:
    """An entry as a kernel stores it, 0 for none: what `impl.kernel.wire.raw` says, for words."""
    if entry == 0:
        return 0
    if entry & 4 and entry < POINTERS:
        return entry + BASE << 3 | (entry & 1) << 2
    return entry << 1 | 1
