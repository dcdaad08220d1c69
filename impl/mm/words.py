"""Words: the unsigned 64-bit numbers that addresses, sizes and limits are.

The code that decides which page tables go is written over words and nothing else: plain integers when it
runs, symbolic bit-vectors when it is proved. So it wraps by ``wrap``, compares with operators that a
symbolic word understands as unsigned, and never asks what a word is.
"""

from __future__ import annotations

from typing import TypeAlias

Word: TypeAlias = int
"""0 to 2**64 - 1, or what stands for such a number in a proof."""

MAX: Word = 2**64 - 1
"""ULONG_MAX."""


def wrap(word: Word) -> Word:
    """``word`` as 64 bits hold it: 0 - 1 is the top of the address space."""
    return word & MAX


def round_down(word: Word, size: Word) -> Word:
    """``word`` brought down to a multiple of ``size``, a power of two that is not symbolic."""
    return word & (MAX ^ (size - 1))
